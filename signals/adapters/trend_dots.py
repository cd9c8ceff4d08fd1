"""Trend dots: the bias that a row of timeframes adds up to."""

from collections.abc import Mapping

from signals.adapters.base import Body, signal_read
from signals.data import Arrival, SignalDraft
from signals.enums import Family
from signals.fields import is_given


class TrendDotsAdapter:
    family = Family.TREND_DOTS

    def matches(self, body: Body, path: str) -> bool:
        return isinstance(body.get("timeframes"), Mapping) and is_given(body.get("bias"))

    def read(self, body: Body, arrival: Arrival) -> SignalDraft:
        return signal_read(body, arrival, self.family)
