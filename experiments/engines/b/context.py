"""The context agent: how calm the market is, and what dealers' gamma makes of the trend. Pure.

Numbers are those of decision-rules §3.2. Gamma chooses the strategy and never a side: where dealers lean against a move
(fade) the side is back towards the average, where they drive it on (follow) it is the trend's. Ours: a price at the
average, or equal averages, are neither side. The caps of 65 on fading and 85 on following are left out: no confidence
here exceeds 60.
"""

from experiments.data import AgentVote
from experiments.engines.b.frames import strategy_side
from experiments.engines.b.view import AgentView
from experiments.engines.b.votes import DIGITS, abstain, bias_of
from experiments.enums import StrategyType, VoteBias

NAME = "context"
WEIGHT = 0.12  # agents.context.weight
CLOSED_CONFIDENCE = 10.0  # agents.context.closed
WILD_ATR_RATIO, WILD_CONFIDENCE = 0.025, 30.0  # agents.context.wild_atr_ratio, wild: ATR over price
LIVELY_ATR_RATIO, LIVELY_CONFIDENCE = 0.015, 40.0  # agents.context.lively_atr_ratio, lively
CALM_CONFIDENCE = 60.0  # agents.context.calm
COMPRESSED = "COMPRESSION_LIKELY"
COMPRESSED_CAP = 55.0  # agents.context.compressed_cap
CLOSE_MINUTES, CLOSE_CAP = 15, 30.0  # agents.context.close_minutes, close_cap
FLIP_PERCENTS = (0.5, 1.0)  # agents.context.flip_percents: how near the zero-gamma level is worth telling


def _calmness(ratio: float) -> float:
    if ratio > WILD_ATR_RATIO:
        return WILD_CONFIDENCE
    return LIVELY_CONFIDENCE if ratio > LIVELY_ATR_RATIO else CALM_CONFIDENCE


def _near_flip(distance: float) -> tuple[str, ...]:
    near = next((percent for percent in FLIP_PERCENTS if distance < percent), None)
    return () if near is None else (f"within {near:g} % of the zero-gamma level",)


def vote(view: AgentView) -> AgentVote:
    """Vote for the side that dealers' gamma makes of the trend; neutral without gamma, abstain without price or range.

    Confidence falls with the true range relative to price, before the close and where gamma says compression.
    """
    session, frame, gamma = view.inputs.session, view.frame, view.inputs.gamma
    if not session.is_open:
        return AgentVote(
            NAME, False, VoteBias.NEUTRAL, CLOSED_CONFIDENCE, WEIGHT, reasons=("the market is closed",), saw={}
        )
    if frame is None or frame.close is None or frame.close <= 0 or frame.atr is None:
        return abstain(NAME, "too few bars to tell how calm the market is")
    strategy = StrategyType.NEUTRAL if gamma is None else gamma.strategy_type
    side = strategy_side(strategy, frame)
    if side is None:
        return abstain(NAME, f"too few bars for the averages that gamma's strategy ({strategy.value}) reads")
    ratio = frame.atr / frame.close
    confidence = _calmness(ratio)
    reasons = [f"true range {ratio * 100:.2f} % of price"]
    saw = {"frame": frame.timeframe, "at": frame.at, "atr_ratio": round(ratio, 6), "strategy": strategy.value}
    if gamma is None:
        reasons.append("dealers' gamma is not known")
    else:
        reasons.append(f"dealers' gamma: {strategy.value}")
        saw |= {"close": frame.close, "ema8": frame.ema8, "ema21": frame.ema21}
        if gamma.volatility_bias == COMPRESSED:
            confidence = min(confidence, COMPRESSED_CAP)
            reasons.append("gamma says compression")
        if gamma.zero_gamma is not None:
            distance = abs(frame.close - float(gamma.zero_gamma)) / frame.close * 100
            saw["zero_gamma_percent"] = round(distance, DIGITS)
            reasons += _near_flip(distance)
    left = session.minutes_to_close
    if left is not None and left < CLOSE_MINUTES:
        confidence = min(confidence, CLOSE_CAP)
        reasons.append(f"{left} min to the close")
    return AgentVote(NAME, False, bias_of(side), confidence, WEIGHT, reasons=tuple(reasons), saw=saw)
