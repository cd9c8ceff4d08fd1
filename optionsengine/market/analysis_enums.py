"""Words of what is worked out from bars, chains and prints; the values are those of the bias V3 and gamma bodies."""

from enum import StrEnum


class FrameBias(StrEnum):
    """Which side the bars of a frame, or of several, lean to."""

    BULLISH = "BULLISH"
    BEARISH = "BEARISH"
    NEUTRAL = "NEUTRAL"


class Structure(StrEnum):
    """Higher highs and higher lows, lower highs and lower lows, or neither."""

    HH_HL = "HH_HL"
    LH_LL = "LH_LL"
    RANGE = "RANGE"


class Momentum(StrEnum):
    IMPULSE_UP = "IMPULSE_UP"
    IMPULSE_DOWN = "IMPULSE_DOWN"
    DRIFT = "DRIFT"


class VolatilityState(StrEnum):
    EXPANDING = "EXPANDING"
    CONTRACTING = "CONTRACTING"
    NORMAL = "NORMAL"


class RegimeType(StrEnum):
    TREND = "TREND"
    RANGE = "RANGE"


class VwapPosition(StrEnum):
    """Where the last bar lies; CROSSING when the average is within its range, NA when there is no average."""

    ABOVE = "ABOVE"
    BELOW = "BELOW"
    CROSSING = "CROSSING"
    NA = "NA"


class Room(StrEnum):
    """How far the next level is; NA when no frame that knows levels is at hand."""

    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"
    NA = "NA"


class TrendPhase(StrEnum):
    """RANGE while there is no trend to be in a phase of."""

    EARLY = "EARLY"
    MID = "MID"
    LATE = "LATE"
    RANGE = "RANGE"


class DealerPosition(StrEnum):
    """The sign of the dealers' net gamma, had they sold every put and bought every call."""

    LONG_GAMMA = "long_gamma"
    SHORT_GAMMA = "short_gamma"
    NEUTRAL = "neutral"


class GammaSign(StrEnum):
    """The environment that net gamma exposure makes; NEUTRAL within the band around zero."""

    POSITIVE = "POSITIVE"
    NEGATIVE = "NEGATIVE"
    NEUTRAL = "NEUTRAL"


class GexState(StrEnum):
    """Sign and size of net gamma exposure, as the entry rules read it."""

    POSITIVE_HIGH = "POSITIVE_HIGH"
    POSITIVE_LOW = "POSITIVE_LOW"
    NEUTRAL = "NEUTRAL"
    NEGATIVE_LOW = "NEGATIVE_LOW"
    NEGATIVE_HIGH = "NEGATIVE_HIGH"
