"""Multi-timeframe bias, version 3."""

from collections.abc import Mapping

from signals.adapters.base import Body, bias_read, payload_read
from signals.bias_v3 import BiasV3Payload
from signals.data import Arrival, BiasDraft
from signals.enums import Family
from signals.fields import word_read

_BLOCKS = ("macro", "intent", "liquidity", "space", "trigger")


class BiasV3Adapter:
    family = Family.BIAS_V3

    def matches(self, body: Body, path: str) -> bool:
        return word_read(body, "source") == "mtf_bias_engine_v3" or all(
            isinstance(body.get(key), Mapping) for key in _BLOCKS
        )

    def read(self, body: Body, arrival: Arrival) -> BiasDraft:
        return bias_read(body, arrival, payload_read(BiasV3Payload, body))
