"""Ticks of the underlying, told by their route: context for decisions, never a signal by itself."""

from signals.adapters.base import Body, payload_read, time_read
from signals.data import Arrival, FeedDraft
from signals.enums import Family
from signals.feeds import PricePayload
from signals.symbol import symbol_find

ROUTE = "/api/webhooks/price"


class PriceAdapter:
    family = Family.PRICE

    def matches(self, body: Body, path: str) -> bool:
        return path.rstrip("/") == ROUTE

    def read(self, body: Body, arrival: Arrival) -> FeedDraft:
        tick = payload_read(PricePayload, body)
        return FeedDraft(
            family=self.family,
            symbol=symbol_find(body, allow_delayed_feed=arrival.allow_delayed_feed),
            observed_at=time_read(body, "timestamp", arrival),
            price=tick.price,
            size=tick.volume,
        )
