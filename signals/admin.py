"""Ledgers. Sources, requests and signals have their pages in the console, which sees an alert's whole life."""

from django.contrib import admin

from optionsengine.core.admin import LedgerAdmin
from signals.models import MarketContextReceived, SignalEvent


@admin.register(SignalEvent)
class SignalEventAdmin(LedgerAdmin):
    list_display = ("created_at", "signal", "from_status", "to_status", "reason", "message", "actor")
    list_select_related = ("signal",)


@admin.register(MarketContextReceived)
class MarketContextReceivedAdmin(LedgerAdmin):
    list_display = ("created_at", "symbol", "price", "observed_at")
    list_select_related = ("event",)
    exact_search = ("symbol",)
