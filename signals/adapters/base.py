"""What every family's adapter is, and the reading that entry and exit families share."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from optionsengine.core.enums import Intent
from signals.data import Arrival, Detail, Draft, IntakeRejected, SignalDraft, invalid_fields
from signals.enums import Family, IntakeCode
from signals.fields import field_read, is_given
from signals.numbers import (
    amount_read,
    confidence_read,
    expiration_read,
    flag_read,
    price_read,
    quantity_read,
    timestamp_read,
)
from signals.sender_id import sender_event_id
from signals.side import cancel_check, intent_read, side_and_intent_find
from signals.symbol import symbol_find
from signals.timeframe import timeframe_end, timeframe_find

MAX_FUTURE = timedelta(seconds=300)
PNL = ("pnl", "strategy.order_profit")
Value = TypeVar("Value")
Body = Mapping[str, Any]


class Adapter(Protocol):
    """One family. `matches` looks at the body alone; `read` turns it into one draft."""

    family: Family

    def matches(self, body: Body, path: str) -> bool: ...

    def read(self, body: Body, arrival: Arrival) -> Draft:
        """Return the draft.

        :raises IntakeRejected: with the first check that fails.
        """
        ...


def read_or_fault(body: Body, path: str, read: Callable[[Any], Value], faults: list[Detail]) -> Value | None:
    """Return the value at `path` as `read` gives it; None if absent, or if it is at fault, which is then noted."""
    raw = field_read(body, path)
    if raw is None:
        return None
    try:
        return read(raw)
    except ValueError as error:
        faults.append({"field": path, "message": str(error)})
        return None


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


def _reported_pnl(body: Body, faults: list[Detail]) -> Decimal | None:
    path = next((path for path in PNL if is_given(field_read(body, path))), None)
    return None if path is None else read_or_fault(body, path, amount_read, faults)


def signal_read(body: Body, arrival: Arrival, family: Family) -> SignalDraft:
    """Read an entry or exit in the contract's order: symbol, feed, timeframe, side and intent, numbers, timestamp.

    What asks for no trade at all is told so before its timeframe, which it may lack.

    :raises IntakeRejected: with the first check that fails.
    """
    symbol = symbol_find(body, allow_delayed_feed=arrival.allow_delayed_feed)
    cancel_check(body)
    timeframe = timeframe_find(body, intent_read(body))
    side, intent = side_and_intent_find(body)
    faults: list[Detail] = []
    confidence = read_or_fault(body, "confidence", confidence_read, faults)
    price = read_or_fault(body, "price", price_read, faults)
    quantity = read_or_fault(body, "quantity", quantity_read, faults)
    strike = read_or_fault(body, "strike", price_read, faults)
    expiration = read_or_fault(body, "expiration", lambda raw: expiration_read(raw, arrival.at), faults)
    is_test = is_test_read(body, faults)
    reported_pnl = _reported_pnl(body, faults) if intent == Intent.EXIT else None
    if faults:
        raise invalid_fields(faults)
    bar_at = time_read(body, "timestamp", arrival)
    bar_end_at = timeframe_end(bar_at, timeframe)
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
        symbol=symbol,
        side=side,
        intent=intent,
        timeframe=timeframe,
        bar_at=bar_at,
        bar_end_at=bar_end_at,
        confidence=confidence,
        price=price,
        quantity=quantity,
        strike=strike,
        expiration=expiration,
        pattern=pattern.strip()[:100] if isinstance(pattern, str) else "",
        is_test=is_test,
        reported_pnl=reported_pnl,
        sender_event_id=sender_event_id(body, arrival.header_id, reads_id=arrival.reads_id),
    )
