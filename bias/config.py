"""The bias configuration as frozen values: what gates, what sizes and what counts as stale. Pure; all keys, one place.

Every default is the documented one; a stored section (see `bias.selectors.bias_config_get`) replaces single keys. What
a key means and may be stands with it, in the field's metadata, from which validation and the admin's form are made.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bias.enums import MacroClass

MAX_FACTOR = 3.0  # what any one multiplier may be


class StaleBehavior(StrEnum):
    """What a stale state does to an entry: it waits for a fresh one, or is made smaller."""

    BLOCK = "block"
    REDUCE_RISK = "reduce_risk"


def _number(default: float, minimum: float, maximum: float, meaning: str) -> Any:
    return field(default=default, metadata={"minimum": minimum, "maximum": maximum, "meaning": meaning})


def _factor(default: float, meaning: str) -> Any:
    return _number(default, 0.0, MAX_FACTOR, meaning)


def _classes(*default: MacroClass, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True, slots=True)
class GatingConfig:
    """The section `gating`: when a state suppresses a side, and what raises or lowers its confidence (0–1).

    A suppressed side is not entered. Of the other one, its confidence over the told one is a factor of the risk.
    """

    macro_suppress_long: tuple[MacroClass, ...] = _classes(
        MacroClass.BREAKDOWN_CONFIRMED, MacroClass.TREND_DOWN, meaning="Macro classes in which longs are suppressed."
    )
    macro_suppress_short: tuple[MacroClass, ...] = _classes(
        MacroClass.TREND_UP, meaning="Macro classes in which shorts are suppressed."
    )
    macro_multiplier: float = _factor(
        0.6,
        "The confidence and the risk shown of a side that its macro class suppresses are × this; "
        "its entries are refused, whatever it is.",
    )
    low_space_penalty: float = _number(
        0.25,
        0.0,
        1.0,
        "Confidence lost by a breakout with little room to go, which makes the trade smaller; no such breakout is "
        "entered unless ENABLE_SETUP_VALIDATOR is off.",
    )
    reclaim_bonus: float = _number(0.08, 0.0, 1.0, "Confidence won by a reclaimed level, which makes the trade larger.")
    transition_bonus: float = _number(
        0.05, 0.0, 1.0, "Confidence won while the regime changes, which makes the trade larger."
    )
    chop_limit: float = _number(75.0, 0.0, 100.0, "From this chop score on both sides are suppressed.")
    chop_multiplier: float = _factor(
        0.7, "The confidence shown of a side that chop suppresses is × this; its entries are refused, whatever it is."
    )


@dataclass(frozen=True, slots=True)
class RiskConfig:
    """The section `risk`: the factors of the bias risk model, each applied once, and the bounds of their product.

    `strength_*_delta` are score points towards the trade's side, `drift_limit` and `alignment_limit` as in the state.
    """

    macro_breakdown_long: float = _factor(0.5, "Risk of a long while a breakdown is confirmed.")
    macro_aligned: float = _factor(1.15, "Risk of a trade with the macro trend.")
    macro_against: float = _factor(0.5, "Risk of a trade against the macro trend.")
    range_breakout: float = _factor(
        0.7, "Risk of a breakout in a range; none is entered unless ENABLE_SETUP_VALIDATOR is off."
    )
    trend_alignment: float = _factor(1.1, "Risk in a trend on which the timeframes agree.")
    alignment_limit: float = _number(75.0, 0.0, 100.0, "The timeframes agree above this alignment score.")
    strength_up: float = _factor(1.1, "Risk of a trade towards whose side the score has moved.")
    strength_up_delta: float = _number(15.0, 0.0, 200.0, "It has moved when it gained more points than this.")
    strength_down: float = _factor(0.8, "Risk of a trade from whose side the score has moved away.")
    strength_down_delta: float = _number(-20.0, -200.0, 0.0, "It has moved away when it changed by less than this.")
    macro_drift: float = _factor(0.85, "Risk while the macro state drifts.")
    drift_limit: float = _number(0.15, 0.0, 2.0, "It drifts above this drift score.")
    late_phase: float = _factor(0.75, "Risk late in a trend that weakens.")


@dataclass(frozen=True, slots=True)
class StalenessConfig:
    """The section `staleness`: a state is stale beyond `bars` bars of its chart, at least so many minutes."""

    behavior: StaleBehavior = field(
        default=StaleBehavior.BLOCK,
        metadata={"meaning": "A stale state holds entries back (block) or makes them smaller (reduce_risk)."},
    )
    risk_multiplier: float = _factor(0.7, "Risk on a stale state, where it does not block.")
    bars: float = _number(1.5, 0.1, 100.0, "A state is stale when older than so many bars of its chart,")
    session_minutes: float = _number(10.0, 1.0, 1440.0, "but at least so many minutes in the session")
    outside_minutes: float = _number(60.0, 1.0, 10080.0, "and so many outside of it.")


@dataclass(frozen=True, slots=True)
class BiasConfig:
    gating: GatingConfig = field(default_factory=GatingConfig)
    risk: RiskConfig = field(default_factory=RiskConfig)
    staleness: StalenessConfig = field(default_factory=StalenessConfig)
