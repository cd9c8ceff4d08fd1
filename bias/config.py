"""The bias configuration as frozen values: what gates, what sizes and what counts as stale. Pure; all keys, one place.

Every default is the documented one; a stored section (see `bias.selectors.bias_config_get`) replaces single keys.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from bias.enums import MacroClass


class StaleBehavior(StrEnum):
    """What a stale state does to an entry: it waits for a fresh one, or is made smaller."""

    BLOCK = "block"
    REDUCE_RISK = "reduce_risk"


@dataclass(frozen=True, slots=True)
class GatingConfig:
    """The section `gating`: when a state suppresses a side, and what raises or lowers its confidence (0–1)."""

    macro_suppress_long: tuple[MacroClass, ...] = (MacroClass.BREAKDOWN_CONFIRMED, MacroClass.TREND_DOWN)
    macro_suppress_short: tuple[MacroClass, ...] = (MacroClass.TREND_UP,)
    macro_multiplier: float = 0.6
    low_space_penalty: float = 0.25
    reclaim_bonus: float = 0.08
    transition_bonus: float = 0.05
    chop_limit: float = 75.0
    chop_multiplier: float = 0.7


@dataclass(frozen=True, slots=True)
class RiskConfig:
    """The section `risk`: the factors of the bias risk model, each applied once, and the bounds of their product.

    `strength_*_delta` are score points towards the trade's side, `drift_limit` and `alignment_limit` as in the state.
    """

    macro_breakdown_long: float = 0.5
    macro_aligned: float = 1.15
    macro_against: float = 0.5
    range_breakout: float = 0.7
    trend_alignment: float = 1.1
    alignment_limit: float = 75.0
    strength_up: float = 1.1
    strength_up_delta: float = 15.0
    strength_down: float = 0.8
    strength_down_delta: float = -20.0
    macro_drift: float = 0.85
    drift_limit: float = 0.15
    late_phase: float = 0.75


@dataclass(frozen=True, slots=True)
class StalenessConfig:
    """The section `staleness`: a state is stale beyond `bars` bars of its chart, at least so many minutes."""

    behavior: StaleBehavior = StaleBehavior.BLOCK
    risk_multiplier: float = 0.7
    bars: float = 1.5
    session_minutes: float = 10.0
    outside_minutes: float = 60.0


@dataclass(frozen=True, slots=True)
class BiasConfig:
    gating: GatingConfig = field(default_factory=GatingConfig)
    risk: RiskConfig = field(default_factory=RiskConfig)
    staleness: StalenessConfig = field(default_factory=StalenessConfig)
