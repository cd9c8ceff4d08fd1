"""Vocabulary of the inbox and of signals, with the allowed status changes."""

from enum import StrEnum

from django.db.models import TextChoices


class SourceMode(TextChoices):
    HMAC = "hmac", "HMAC header"
    STANDARD = "standard", "Standard Webhooks"
    TOKEN = "token", "token in the body or path"


class EventStatus(TextChoices):
    """`received` is stored but not yet worked on; every other status is final."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    REJECTED = "rejected"
    FAILED = "failed"


class SignalStatus(TextChoices):
    PENDING = "pending"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXECUTED = "executed"
    FAILED = "failed"


class Family(TextChoices):
    """The shape of a body; one adapter each."""

    BIAS_V3 = "bias_v3"
    BIAS_V1 = "bias_v1"
    GAMMA = "gamma"
    FLOW = "flow"
    PRICE = "price"
    CHAIN = "chain"
    CONTEXT = "context"
    PING = "ping"
    OPTION_ORDER = "option_order"
    STRAT = "strat"
    SATY = "saty"
    ORB = "orb"
    TREND_DOTS = "trend_dots"
    ULTIMATE = "ultimate"
    TRADERSPOST = "traderspost"
    PLAIN = "plain"


class IntakeCode(StrEnum):
    """Why a request was not accepted; the `code` of the answer."""

    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    UNAUTHORIZED = "UNAUTHORIZED"
    THROTTLED = "THROTTLED"
    INVALID_JSON = "INVALID_JSON"
    INVALID_FIELD = "INVALID_FIELD"
    MISSING_SYMBOL = "MISSING_SYMBOL"
    INVALID_SYMBOL = "INVALID_SYMBOL"
    DELAYED_FEED = "DELAYED_FEED"
    MISSING_TIMEFRAME = "MISSING_TIMEFRAME"
    INVALID_TIMEFRAME = "INVALID_TIMEFRAME"
    MISSING_DIRECTION = "MISSING_DIRECTION"
    CONFLICTING_DIRECTION = "CONFLICTING_DIRECTION"
    STALE_TIMESTAMP = "STALE_TIMESTAMP"
    NOT_ACTIONABLE = "NOT_ACTIONABLE"
    OUT_OF_ORDER = "OUT_OF_ORDER"
    SUPERSEDED = "SUPERSEDED"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL_ERROR = "INTERNAL_ERROR"


SIGNAL_TRANSITIONS: dict[SignalStatus, frozenset[SignalStatus]] = {
    SignalStatus.PENDING: frozenset(
        {
            SignalStatus.AWAITING_APPROVAL,
            SignalStatus.APPROVED,
            SignalStatus.REJECTED,
            SignalStatus.FAILED,
            SignalStatus.EXECUTED,
        }
    ),
    # a person's yes has it decided again in the next round
    SignalStatus.AWAITING_APPROVAL: frozenset({SignalStatus.PENDING, SignalStatus.REJECTED}),
    # an approved entry whose order ends without a fill is rejected with the order's reason
    SignalStatus.APPROVED: frozenset({SignalStatus.EXECUTED, SignalStatus.REJECTED, SignalStatus.FAILED}),
    # an operator's re-run starts a new round
    SignalStatus.REJECTED: frozenset({SignalStatus.PENDING}),
    SignalStatus.FAILED: frozenset({SignalStatus.PENDING, SignalStatus.REJECTED}),
    SignalStatus.EXECUTED: frozenset(),
}
