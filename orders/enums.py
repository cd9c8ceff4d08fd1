"""Vocabulary of orders, with the allowed status changes."""

from enum import StrEnum

from django.db.models import TextChoices


class OrderStatus(TextChoices):
    PENDING_EXECUTION = "pending_execution"
    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    FAILED = "failed"
    UNKNOWN = "unknown"


class OrderType(TextChoices):
    MARKET = "market"
    LIMIT = "limit"


class OrderAction(TextChoices):
    """All trades are bought options."""

    BUY_TO_OPEN = "buy_to_open"
    SELL_TO_CLOSE = "sell_to_close"


class OrderCode(StrEnum):
    """Why an order waits, or ended without a fill."""

    MARKET_CLOSED = "MARKET_CLOSED"
    NO_QUOTE = "NO_QUOTE"
    QUOTE_UNUSABLE = "QUOTE_UNUSABLE"
    LIMIT_NOT_REACHED = "LIMIT_NOT_REACHED"
    ENTRY_EXPIRED = "ENTRY_EXPIRED"
    TRADING_STATE = "TRADING_STATE"
    QUARANTINED = "QUARANTINED"
    NEVER_RECEIVED = "NEVER_RECEIVED"
    CONTRACT_EXPIRED = "CONTRACT_EXPIRED"
    ALREADY_ORDERED = "ALREADY_ORDERED"
    SHADOW_OFF = "SHADOW_OFF"
    FLATTENED = "FLATTENED"
    BROKER_NOT_CONFIGURED = "BROKER_NOT_CONFIGURED"
    NOT_APPROVED = "NOT_APPROVED"
    TRANSITION_NOT_ALLOWED = "TRANSITION_NOT_ALLOWED"


_S = OrderStatus
LIVE = (_S.PENDING_EXECUTION, _S.SUBMITTING, _S.SUBMITTED, _S.PARTIALLY_FILLED, _S.UNKNOWN)
FINAL = (_S.FILLED, _S.CANCELLED, _S.REJECTED, _S.EXPIRED, _S.FAILED)

# Late fills are real: a broker may report one after we took an order for cancelled or expired.
ORDER_TRANSITIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    _S.PENDING_EXECUTION: frozenset({_S.SUBMITTING, _S.FILLED, _S.CANCELLED, _S.EXPIRED, _S.FAILED}),
    _S.SUBMITTING: frozenset(
        {
            _S.PENDING_EXECUTION,
            _S.SUBMITTED,
            _S.PARTIALLY_FILLED,
            _S.FILLED,
            _S.REJECTED,
            _S.UNKNOWN,
            _S.CANCELLED,
            _S.EXPIRED,
            _S.FAILED,
        }
    ),
    _S.SUBMITTED: frozenset(
        {_S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELLED, _S.REJECTED, _S.EXPIRED, _S.UNKNOWN, _S.FAILED}
    ),
    _S.PARTIALLY_FILLED: frozenset({_S.FILLED, _S.CANCELLED, _S.EXPIRED, _S.UNKNOWN}),
    _S.UNKNOWN: frozenset(
        {_S.PENDING_EXECUTION, _S.SUBMITTED, _S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELLED, _S.REJECTED, _S.EXPIRED}
    ),
    _S.FILLED: frozenset(),
    _S.CANCELLED: frozenset({_S.PARTIALLY_FILLED, _S.FILLED}),
    _S.EXPIRED: frozenset({_S.PARTIALLY_FILLED, _S.FILLED}),
    _S.REJECTED: frozenset(),
    _S.FAILED: frozenset(),
}
