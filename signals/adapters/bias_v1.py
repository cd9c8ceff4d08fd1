"""Multi-timeframe bias, the legacy snapshot."""

from signals.adapters.base import Body, bias_read, payload_read
from signals.bias_v1 import BiasV1Payload
from signals.data import Arrival, BiasDraft
from signals.enums import Family
from signals.fields import word_read


class BiasV1Adapter:
    family = Family.BIAS_V1

    def matches(self, body: Body, path: str) -> bool:
        return word_read(body, "event_type") == "bias_snapshot"

    def read(self, body: Body, arrival: Arrival) -> BiasDraft:
        return bias_read(body, arrival, payload_read(BiasV1Payload, body))
