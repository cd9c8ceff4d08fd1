"""SATY phase: the phase decides the side, whatever else the body says of the market."""

from collections.abc import Mapping

from signals.adapters.base import Body, Places, signal_read
from signals.data import Arrival, SignalDraft
from signals.enums import Family
from signals.fields import field_read, is_given, word_read
from signals.timeframe import SOURCES

PHASES = ("markup", "markdown")
# what tells an entry from an exit; it is read only beside a phase that can be traded
_INTENT = ("action", "order_action", "strategy", "market_position", "prev_market_position")


class SatyAdapter:
    family = Family.SATY

    def matches(self, body: Body, path: str) -> bool:
        return word_read(body, "meta.engine") == "saty_po"

    def read(self, body: Body, arrival: Arrival) -> SignalDraft:
        phase = word_read(body, "event.phase_name")
        if phase in PHASES:
            said = {**{key: body.get(key) for key in _INTENT}, "direction": phase}
        else:
            said = {"direction": "other" if is_given(field_read(body, "event.phase_name")) else None}
        # in the full form these two are objects, in the short form the values themselves
        timeframe = tuple(path for path in SOURCES if not isinstance(body.get(path), Mapping))
        confidence = () if isinstance(body.get("confidence"), Mapping) else ("confidence",)
        places = Places(
            timeframe=("timeframe.chart_tf", *timeframe),
            timestamp=("event.timestamp", "timestamp"),
            confidence=("confidence.confidence_score", *confidence),
            said=said,
        )
        return signal_read(body, arrival, self.family, places)
