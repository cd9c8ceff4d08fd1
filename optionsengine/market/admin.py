"""What market feeds and providers sent, and how much may still be asked, to read."""

from django.contrib import admin

from optionsengine.core.admin import LedgerAdmin
from optionsengine.market.models import FeedTick, IvDay, ProviderLimit, StoredBar


@admin.register(FeedTick)
class FeedTickAdmin(LedgerAdmin):
    list_display = ("created_at", "kind", "symbol", "price", "option_type", "strike", "expiry", "premium", "size")
    list_filter = ("kind",)
    exact_search = ("symbol",)


@admin.register(StoredBar)
class StoredBarAdmin(LedgerAdmin):
    list_display = ("symbol", "timeframe", "at", "open", "high", "low", "close", "volume", "source")
    list_filter = ("timeframe",)
    exact_search = ("symbol",)


@admin.register(IvDay)
class IvDayAdmin(LedgerAdmin):
    list_display = ("symbol", "session_date", "atm_iv", "is_simulated")
    list_filter = ("is_simulated",)
    exact_search = ("symbol",)


@admin.register(ProviderLimit)
class ProviderLimitAdmin(LedgerAdmin):
    list_display = ("name", "calls_left", "refilled_at", "blocked_until")
    ordering = ("name",)

    @admin.display(description="calls left then")
    def calls_left(self, row: ProviderLimit) -> str:
        return f"{row.tokens:.1f}"
