"""The bias of each symbol, to read."""

from django.contrib import admin

from bias.models import BiasStateCurrent, BiasStateHistory, GammaSnapshot
from optionsengine.core.admin import BAD, GOOD, LedgerAdmin, badge


@admin.register(BiasStateCurrent)
class BiasStateCurrentAdmin(LedgerAdmin):
    list_display = ("symbol", "shown_bias", "bias_score", "event_type", "event_at", "updated_at")
    ordering = ("symbol",)
    exact_search = ("symbol",)

    @badge("bias", {"BULLISH": GOOD, "BEARISH": BAD})
    def shown_bias(self, row: BiasStateCurrent) -> str:
        return row.bias


@admin.register(BiasStateHistory)
class BiasStateHistoryAdmin(LedgerAdmin):
    list_display = ("created_at", "symbol", "event_type", "event_at", "is_applied")
    list_select_related = ("event",)
    exact_search = ("symbol",)


@admin.register(GammaSnapshot)
class GammaSnapshotAdmin(LedgerAdmin):
    list_display = ("created_at", "symbol", "shown_environment", "magnitude", "net_gex", "flip_level", "as_of_at")
    list_select_related = ("event",)
    exact_search = ("symbol",)

    @badge("environment", {"POSITIVE": GOOD, "NEGATIVE": BAD})
    def shown_environment(self, row: GammaSnapshot) -> str:
        return row.environment
