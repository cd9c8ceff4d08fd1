"""Anything that no other family claims."""

from signals.adapters.base import Body, signal_read
from signals.data import Arrival, SignalDraft
from signals.enums import Family


class PlainAdapter:
    family = Family.PLAIN

    def matches(self, body: Body, path: str) -> bool:
        return True

    def read(self, body: Body, arrival: Arrival) -> SignalDraft:
        return signal_read(body, arrival, self.family)
