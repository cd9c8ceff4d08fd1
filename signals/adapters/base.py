"""What every family's adapter is, and the reading that entry and exit families share."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol, TypeVar

from optionsengine.core.enums import Intent
from signals.bias_v1 import BiasV1Payload
from signals.bias_v3 import BiasV3Payload
from signals.data import Arrival, BiasDraft, Detail, Draft, IntakeRejected, SignalDraft, invalid_fields
from signals.enums import Family, IntakeCode
from signals.fields import field_read, path_given, placeholder_fault
from signals.numbers import (
    amount_read,
    confidence_read,
    expiration_read,
    flag_read,
    price_read,
    quantity_read,
    timestamp_read,
)
from signals.payload_types import Payload, payload_faults
from signals.sender_id import sender_event_id
from signals.side import Options, cancel_check, intent_read, side_and_intent_find
from signals.symbol import SOURCES as SYMBOL_SOURCES
from signals.symbol import symbol_find
from signals.timeframe import SOURCES as TIMEFRAME_SOURCES
from signals.timeframe import timeframe_end, timeframe_find, timeframe_read

MAX_FUTURE = timedelta(seconds=300)
PNL = ("pnl", "strategy.order_profit")
Value = TypeVar("Value")
Body = Mapping[str, Any]
Paths = tuple[str, ...]


class Adapter(Protocol):
    """One family. `matches` looks at the body alone; `read` turns it into one draft."""

    family: Family

    def matches(self, body: Body, path: str) -> bool: ...

    def read(self, body: Body, arrival: Arrival) -> Draft:
        """Return the draft.

        :raises IntakeRejected: with the first check that fails.
        """
        ...


@dataclass(frozen=True, slots=True)
class Places:
    """Where a family keeps what an entry or exit says, the first given path counting; by default as a plain alert.

    `said` is the body for the side and intent, its words put where a plain alert has them (None: the body itself);
    `options` the words that name the ordered option. `default_timeframe` is that of a body without one.
    """

    symbol: Paths = SYMBOL_SOURCES
    timeframe: Paths = TIMEFRAME_SOURCES
    default_timeframe: str = ""
    timestamp: Paths = ("timestamp",)
    confidence: Paths = ("confidence",)
    price: Paths = ("price",)
    quantity: Paths = ("quantity",)
    expiration: Paths = ("expiration",)
    read_expiration: Callable[[Any, datetime], date] = expiration_read
    said: Body | None = None
    options: Options = ()


PLAIN = Places()


def required(body: Body, path: str, read: Callable[[Any], Value], faults: list[Detail]) -> Value | None:
    """Return the value at `path` as `read` gives it; None where it is absent or at fault, which is then noted."""
    raw = field_read(body, path)
    try:
        return read(raw)
    except ValueError as error:
        faults.append({"field": path, "message": placeholder_fault(raw) or str(error)})
        return None


def read_or_fault(body: Body, path: str, read: Callable[[Any], Value], faults: list[Detail]) -> Value | None:
    """Return the value at `path` as `read` gives it; None if absent, or if it is at fault, which is then noted."""
    return None if field_read(body, path) is None else required(body, path, read, faults)


def payload_read(kind: type[Payload], body: Body) -> Payload:
    """Return the body as its family's schema validates it.

    :raises IntakeRejected: `INVALID_FIELD` with every fault.
    """
    payload, faults = payload_faults(kind, body)
    if payload is None:
        raise invalid_fields([{"field": field, "message": message} for field, message in faults])
    return payload


def bias_read(body: Body, arrival: Arrival, payload: BiasV3Payload | BiasV1Payload) -> BiasDraft:
    """Return the draft of a validated bias event.

    :raises IntakeRejected: with the first check that fails.
    """
    return BiasDraft(
        symbol=symbol_find(body, allow_delayed_feed=arrival.allow_delayed_feed),
        chart_timeframe=timeframe_read(payload.chart_tf),
        event_id=hashlib.sha256(payload.event_id_raw.encode()).hexdigest(),
        event_at=time_read(body, "event_ts_ms", arrival),
        payload=payload,
    )


def time_read(body: Body, path: str, arrival: Arrival) -> datetime:
    """Return the body's time, or the arrival's where it has none.

    :raises IntakeRejected: `INVALID_FIELD`, or `STALE_TIMESTAMP` for more than 300 s in the future.
    """
    faults: list[Detail] = []
    moment = read_or_fault(body, path, timestamp_read, faults)
    if faults:
        raise invalid_fields(faults)
    if moment is not None and moment - arrival.at > MAX_FUTURE:
        raise IntakeRejected(
            IntakeCode.STALE_TIMESTAMP,
            f"{path} lies more than {MAX_FUTURE.seconds} s in the future; check the sender's clock",
        )
    return moment or arrival.at


def is_test_read(body: Body, faults: list[Detail]) -> bool:
    """Return the body's own `is_test`, else that of its `metadata`; what is neither true nor false is noted."""
    path = "metadata.is_test" if field_read(body, "is_test") is None else "is_test"
    return read_or_fault(body, path, flag_read, faults) or False


