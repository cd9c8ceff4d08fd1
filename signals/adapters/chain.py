"""Option chains, told by their route: kept as they came, never a signal by themselves."""

from signals.adapters.base import Body, payload_read, time_read
from signals.data import Arrival, FeedDraft
from signals.enums import Family
from signals.feeds import ChainPayload
from signals.symbol import symbol_find

ROUTE = "/api/webhooks/chain"


class ChainAdapter:
    family = Family.CHAIN

    def matches(self, body: Body, path: str) -> bool:
        return path.rstrip("/") == ROUTE

    def read(self, body: Body, arrival: Arrival) -> FeedDraft:
        payload_read(ChainPayload, body)
        symbol = symbol_find(body, allow_delayed_feed=arrival.allow_delayed_feed)
        return FeedDraft(family=self.family, symbol=symbol, observed_at=time_read(body, "timestamp", arrival))
