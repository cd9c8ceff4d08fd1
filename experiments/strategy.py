"""What the bias state means on the signal's way: one reading for both sides, so that no rule favours either. Pure.

A confirmed macro breakdown has no counterpart upwards: it counts against longs and for nobody.
"""

from bias.enums import Bias, MacroClass, Regime
from experiments.data import DecisionInputs
from experiments.enums import StrategyType
from experiments.facts import BiasFacts
from optionsengine.core.enums import Side
from optionsengine.market.features import FrameFeatures
from optionsengine.market.mtf import FRAME_WEIGHTS

BREAKOUT, PULLBACK, MEAN_REVERT, NO_TRADE = "BREAKOUT", "PULLBACK", "MEAN_REVERT", "NO_TRADE"  # words of a hint
LOW_ROOM, LATE_PHASE, EXPANDING_ATR = "LOW", "LATE", "EXPANDING"
CHOPPY_RANGE = 70.0  # guard.choppy_range: a range is choppy above this chop score
FRAME_FLAT_PERCENT = 0.15  # confluence.frame_flat_percent: as near to its average a close stands on neither side
FRAME_LEAN = 0.3  # confluence.frame_lean: of the weights of all frames known

STYLES = {BREAKOUT: StrategyType.FOLLOW, PULLBACK: StrategyType.FOLLOW, MEAN_REVERT: StrategyType.FADE}
OPPOSITE_STYLE = {StrategyType.FOLLOW: StrategyType.FADE, StrategyType.FADE: StrategyType.FOLLOW}
BIAS_SIDE = {Bias.BULLISH: Side.LONG, Bias.BEARISH: Side.SHORT}
MACRO_WITH = {Side.LONG: MacroClass.TREND_UP, Side.SHORT: MacroClass.TREND_DOWN}
MACRO_AGAINST = {
    Side.LONG: (MacroClass.BREAKDOWN_CONFIRMED, MacroClass.TREND_DOWN),
    Side.SHORT: (MacroClass.TREND_UP,),
}


def setup_style(inputs: DecisionInputs) -> StrategyType | None:
    """Return whether the setup follows a move or fades it, as the usable bias hints; None without a hint."""
    state = inputs.usable_bias
    return None if state is None else STYLES.get(state.entry_mode_hint)


def room_ahead(state: BiasFacts, side: Side) -> str:
    """Return the room to the next level on the way of `side`: resistance for longs, support for shorts."""
    return state.room_to_resistance if side == Side.LONG else state.room_to_support


def is_trapped(state: BiasFacts, side: Side) -> bool:
    """Tell whether the level that `side` would go through was swept and not reclaimed: highs for longs."""
    swept = state.sweep_high if side == Side.LONG else state.sweep_low
    return swept is True and state.reclaim is not True


def strength_towards(state: BiasFacts, side: Side) -> float:
    """Return by how many points the bias score has moved towards `side`."""
    return state.strength_delta if side == Side.LONG else -state.strength_delta


def is_late_and_weakening(state: BiasFacts, side: Side) -> bool:
    """Tell whether the trend is late and its score moves away from `side`."""
    return state.trend_phase == LATE_PHASE and strength_towards(state, side) < 0


def is_choppy_range(state: BiasFacts) -> bool:
    return state.regime_type == Regime.RANGE and state.chop_score > CHOPPY_RANGE


def frame_lean(frame: FrameFeatures) -> int | None:
    """Return the side of its average on which a frame closed: +1 above, −1 below, 0 near it; None without the data."""
    if frame.close is None or frame.ema21_seeded is None or frame.close <= 0:
        return None
    distance = (frame.close - frame.ema21_seeded) / frame.close * 100
    if abs(distance) <= FRAME_FLAT_PERCENT:
        return 0
    return 1 if distance > 0 else -1


def trend_known(inputs: DecisionInputs) -> tuple[Side | None, str] | None:
    """Return the side of the trend (None for neither) and who says so: the usable bias, else the frames.

    Without a bias the frames are weighed by their length, each by where its close stands to its average. None when
    neither is known.
    """
    state = inputs.usable_bias
    if state is not None:
        return BIAS_SIDE.get(state.bias), "bias"
    seen = {name: frame_lean(inputs.frames[name]) for name in FRAME_WEIGHTS if name in inputs.frames}
    leans = {name: lean for name, lean in seen.items() if lean is not None}
    if not leans:
        return None
    weights = {name: weight for name, weight in FRAME_WEIGHTS.items() if name in leans}
    lean = round(sum(weights[name] * leans[name] for name in weights) / sum(weights.values()), 6)
    if abs(lean) <= FRAME_LEAN:
        return None, "frames"
    return (Side.LONG if lean > 0 else Side.SHORT), "frames"
