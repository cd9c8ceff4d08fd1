"""The API, its documents and tokens, health, and the way in."""

from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter
from rest_framework_simplejwt.views import TokenRefreshView, TokenVerifyView

from bias.views import BiasHistoryView, BiasStateView, BiasSummaryView
from experiments.views import RiskLimitViewSet
from optionsengine.console import health, metrics, views
from optionsengine.console.approval_views import ApprovalViewSet
from optionsengine.console.cron_views import CronQueueView
from optionsengine.console.decision_views import DecisionViewSet
from optionsengine.console.flatten_views import FlattenView
from optionsengine.ops.views import FeatureFlagViewSet, TradingStateView
from orders.views import OrderViewSet, TradeViewSet
from positions.views import ExitRuleViewSet, ExitSignalsView, PositionViewSet

router = SimpleRouter(use_regex_path=False)
router.register("signals", views.SignalLifeViewSet)
router.register("decisions", DecisionViewSet)
router.register("approvals", ApprovalViewSet)
router.register("orders", OrderViewSet)
router.register("trades", TradeViewSet)
router.register("positions", PositionViewSet)
router.register("exit-rules", ExitRuleViewSet)
router.register("risk-limits", RiskLimitViewSet)
router.register("feature-flags", FeatureFlagViewSet)

v1: list[URLPattern | URLResolver] = [
    path("", include(router.urls)),
    path("bias/state/", BiasStateView.as_view(), name="bias-state"),
    path("bias/history/", BiasHistoryView.as_view(), name="bias-history"),
    path("bias/summary/", BiasSummaryView.as_view(), name="bias-summary"),
    path("trading-state/", TradingStateView.as_view(), name="trading-state"),
    path("trading-state/flatten/", FlattenView.as_view(), name="trading-state-flatten"),
    path("exit-signals/", ExitSignalsView.as_view(), name="exit-signals"),
    path("paper-trading/", views.PaperTradingView.as_view(), name="paper-trading"),
    path("refresh-positions/", views.RefreshPositionsView.as_view(), name="refresh-positions"),
    path("cron/process-queue/", CronQueueView.as_view(), name="cron-process-queue"),
    path("pipeline/run/", views.PipelineRunView.as_view(), name="pipeline-run"),
    path("stream-ticket/", views.StreamTicketView.as_view(), name="stream-ticket"),
]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("api/v1/", include(v1)),
    re_path(r"^api/bias/state/?$", BiasStateView.as_view(schema=None)),
    re_path(r"^api/cron/process-queue/?$", CronQueueView.as_view(schema=None)),
    path("api/auth/token/", views.LoginView.as_view(), name="token"),
    path("api/auth/token/refresh/", TokenRefreshView.as_view(), name="token-refresh"),
    path("api/auth/token/verify/", TokenVerifyView.as_view(), name="token-verify"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", views.DocsView.as_view(), name="docs"),
]
