"""The entry tiers both engines ask first: 1 blocks, 2 delays, 3 enters; `adjustments` is tier 4. Pure.

Rules and numbers are those of decision-rules §1. Its portfolio rule is the risk-limits gate and its setup validator the
setup gate. Dealers' gamma is no direction: it holds a price at a wall, whichever way the trade goes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from bias.enums import Bias, Regime
from experiments.contract import Selection
from experiments.data import Candidate, DecisionInputs
from experiments.engines.opinion import EntryPlan, RuleFinding
from experiments.enums import (
    DirectionalRegime,
    EntryType,
    GateCode,
    LiquidityState,
    RuleOutcome,
    SetupType,
    Urgency,
)
from experiments.setup_type import setup_type_for
from optionsengine.core.enums import Side
from optionsengine.market.analysis_enums import GexState

DEFAULT_CONFIDENCE = 70.0  # entry.default_confidence, for a signal that carries none
REGIME_MIN_SCORE = 20.0  # entry.regime_min_score, of the score with dealers' gamma in it
OPEN_BUFFER_MINUTES = 15  # entry.open_buffer_minutes
CLOSE_BUFFER_MINUTES = 15  # entry.close_buffer_minutes
FULL_SESSION_MINUTES = 390
LUNCH_MINUTES = (120, 240)  # entry.lunch: 11:30 to 13:30 of a full session
WALL_NEAR_PERCENT = Decimal("0.5")  # entry.wall_near_percent, of the underlying's price
ILLIQUID_SPREAD_PERCENT = 15  # entry.illiquid_spread_percent
ILLIQUID_OPEN_INTEREST = 50  # entry.illiquid_open_interest
LOW_SPREAD_PERCENT = 8  # entry.low_spread_percent
LOW_OPEN_INTEREST = 200  # entry.low_open_interest
HIGH_URGENCY_CONFIDENCE = 85.0  # entry.high_urgency_confidence
MEDIUM_URGENCY_CONFIDENCE = 70.0  # entry.medium_urgency_confidence
SWING_MARKET_CONFIDENCE = 80.0  # entry.swing_market_confidence
SWING_CONFIRM_CONFIDENCE = 70.0  # entry.swing_confirm_confidence

REGIMES = {Bias.BULLISH: (1, DirectionalRegime.BULL), Bias.BEARISH: (-1, DirectionalRegime.BEAR)}
REGIME_AGAINST = {Side.LONG: DirectionalRegime.BEAR, Side.SHORT: DirectionalRegime.BULL}
LIQUIDITY_ORDER = (LiquidityState.ILLIQUID, LiquidityState.LOW, LiquidityState.NORMAL)


@dataclass(frozen=True, slots=True)
class TierRules:
    """One setup's thresholds (config key `entry.<setup>`); the IV percentile band includes both ends."""

    min_confidence: float
    iv_band: tuple[float, float]
    min_liquidity: LiquidityState
    max_wait_minutes: int


TIER_RULES: dict[SetupType, TierRules] = {
    SetupType.SCALP_GUARDED: TierRules(65, (25, 80), LiquidityState.NORMAL, 10),
    SetupType.SWING: TierRules(60, (20, 85), LiquidityState.LOW, 60),
    SetupType.POSITION: TierRules(55, (15, 90), LiquidityState.LOW, 240),
    SetupType.LEAPS: TierRules(50, (10, 95), LiquidityState.LOW, 1440),
}


def signal_confidence(inputs: DecisionInputs) -> float:
    """Return the signal's confidence as sent (0–100), or the default."""
    sent = inputs.signal.confidence
    return DEFAULT_CONFIDENCE if sent is None else sent


def directional_regime(inputs: DecisionInputs) -> DirectionalRegime:
    """Return the direction the usable bias state gives a trending market; NEUTRAL in a range or without a state.

    The direction is the bias's own, and it counts while the score with dealers' gamma in it goes that way by
    `REGIME_MIN_SCORE` at least: a weak bias that dealers lean against is no trend that a trade could be against.
    """
    state = inputs.usable_bias
    if state is None or state.regime_type != Regime.TREND or state.bias not in REGIMES:
        return DirectionalRegime.NEUTRAL
    sign, regime = REGIMES[state.bias]
    return regime if sign * state.resolved_score >= REGIME_MIN_SCORE else DirectionalRegime.NEUTRAL


