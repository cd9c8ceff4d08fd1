"""What market feeds sent, to read."""

from django.contrib import admin

from optionsengine.core.admin import LedgerAdmin
from optionsengine.market.models import FeedTick


@admin.register(FeedTick)
class FeedTickAdmin(LedgerAdmin):
    list_display = ("created_at", "kind", "symbol", "price", "option_type", "strike", "expiry", "premium", "size")
    list_filter = ("kind",)
    exact_search = ("symbol",)
