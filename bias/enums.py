"""Vocabulary of the bias V3 alert."""

from enum import StrEnum

from django.db.models import TextChoices


class Bias(TextChoices):
    BULLISH = "BULLISH"
    BEARISH = "BEARISH"
    NEUTRAL = "NEUTRAL"


class Regime(TextChoices):
    TREND = "TREND"
    RANGE = "RANGE"


class MacroClass(TextChoices):
    BREAKDOWN_CONFIRMED = "MACRO_BREAKDOWN_CONFIRMED"
    REVERSAL_RISK = "MACRO_REVERSAL_RISK"
    TREND_UP = "MACRO_TREND_UP"
    TREND_DOWN = "MACRO_TREND_DOWN"
    RANGE = "MACRO_RANGE"


class BiasOutcome(StrEnum):
    ACCEPTED = "ACCEPTED"
    DUPLICATE = "DUPLICATE"
    OUT_OF_ORDER = "OUT_OF_ORDER"
