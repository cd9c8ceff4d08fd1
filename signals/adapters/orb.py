"""ORB, Stretch, BHCH and EMA: breakouts of the opening range, and candles that only signal."""

from signals.adapters.base import Body, Places, signal_read
from signals.data import Arrival, SignalDraft
from signals.enums import Family
from signals.fields import word_read

INDICATORS = frozenset({"orb", "stretch", "bhch", "ema"})
DEFAULT_TIMEFRAME = "5m"


def _named(text: str) -> str:
    """Return the one side a type names, or what is no side."""
    named = [word for word in ("bullish", "bearish") if word in text]
    return named[0] if len(named) == 1 else "neutral"


class OrbAdapter:
    family = Family.ORB

    def matches(self, body: Body, path: str) -> bool:
        return word_read(body, "indicator") in INDICATORS

    def read(self, body: Body, arrival: Arrival) -> SignalDraft:
        is_signal = word_read(body, "action") == "signal"
        said = {"direction": _named(word_read(body, "type"))} if is_signal else body
        return signal_read(body, arrival, self.family, Places(default_timeframe=DEFAULT_TIMEFRAME, said=said))