def liquidity_of(contract: Candidate) -> LiquidityState:
    """Return how easily a contract with a two-sided quote trades; at best LOW while its open interest is not known."""
    spread, interest = contract.spread_percent, contract.open_interest
    if spread > ILLIQUID_SPREAD_PERCENT or (interest is not None and interest < ILLIQUID_OPEN_INTEREST):
        return LiquidityState.ILLIQUID
    if spread > LOW_SPREAD_PERCENT or interest is None or interest < LOW_OPEN_INTEREST:
        return LiquidityState.LOW
    return LiquidityState.NORMAL


def liquidity_judged(inputs: DecisionInputs, selection: Selection | None) -> Candidate | None:
    """Return the contract whose liquidity counts: the one to be bought, whatever it was chosen for.

    Only where none was chosen do the candidates speak: the most liquid one with a two-sided quote, None without any.
    """
    if selection is not None and selection.contract is not None:
        return selection.contract
    quoted = (each for each in inputs.candidates if 0 < each.bid <= each.ask)
    return max(quoted, key=lambda each: LIQUIDITY_ORDER.index(liquidity_of(each)), default=None)


def _finding(tier: int, rule: GateCode, is_hit: bool, *, value: object, threshold: object, message: str) -> RuleFinding:
    outcome = RuleOutcome.HIT if is_hit else RuleOutcome.PASS
    return RuleFinding(tier, rule, outcome, str(value), str(threshold), message if is_hit else "")


def _abstains(tier: int, rule: GateCode, message: str) -> RuleFinding:
    return RuleFinding(tier, rule, RuleOutcome.ABSTAIN, message=message)


def _low_confidence(inputs: DecisionInputs, setup: SetupType, selection: Selection | None) -> RuleFinding:
    confidence, minimum = signal_confidence(inputs), TIER_RULES[setup].min_confidence
    return _finding(
        1,
        GateCode.LOW_SIGNAL_CONFIDENCE,
        not confidence >= minimum,  # written so that a NaN is refused, too
        value=f"{confidence:g}" + (" (default)" if inputs.signal.confidence is None else ""),
        threshold=f"{minimum:g}",
        message=f"confidence {confidence:g} is below the {minimum:g} a {setup.value} entry needs (0–100)",
    )


def _regime_conflict(inputs: DecisionInputs, setup: SetupType, selection: Selection | None) -> RuleFinding:
    state, regime, side = inputs.usable_bias, directional_regime(inputs), inputs.signal.side
    return _finding(
        1,
        GateCode.REGIME_CONFLICT,
        regime == REGIME_AGAINST[side],
        value=regime.value if state is None else f"{regime.value} (resolved score {state.resolved_score:g})",
        threshold=f"not against {side.value}",
        message=f"a {side.value} signal against a {regime.value} market",
    )


def _volatility_mismatch(inputs: DecisionInputs, setup: SetupType, selection: Selection | None) -> RuleFinding:
    seen = inputs.iv_percentile
    if seen is None:
        return _abstains(1, GateCode.VOLATILITY_MISMATCH, "the IV percentile is not known")
    low, high = TIER_RULES[setup].iv_band
    return _finding(
        1,
        GateCode.VOLATILITY_MISMATCH,
        not low <= seen <= high,
        value=f"{seen:g}",
        threshold=f"{low:g} to {high:g}",
        message=f"IV percentile {seen:g} is outside {low:g} to {high:g} for a {setup.value} entry",
    )


def _unsafe_liquidity(inputs: DecisionInputs, setup: SetupType, selection: Selection | None) -> RuleFinding:
    contract, needed = liquidity_judged(inputs, selection), TIER_RULES[setup].min_liquidity
    if contract is None:
        return _abstains(1, GateCode.UNSAFE_LIQUIDITY, "no candidate has a two-sided quote")
    state = liquidity_of(contract)
    interest = "not known" if contract.open_interest is None else contract.open_interest
    saw = f"spread {contract.spread_percent:.2f} %, open interest {interest}"
    return _finding(
        1,
        GateCode.UNSAFE_LIQUIDITY,
        LIQUIDITY_ORDER.index(state) < LIQUIDITY_ORDER.index(needed),
        value=f"{state.value} ({saw})",
        threshold=f"{needed.value} or better",
        message=f"the liquidity of {contract.expiration} {contract.strike} is {state.value} ({saw}), "
        f"a {setup.value} entry needs {needed.value} or better",
    )


def _confirmation_pending(inputs: DecisionInputs, setup: SetupType, selection: Selection | None) -> RuleFinding:
    return _finding(
        2,
        GateCode.CONFIRMATION_PENDING,
        inputs.signal.is_confirmation_pending,
        value="pending" if inputs.signal.is_confirmation_pending else "not pending",
        threshold="not pending",
        message="the sender says its confirmation is pending; the confirmed alert is awaited",
    )


