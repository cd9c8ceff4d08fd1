"""TradersPost: an order with the position it leads to."""

from signals.adapters.base import Body, Places, signal_read
from signals.data import Arrival, SignalDraft
from signals.enums import Family
from signals.fields import is_given, word_read

OWN_ACTIONS = frozenset({"exit", "cancel", "add"})


class TradersPostAdapter:
    family = Family.TRADERSPOST

    def matches(self, body: Body, path: str) -> bool:
        if not (is_given(body.get("ticker")) and is_given(body.get("action"))):
            return False
        return is_given(body.get("sentiment")) or word_read(body, "action") in OWN_ACTIONS

    def read(self, body: Body, arrival: Arrival) -> SignalDraft:
        said = {**body, "market_position": "flat"} if word_read(body, "sentiment") == "flat" else body
        return signal_read(body, arrival, self.family, Places(said=said))
