"""The ultimate-options indicator and its Pine alerts."""

from signals.adapters.base import Body, signal_read
from signals.data import Arrival, SignalDraft
from signals.enums import Family
from signals.fields import is_given, word_read


class UltimateAdapter:
    family = Family.ULTIMATE

    def matches(self, body: Body, path: str) -> bool:
        return word_read(body, "source") == "signals" or all(
            is_given(body.get(key)) for key in ("trend", "score", "signal")
        )

    def read(self, body: Body, arrival: Arrival) -> SignalDraft:
        return signal_read(body, arrival, self.family)
