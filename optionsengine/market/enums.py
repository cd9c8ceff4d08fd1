"""Codes of what can be wrong with market data."""

from enum import StrEnum


class MarketProblem(StrEnum):
    """Why a provider gave no answer."""

    NO_PROVIDER = "no_provider"
    UNKNOWN_SYMBOL = "unknown_symbol"
    NO_DATA = "no_data"


class QuoteProblem(StrEnum):
    """Why a quote may not be traded on."""

    NOT_FINITE = "not_finite"
    ZERO = "zero"
    ONE_SIDED = "one_sided"
    CROSSED = "crossed"
    STALE = "stale"
    FUTURE = "future"
