"""The risk model: every factor of a trade's risk, each named and applied once. Pure.

The bias part is decision-rules §5.6 with both sides mirrored; its numbers are the section `risk` of the bias
configuration. A factor is there when its input exists and its condition holds, so what is not named did not apply. What
two rules could count is counted by one: a late trend by the model where it weakens, else by tier 4; macro drift by the
portfolio guard's downgrade, and by the model only where the guard does not have it. The product is held to its bounds;
only a zero is not lifted by them: what may have no size gets none.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from math import prod

from bias.enums import MacroClass, Regime
from experiments.bias_effect import bias_effect
from experiments.confluence import confluence_read
from experiments.data import DecisionInputs
from experiments.engines.adjustments import adjustments_judge
from experiments.enums import RiskFactor
from experiments.facts import BiasFacts
from experiments.gates.portfolio_guard import downgrades
from experiments.strategy import BREAKOUT, MACRO_AGAINST, MACRO_WITH, is_late_and_weakening, strength_towards
from optionsengine.core.enums import Side

MULTIPLIER_MIN = Decimal("0.25")  # risk.multiplier_min
MULTIPLIER_MAX = Decimal("1.5")  # risk.multiplier_max
CONFIDENCE_MIN = 0.5  # risk.bias_confidence_min
CONFIDENCE_MAX = 1.25  # risk.bias_confidence_max
DIGITS = 6
HIGH_VOLATILITY = "HIGH_VOL"  # the context's word for a high VIX
HIGH_VOLATILITY_FACTOR = 0.5  # risk.high_volatility

Factor = tuple[RiskFactor, float]


def _confidence(state: BiasFacts, effective: float) -> Iterator[Factor]:
    """What room, a reclaimed level and a change of regime make of the told confidence, for the trade's side."""
    ratio = effective / state.confidence if state.confidence > 0 else 1.0
    factor = round(min(CONFIDENCE_MAX, max(CONFIDENCE_MIN, ratio)), DIGITS)
    if factor != 1:
        yield RiskFactor.BIAS_CONFIDENCE, factor


def _macro(inputs: DecisionInputs, state: BiasFacts) -> Iterator[Factor]:
    side, macro, config = inputs.signal.side, state.macro_class, inputs.config.bias.risk
    if macro == MacroClass.BREAKDOWN_CONFIRMED and side == Side.LONG:
        yield RiskFactor.MACRO_BREAKDOWN_LONG, config.macro_breakdown_long
    elif macro == MACRO_WITH[side]:
        yield RiskFactor.MACRO_ALIGNED, config.macro_aligned
    elif macro in MACRO_AGAINST[side]:
        yield RiskFactor.MACRO_AGAINST, config.macro_against


def _regime(inputs: DecisionInputs, state: BiasFacts) -> Iterator[Factor]:
    config = inputs.config.bias.risk
    if state.regime_type == Regime.RANGE and state.entry_mode_hint == BREAKOUT:
        yield RiskFactor.RANGE_BREAKOUT, config.range_breakout
    elif state.regime_type == Regime.TREND and state.alignment_score > config.alignment_limit:
        yield RiskFactor.TREND_ALIGNMENT, config.trend_alignment


def _change(inputs: DecisionInputs, state: BiasFacts, guarded: Mapping[str, Decimal]) -> Iterator[Factor]:
    side, config = inputs.signal.side, inputs.config.bias.risk
    delta = strength_towards(state, side)
    if delta > config.strength_up_delta:
        yield RiskFactor.STRENGTH_UP, config.strength_up
    elif delta < config.strength_down_delta:
        yield RiskFactor.STRENGTH_DOWN, config.strength_down
    if state.macro_drift > config.drift_limit and RiskFactor.MACRO_DRIFT_GUARD not in guarded:
        yield RiskFactor.MACRO_DRIFT, config.macro_drift
    if is_late_and_weakening(state, side):
        yield RiskFactor.LATE_PHASE, config.late_phase


def _bias(inputs: DecisionInputs, guarded: Mapping[str, Decimal]) -> Iterator[Factor]:
    state, effect = inputs.usable_bias, bias_effect(inputs)
    if state is None or effect is None:
        return
    yield from _confidence(state, effect.confidence)
    yield from _macro(inputs, state)
    yield from _regime(inputs, state)
    yield from _change(inputs, state, guarded)
    if state.is_stale:  # usable though stale: the configuration says to make the trade smaller instead
        yield RiskFactor.STALE_BIAS, inputs.config.bias.staleness.risk_multiplier


def risk_factors(inputs: DecisionInputs) -> dict[str, Decimal]:
    """Return every factor that applies to the signal's trade, by its name, in the order it is applied."""
    guarded = {each.name.value: each.factor for each in downgrades(inputs)}
    factors = {name.value: Decimal(str(factor)) for name, factor in _bias(inputs, guarded)}
    if inputs.context is not None and inputs.context.vix_regime == HIGH_VOLATILITY:
        factors[RiskFactor.HIGH_VOLATILITY.value] = Decimal(str(HIGH_VOLATILITY_FACTOR))
    factors |= guarded
    confluence = confluence_read(inputs)
    if confluence is not None:
        factors[RiskFactor.CONFLUENCE.value] = confluence.factor
    return factors | {each.rule.value: each.factor for each in adjustments_judge(inputs) if each.factor != 1}


def risk_multiplier(factors: Mapping[str, Decimal]) -> Decimal:
    """Return the product of the factors, held to its bounds; zero if one of them is."""
    product = prod(factors.values(), start=Decimal(1))
    return product if product == 0 else min(MULTIPLIER_MAX, max(MULTIPLIER_MIN, product))
