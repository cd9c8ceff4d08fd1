"""The regime agent: how the market moves, and in a trend its own reading of which way. Pure.

Thresholds are those of decision-rules §3.2. It never looks at the signal's side: its direction is EMA 8 against
EMA 21 with the close on the same side.
"""

from dataclasses import dataclass

from experiments.data import AgentVote
from experiments.engines.b.view import AgentView
from experiments.engines.b.votes import abstain, bias_of, within
from experiments.enums import MarketRegime, Volatility, VoteBias
from experiments.strategy import BREAKOUT, MEAN_REVERT
from optionsengine.market.features import FrameFeatures

NAME = "regime_classifier"
WEIGHT = 0.12  # agents.regime_classifier.weight
TREND_ADX = 30.0  # agents.regime_classifier.trend_adx
QUIET_ADX = 20.0  # agents.regime_classifier.quiet_adx
MIDDLE_ATR = 50.0  # agents.regime_classifier.middle_atr
HIGH_ATR = 75.0  # agents.regime_classifier.high_atr
EXPANSION_ATR = 70.0  # agents.regime_classifier.expansion_atr
LOW_ATR = 25.0  # agents.regime_classifier.low_atr
NARROW_BANDS = 15.0  # agents.regime_classifier.narrow_bands
WIDE_BANDS = 85.0  # agents.regime_classifier.wide_bands
BURST_VOLUME = 2.0  # agents.regime_classifier.burst_volume
TREND_STEP, TREND_CAP, TREND_FLOOR = 10.0, 85.0, 30.0  # agents.regime_classifier.trend_step, _cap, _floor
RANGE_BREAKOUT, RANGE_BREAKOUT_FLOOR = -15.0, 25.0  # agents.regime_classifier.range_breakout, _floor
RANGE_REVERT, RANGE_REVERT_CAP = 10.0, 80.0  # agents.regime_classifier.range_revert, _cap
CONFIDENCE_RANGE = (15.0, 90.0)  # agents.regime_classifier.confidence


@dataclass(frozen=True, slots=True)
class RegimeReading:
    """The regime with the agent's confidence in it, and the volatility beside it."""

    regime: MarketRegime
    volatility: Volatility
    confidence: float


def regime_read(frame: FrameFeatures | None) -> RegimeReading | None:
    """Classify a frame; the first rule that fits decides. None without ADX, ATR rank or band-width rank."""
    if frame is None or frame.adx is None or frame.atr_percentile is None or frame.bb_width_percentile is None:
        return None
    adx, atr, bands = frame.adx, frame.atr_percentile, frame.bb_width_percentile
    volatility = Volatility.NORMAL
    if atr > HIGH_ATR:
        volatility = Volatility.HIGH
    elif atr < LOW_ATR:
        volatility = Volatility.LOW
    if adx > TREND_ADX and atr > MIDDLE_ATR:
        return RegimeReading(MarketRegime.TREND, volatility, 60 + min(30, (adx - TREND_ADX) * 1.5))
    if bands < NARROW_BANDS and adx < QUIET_ADX:
        is_burst = frame.volume_ratio is not None and frame.volume_ratio > BURST_VOLUME
        regime = MarketRegime.EXPANSION if is_burst else MarketRegime.COMPRESSION
        return RegimeReading(regime, volatility, 65 + min(25, (20 - bands) * 1.5))
    if bands > WIDE_BANDS and atr > EXPANSION_ATR:
        return RegimeReading(MarketRegime.EXPANSION, volatility, 60 + min(25, bands - WIDE_BANDS))
    if adx < QUIET_ADX and atr < MIDDLE_ATR:
        return RegimeReading(MarketRegime.RANGE, volatility, 55 + min(25, (QUIET_ADX - adx) * 2))
    return RegimeReading(MarketRegime.TRANSITIONAL, volatility, 40)


def _direction(frame: FrameFeatures) -> int:
    """The trend's own direction: +1, −1, or 0 when averages and close disagree or are not known."""
    close, ema8, ema21 = frame.close, frame.ema8, frame.ema21
    if close is None or ema8 is None or ema21 is None:
        return 0
    if ema8 > ema21 and close > ema21:
        return 1
    return -1 if ema8 < ema21 and close < ema21 else 0


def vote(view: AgentView) -> AgentVote:
    """Vote for the trend's direction in a trend, for neither side in any other regime; abstain without the data."""
    frame = view.frame
    reading = regime_read(frame)
    if frame is None or reading is None:
        return abstain(NAME, "too few bars to classify")
    confidence, bias, hint = reading.confidence, VoteBias.NEUTRAL, view.entry_mode
    if reading.regime == MarketRegime.TREND:
        direction = _direction(frame)
        if direction:
            bias = bias_of(direction)
            confidence = min(TREND_CAP, confidence + TREND_STEP)
        else:
            confidence = max(TREND_FLOOR, confidence - TREND_STEP)
    elif reading.regime == MarketRegime.RANGE and hint == BREAKOUT:
        confidence = max(RANGE_BREAKOUT_FLOOR, confidence + RANGE_BREAKOUT)
    elif reading.regime == MarketRegime.RANGE and hint == MEAN_REVERT:
        confidence = min(RANGE_REVERT_CAP, confidence + RANGE_REVERT)
    return AgentVote(
        agent=NAME,
        is_abstaining=False,
        bias=bias,
        confidence=within(confidence, CONFIDENCE_RANGE),
        weight=WEIGHT,
        reasons=(f"{reading.regime.value}, volatility {reading.volatility.value}",),
        saw={
            "frame": frame.timeframe,
            "at": frame.at,
            "adx": frame.adx,
            "atr_percentile": frame.atr_percentile,
            "bb_width_percentile": frame.bb_width_percentile,
            "volume_ratio": frame.volume_ratio,
            "hint": hint,
        },
    )