def is_lunch(opened: int, length: int) -> bool:
    """Tell whether `opened` minutes after the open lie in the lunch lull of a session of `length` minutes."""
    begins, ends = _lunch(length)
    return begins <= opened < ends


def _lunch(length: int) -> tuple[float, float]:
    begins, ends = (minute * length / FULL_SESSION_MINUTES for minute in LUNCH_MINUTES)
    return begins, ends


def _unfavorable_timing(inputs: DecisionInputs, setup: SetupType, selection: Selection | None) -> RuleFinding:
    session = inputs.session
    opened, left, length = session.minutes_from_open, session.minutes_to_close, session.session_minutes
    if opened is None or left is None or length is None:
        return _abstains(2, GateCode.UNFAVORABLE_TIMING, "no regular session is in progress")
    lunch_from, lunch_to = _lunch(length)
    if opened <= OPEN_BUFFER_MINUTES:
        why, threshold = "the first minutes after the open", f"more than {OPEN_BUFFER_MINUTES} min after the open"
    elif left <= CLOSE_BUFFER_MINUTES:
        why, threshold = "the last minutes before the close", f"more than {CLOSE_BUFFER_MINUTES} min before the close"
    elif setup == SetupType.SCALP_GUARDED and is_lunch(opened, length):
        why, threshold = "the lunch lull", f"outside minutes {lunch_from:.0f} to {lunch_to:.0f} after the open"
    else:
        why, threshold = "", "outside the open, the close and a scalp's lunch"
    return _finding(
        2,
        GateCode.UNFAVORABLE_TIMING,
        bool(why),
        value=f"{opened} min after the open, {left} min before the close",
        threshold=threshold,
        message=f"{why} is a poor time to enter",
    )


def _gex_resistance(inputs: DecisionInputs, setup: SetupType, selection: Selection | None) -> RuleFinding:
    gamma, summary, side = inputs.gamma, inputs.chain_summary, inputs.signal.side
    if gamma is None or summary is None or summary.spot <= 0:
        return _abstains(2, GateCode.GEX_RESISTANCE, "dealers' gamma is not known")
    wall, name = (gamma.call_wall, "call") if side == Side.LONG else (gamma.put_wall, "put")
    if wall is None:
        return _abstains(2, GateCode.GEX_RESISTANCE, f"the {name} wall is not known")
    ahead = (wall - summary.spot) * (1 if side == Side.LONG else -1) / summary.spot * 100
    return _finding(
        2,
        GateCode.GEX_RESISTANCE,
        gamma.state == GexState.POSITIVE_HIGH and 0 <= ahead <= WALL_NEAR_PERCENT,
        value=f"{gamma.state.value}, {name} wall {wall} {ahead:.2f} % ahead",
        threshold=f"not {GexState.POSITIVE_HIGH.value} within {WALL_NEAR_PERCENT} %",
        message=f"dealers long of much gamma hold the price at the {name} wall {wall}, {ahead:.2f} % ahead",
    )


RULES: tuple[Callable[[DecisionInputs, SetupType, Selection | None], RuleFinding], ...] = (
    _low_confidence,
    _regime_conflict,
    _volatility_mismatch,
    _unsafe_liquidity,
    _confirmation_pending,
    _unfavorable_timing,
    _gex_resistance,
)


def tiers_judge(inputs: DecisionInputs, selection: Selection | None) -> tuple[RuleFinding, ...]:
    """Return what every rule of tiers 1 and 2 found of buying `selection`'s contract, blocks before delays."""
    setup = setup_type_for(inputs.signal.timeframe)
    return tuple(rule(inputs, setup, selection) for rule in RULES)


def entry_plan(setup: SetupType, confidence: float) -> EntryPlan:
    """Return tier 3: how to enter with this confidence (0–100)."""
    if confidence >= HIGH_URGENCY_CONFIDENCE:
        urgency = Urgency.HIGH
    else:
        urgency = Urgency.MEDIUM if confidence >= MEDIUM_URGENCY_CONFIDENCE else Urgency.LOW
    at_market = setup == SetupType.SWING and confidence >= SWING_MARKET_CONFIDENCE
    confirmation = {
        SetupType.SCALP_GUARDED: True,
        SetupType.SWING: confidence < SWING_CONFIRM_CONFIDENCE,
        SetupType.POSITION: True,
        SetupType.LEAPS: False,
    }
    return EntryPlan(
        entry_type=EntryType.MARKET if at_market else EntryType.LIMIT,
        urgency=urgency,
        max_wait_minutes=TIER_RULES[setup].max_wait_minutes,
        confirmation_required=confirmation[setup],
    )
