"""Tier 4 of the entry tiers: what does not stop an entry but makes it smaller and less urgent. Pure.

Each rule that holds multiplies the size once, by its own factor, or by 1 where the risk model has it counted already: a
late trend that weakens is no more urgent than a healthy one. Urgency falls by one step (HIGH to MEDIUM to LOW) for
each rule that says to take one's time, and never below LOW; a dear or cheap option is no matter of time, so the rule
of the IV percentile leaves it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from experiments.data import DecisionInputs
from experiments.engines.opinion import AdjustmentFinding, EntryPlan
from experiments.engines.tiers import TIER_RULES, entry_plan, is_lunch
from experiments.enums import Adjustment, RuleOutcome, SetupType, Urgency
from experiments.setup_type import setup_type_for
from experiments.strategy import BIAS_SIDE, LATE_PHASE, OPPOSITE_STYLE, is_late_and_weakening, setup_style

IV_NEAR_POINTS = 5.0  # adjustments.iv_near_points: as near to an end of the band, itself included
URGENCY_ORDER = (Urgency.LOW, Urgency.MEDIUM, Urgency.HIGH)


@dataclass(frozen=True, slots=True)
class AdjustmentRules:
    """What a rule does when it holds (config key `adjustments.<rule>`)."""

    factor: Decimal
    urgency_steps: int


ADJUSTMENT_RULES: dict[Adjustment, AdjustmentRules] = {
    Adjustment.LATE_TREND_PHASE: AdjustmentRules(Decimal("0.75"), 1),
    Adjustment.LUNCH_HOUR: AdjustmentRules(Decimal("0.8"), 1),
    Adjustment.IV_NEAR_BAND: AdjustmentRules(Decimal("0.85"), 0),
    Adjustment.GAMMA_AGAINST_STRATEGY: AdjustmentRules(Decimal("0.75"), 1),
}


def _finding(
    rule: Adjustment, is_hit: bool, *, value: str, threshold: str, message: str, is_sized: bool = True
) -> AdjustmentFinding:
    """`is_sized` is false where something else makes the trade smaller for the same reason."""
    does = ADJUSTMENT_RULES[rule]
    factor = does.factor if is_sized else Decimal(1)
    size = f"size × {factor}" if is_sized else "the risk model makes it smaller"
    urgency = f", urgency down by {does.urgency_steps}" if does.urgency_steps else ""
    return AdjustmentFinding(
        rule=rule,
        outcome=RuleOutcome.HIT if is_hit else RuleOutcome.PASS,
        factor=factor if is_hit else Decimal(1),
        urgency_steps=does.urgency_steps if is_hit else 0,
        value=value,
        threshold=threshold,
        message=f"{message}: {size}{urgency}" if is_hit else "",
    )


def _abstains(rule: Adjustment, message: str) -> AdjustmentFinding:
    return AdjustmentFinding(rule, RuleOutcome.ABSTAIN, Decimal(1), 0, message=message)


def _late_trend_phase(inputs: DecisionInputs, setup: SetupType) -> AdjustmentFinding:
    state, side = inputs.usable_bias, inputs.signal.side
    if state is None or not state.trend_phase:
        return _abstains(Adjustment.LATE_TREND_PHASE, "the phase of the trend is not known")
    is_late = state.trend_phase == LATE_PHASE and BIAS_SIDE.get(state.bias) == side
    return _finding(
        Adjustment.LATE_TREND_PHASE,
        is_late,
        value=f"{state.trend_phase} in a {state.bias.value} trend",
        threshold=f"not {LATE_PHASE}",
        message="the trend that the trade goes with is late",
        is_sized=not is_late_and_weakening(state, side),
    )


def _lunch_hour(inputs: DecisionInputs, setup: SetupType) -> AdjustmentFinding:
    opened, length = inputs.session.minutes_from_open, inputs.session.session_minutes
    if opened is None or length is None:
        return _abstains(Adjustment.LUNCH_HOUR, "no regular session is in progress")
    return _finding(
        Adjustment.LUNCH_HOUR,
        setup != SetupType.SCALP_GUARDED and is_lunch(opened, length),  # tier 2 lets scalps wait
        value=f"{opened} min after the open",
        threshold="outside the lunch lull",
        message="the market trades thinly at lunch",
    )


def _iv_near_band(inputs: DecisionInputs, setup: SetupType) -> AdjustmentFinding:
    seen = inputs.iv_percentile
    if seen is None:
        return _abstains(Adjustment.IV_NEAR_BAND, "the IV percentile is not known")
    low, high = TIER_RULES[setup].iv_band
    return _finding(
        Adjustment.IV_NEAR_BAND,
        seen <= low + IV_NEAR_POINTS or seen >= high - IV_NEAR_POINTS,
        value=f"{seen:g}",
        threshold=f"between {low + IV_NEAR_POINTS:g} and {high - IV_NEAR_POINTS:g}",
        message=f"IV percentile {seen:g} is near an end of the band {low:g} to {high:g}",
    )


def _gamma_against_strategy(inputs: DecisionInputs, setup: SetupType) -> AdjustmentFinding:
    style, gamma = setup_style(inputs), inputs.gamma
    if gamma is None or style is None:
        missing = "dealers' gamma" if gamma is None else "whether the setup follows or fades"
        return _abstains(Adjustment.GAMMA_AGAINST_STRATEGY, f"{missing} is not known")
    return _finding(
        Adjustment.GAMMA_AGAINST_STRATEGY,
        gamma.strategy_type == OPPOSITE_STYLE[style],
        value=f"dealers make it a market to {gamma.strategy_type.value}",
        threshold=f"not to {OPPOSITE_STYLE[style].value}",
        message=f"dealers' gamma speaks for {OPPOSITE_STYLE[style].value}, the setup is to {style.value}",
    )


RULES: tuple[Callable[[DecisionInputs, SetupType], AdjustmentFinding], ...] = (
    _late_trend_phase,
    _lunch_hour,
    _iv_near_band,
    _gamma_against_strategy,
)


def adjustments_judge(inputs: DecisionInputs) -> tuple[AdjustmentFinding, ...]:
    """Return what every rule of tier 4 found."""
    setup = setup_type_for(inputs.signal.timeframe)
    return tuple(rule(inputs, setup) for rule in RULES)


def plan_for(inputs: DecisionInputs, confidence: float) -> EntryPlan:
    """Return how to enter with this confidence (0–100): tier 3, its urgency lowered by tier 4."""
    plan = entry_plan(setup_type_for(inputs.signal.timeframe), confidence)
    steps = sum(each.urgency_steps for each in adjustments_judge(inputs))
    return replace(plan, urgency=URGENCY_ORDER[max(0, URGENCY_ORDER.index(plan.urgency) - steps)])