def signal_read(body: Body, arrival: Arrival, family: Family, places: Places = PLAIN) -> SignalDraft:
    """Read an entry or exit in the contract's order: symbol, feed, timeframe, side and intent, numbers, timestamp.

    What asks for no trade at all is told so before its timeframe, which it may lack.

    :raises IntakeRejected: with the first check that fails.
    """
    name = symbol_find(body, allow_delayed_feed=arrival.allow_delayed_feed, sources=places.symbol)
    cancel_check(body)
    said = body if places.said is None else places.said
    intent = intent_read(said, places.options)
    bar = timeframe_find(body, intent, places.timeframe, places.default_timeframe)
    side, intent = side_and_intent_find(said, places.options)
    faults: list[Detail] = []

    def number(paths: Paths, read: Callable[[Any], Value]) -> Value | None:
        return read_or_fault(body, path_given(body, paths) or paths[0], read, faults)

    confidence = number(places.confidence, confidence_read)
    price = number(places.price, price_read)
    quantity = number(places.quantity, quantity_read)
    strike = number(("strike",), price_read)
    expiration = number(places.expiration, lambda raw: places.read_expiration(raw, arrival.at))
    is_test = is_test_read(body, faults)
    # what an exit made is a note beside it: a blank one says nothing
    pnl_path = path_given(body, PNL) if intent == Intent.EXIT else None
    reported_pnl = read_or_fault(body, pnl_path, amount_read, faults) if pnl_path else None
    if faults:
        raise invalid_fields(faults)
    bar_at = time_read(body, path_given(body, places.timestamp) or places.timestamp[0], arrival)
    bar_end_at = timeframe_end(bar_at, bar)
    age = (arrival.at - bar_end_at).total_seconds()
    if intent == Intent.ENTRY and age > arrival.max_age_seconds:
        raise IntakeRejected(
            IntakeCode.STALE_TIMESTAMP,
            f"the alert's bar ended {age:.0f} s ago, more than {arrival.max_age_seconds} s; "
            "send alerts as they fire, or raise SIGNAL_MAX_AGE_SECONDS",
        )
    pattern = field_read(body, "pattern") or field_read(body, "signal.pattern")
    return SignalDraft(
        family=family,
        symbol=name,
        side=side,
        intent=intent,
        timeframe=bar,
        bar_at=bar_at,
        bar_end_at=bar_end_at,
        confidence=confidence,
        price=price,
        quantity=quantity,
        strike=strike,
        expiration=expiration,
        pattern=pattern.strip()[:100] if isinstance(pattern, str) else "",
        is_test=is_test,
        sender_event_id=sender_event_id(body, arrival.header_id, reads_id=arrival.reads_id),
        reported_pnl=reported_pnl,
    )
