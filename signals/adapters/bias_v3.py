"""Multi-timeframe bias, version 3."""

import hashlib
from collections.abc import Mapping

from signals.adapters.base import Body, time_read
from signals.bias_v3 import bias_v3_faults
from signals.data import Arrival, BiasDraft, invalid_fields
from signals.enums import Family
from signals.fields import word_read
from signals.symbol import symbol_find
from signals.timeframe import timeframe_read

_BLOCKS = ("macro", "intent", "liquidity", "space", "trigger")


class BiasV3Adapter:
    family = Family.BIAS_V3

    def matches(self, body: Body, path: str) -> bool:
        return word_read(body, "source") == "mtf_bias_engine_v3" or all(
            isinstance(body.get(key), Mapping) for key in _BLOCKS
        )

    def read(self, body: Body, arrival: Arrival) -> BiasDraft:
        payload, faults = bias_v3_faults(body)
        if payload is None:
            raise invalid_fields([{"field": field, "message": message} for field, message in faults])
        symbol = symbol_find(body, allow_delayed_feed=arrival.allow_delayed_feed)
        timeframe = timeframe_read(payload.chart_tf)
        return BiasDraft(
            symbol=symbol,
            event_id=hashlib.sha256(payload.event_id_raw.encode()).hexdigest(),
            event_at=time_read(body, "event_ts_ms", arrival),
            chart_timeframe=timeframe,
            payload=payload,
        )
