"""Vocabulary of the bias events."""

from enum import StrEnum

from django.db.models import TextChoices


class Bias(TextChoices):
    BULLISH = "BULLISH"
    BEARISH = "BEARISH"
    NEUTRAL = "NEUTRAL"


class Regime(TextChoices):
    """BREAKOUT and BREAKDOWN are words of the legacy event only."""

    TREND = "TREND"
    RANGE = "RANGE"
    BREAKOUT = "BREAKOUT"
    BREAKDOWN = "BREAKDOWN"


class MacroClass(TextChoices):
    BREAKDOWN_CONFIRMED = "MACRO_BREAKDOWN_CONFIRMED"
    REVERSAL_RISK = "MACRO_REVERSAL_RISK"
    TREND_UP = "MACRO_TREND_UP"
    TREND_DOWN = "MACRO_TREND_DOWN"
    RANGE = "MACRO_RANGE"


class GammaEnvironment(TextChoices):
    POSITIVE = "POSITIVE"
    NEGATIVE = "NEGATIVE"
    NEUTRAL = "NEUTRAL"


class GammaMagnitude(TextChoices):
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class BiasOutcome(StrEnum):
    ACCEPTED = "ACCEPTED"
    DUPLICATE = "DUPLICATE"
    OUT_OF_ORDER = "OUT_OF_ORDER"


class BiasOrigin(TextChoices):
    """Who made a state: a sender's events, or this engine from bars."""

    WEBHOOK = "webhook"
    COMPUTED = "computed"


class BiasSource(StrEnum):
    """Whose state counts: the setting `BIAS_SOURCE`."""

    BOTH = "both"
    WEBHOOK = "webhook"
    COMPUTED = "computed"


class ConfigSection(TextChoices):
    """The sections of the bias configuration."""

    GATING = "gating"
    RISK = "risk"
    STALENESS = "staleness"


class SeedRefusal(StrEnum):
    """Why a made-up state was not written."""

    INVALID_SEED = "INVALID_SEED"
    FRESH_STATE = "FRESH_STATE"
    LATER_STATE = "LATER_STATE"
