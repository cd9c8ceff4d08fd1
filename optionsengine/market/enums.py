"""Codes of what can be wrong with market data, and the kinds of what feeds send."""

from enum import StrEnum

from django.db.models import TextChoices


class MarketProblem(StrEnum):
    """Why a provider gave no answer."""

    NO_PROVIDER = "no_provider"
    UNKNOWN_SYMBOL = "unknown_symbol"
    NO_DATA = "no_data"
    UNSUPPORTED = "unsupported"
    RATE_LIMITED = "rate_limited"
    BREAKER_OPEN = "breaker_open"
    PRICE_JUMP = "price_jump"
    PROVIDER_FAILED = "provider_failed"
    UNAVAILABLE = "unavailable"


class ProviderFault(StrEnum):
    """What went wrong when a provider was asked."""

    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    SERVER = "server"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    GARBAGE = "garbage"
    REJECTED = "rejected"
    NO_DATA = "no_data"


class QuoteProblem(StrEnum):
    """Why a quote may not be traded on."""

    NOT_FINITE = "not_finite"
    ZERO = "zero"
    ONE_SIDED = "one_sided"
    CROSSED = "crossed"
    STALE = "stale"
    FUTURE = "future"


class FeedKind(TextChoices):
    """What a message of a market feed is about."""

    FLOW = "flow"
    PRICE = "price"
    CHAIN = "chain"


class ExpiryKind(StrEnum):
    """How regular an expiration is; a day that is several of these is the last of them."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
