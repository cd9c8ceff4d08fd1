"""Settings of what people and programs see: the API, tokens, throttles, the admin's look."""

from datetime import timedelta
from typing import Any

from django.templatetags.static import static

# `shared` is one cache for every process of the deployment, kept in the database
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "shared": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "shared_cache"},
    "market": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "market_cache",
        "OPTIONS": {"MAX_ENTRIES": 5000},
    },
}

LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

FORMAT_MODULE_PATH = ["optionsengine.console.formats"]

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_SCHEMA_CLASS": "optionsengine.console.openapi.ErrorsSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework_simplejwt.authentication.JWTAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["optionsengine.console.permissions.RolePermission"],
    "DEFAULT_PAGINATION_CLASS": "optionsengine.console.pagination.NewestFirst",
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "rest_framework.filters.OrderingFilter",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "optionsengine.console.errors.answer_error",
    "DEFAULT_THROTTLE_RATES": {"login": "10/min", "cron": "60/min"},
    "COERCE_DECIMAL_TO_STRING": True,
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%S.%fZ",
    "DATETIME_INPUT_FORMATS": ["iso-8601"],
}

SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=10),
    "REFRESH_TOKEN_LIFETIME": timedelta(hours=12),
    "UPDATE_LAST_LOGIN": False,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "optionsengine",
    "DESCRIPTION": "Turns market alerts into option trades: signals, decisions, orders, positions and exits.",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "optionsengine.console.openapi.webhook_describe",
    ],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "SignalStatus": "signals.enums.SignalStatus",
        "OrderStatus": "orders.enums.OrderStatus",
        "PositionStatus": "positions.enums.PositionStatus",
        "TradingStatus": "optionsengine.ops.enums.TradingStatus",
        "Side": "optionsengine.core.enums.Side",
        "Intent": "optionsengine.core.enums.Intent",
        "Engine": "optionsengine.core.enums.Engine",
        "Mode": "optionsengine.core.enums.Mode",
        "Right": "optionsengine.core.enums.Right",
        "ApprovalStatus": "experiments.enums.ApprovalStatus",
        "GateOutcome": "experiments.enums.GateOutcome",
        "DecisionOutcome": "experiments.enums.DecisionOutcome",
        "VoteBias": "experiments.enums.VoteBias",
        "EventStatus": "signals.enums.EventStatus",
        "AlertUrgency": "positions.enums.AlertUrgency",
        "Urgency": "experiments.enums.Urgency",
    },
}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "optionsengine",
    "SITE_HEADER": "optionsengine",
    "SITE_SYMBOL": "candlestick_chart",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("console/favicon.svg")},
    ],
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
    "ENVIRONMENT": "optionsengine.console.navigation.environment",
    "STYLES": [lambda request: static("console/console.css")],
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": "optionsengine.console.navigation.sidebar",
    },
}
