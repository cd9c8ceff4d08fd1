"""Option flow, told by its route: context for decisions, never a signal by itself."""

from signals.adapters.base import Body, payload_read, time_read
from signals.data import Arrival, FeedDraft
from signals.enums import Family
from signals.feeds import FlowPayload
from signals.symbol import symbol_find

ROUTE = "/api/webhooks/flow"


class FlowAdapter:
    family = Family.FLOW

    def matches(self, body: Body, path: str) -> bool:
        return path.rstrip("/") == ROUTE

    def read(self, body: Body, arrival: Arrival) -> FeedDraft:
        flow = payload_read(FlowPayload, body)
        return FeedDraft(
            family=self.family,
            symbol=symbol_find(body, allow_delayed_feed=arrival.allow_delayed_feed),
            observed_at=time_read(body, "timestamp", arrival),
            option_type=flow.type,
            strike=flow.strike,
            expiry=flow.expiry,
            premium=flow.premium,
            size=flow.size,
            sentiment=flow.sentiment,
            is_unusual=flow.unusual,
        )
