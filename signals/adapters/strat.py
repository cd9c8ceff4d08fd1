"""STRAT v6: a trade plan with the journal of the engine that made it."""

from collections.abc import Mapping

from signals.adapters.base import Body, Places, required, signal_read
from signals.data import Arrival, Detail, SignalDraft, invalid_fields
from signals.enums import Family
from signals.fields import field_read, is_given
from signals.numbers import price_read
from signals.timeframe import SOURCES

PLACES = Places(
    timeframe=("market.timeframe", *SOURCES),
    timestamp=("journal.created_at", "timestamp"),
    confidence=("signal.confidence", "confidence"),
)


class StratAdapter:
    family = Family.STRAT

    def matches(self, body: Body, path: str) -> bool:
        return isinstance(body.get("journal"), Mapping) and is_given(field_read(body, "journal.engine"))

    def read(self, body: Body, arrival: Arrival) -> SignalDraft:
        faults: list[Detail] = []
        if not (is_given(body.get("symbol")) and is_given(body.get("timeframe"))):
            required(body, "trade_plan.entry", price_read, faults)
            required(body, "trade_plan.stop", price_read, faults)
        if faults:
            raise invalid_fields(faults)
        return signal_read(body, arrival, self.family, PLACES)
