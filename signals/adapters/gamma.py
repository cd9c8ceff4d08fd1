"""Dealers' gamma exposure: context for decisions, never a signal."""

from signals.adapters.base import Body, payload_read, time_read
from signals.data import Arrival, GammaDraft
from signals.enums import Family
from signals.gamma import GammaPayload
from signals.symbol import symbol_find


class GammaAdapter:
    family = Family.GAMMA

    def matches(self, body: Body, path: str) -> bool:
        return "gamma_environment" in body and "net_gex" in body

    def read(self, body: Body, arrival: Arrival) -> GammaDraft:
        payload = payload_read(GammaPayload, body)
        symbol = symbol_find(body, allow_delayed_feed=arrival.allow_delayed_feed)
        return GammaDraft(symbol, time_read(body, "as_of_ts_ms", arrival), payload)
