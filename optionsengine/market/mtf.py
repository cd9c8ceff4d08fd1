"""Several timeframes together: consensus, regime, average price of the session, levels, room and trend phase. Pure.

The names, ranges and words are those of the bias V3 body, whose `mtf`, `levels.vwap`, `levels.swings` and `space`
blocks `MtfReading.blocks` gives. With w the weight of a frame, renormalised over the frames that are present:

- bias_score = Σ w · strength over bullish frames − the same over bearish ones;
- alignment_score = 100 · Σ w of the frames on the score's side (of the larger side when the score is 0);
- conflict_score = 200 · min(Σ w bullish, Σ w bearish): 100 when the frames are split in halves;
- confidence_score = (|bias_score| + alignment_score) ÷ 200 · (1 − conflict_score ÷ 200) · the share of all weights
  that is present, so that a missing frame lowers it;
- chop_score = the mean of the choppiness index from 38.2 (0) to 61.8 (100) and of ADX from 30 (0) to 10 (100): a
  choppiness at its textbook limit with an ADX of 20 is exactly the 75 from which entries are suppressed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from optionsengine.market.analysis_enums import (
    FrameBias,
    RegimeType,
    Room,
    TrendPhase,
    VolatilityState,
    VwapPosition,
)
from optionsengine.market.data import TIMEFRAMES, Bar, Timeframe
from optionsengine.market.frames import SLOW_EMA, FrameReading, frame_read, rounded
from optionsengine.market.series import last_session_vwap, series_of

FRAME_WEIGHTS: dict[Timeframe, float] = {"5m": 0.10, "15m": 0.15, "1h": 0.25, "4h": 0.25, "1d": 0.25}
CONSENSUS_SCORE = 20.0  # of 100; below it the consensus is NEUTRAL
REGIME_FRAME: Timeframe = "15m"  # chop, ADX and ATR state; without it chop is that of the shortest frame
CHOPPY, DIRECT = 61.8, 38.2  # choppiness index
STRONG_ADX, WEAK_ADX = 30.0, 10.0
TREND_ADX, TREND_CHOP = 20.0, 50.0  # a trend: ADX from here on, chop score below that
VWAP_FRAMES: tuple[Timeframe, ...] = ("5m", "15m")  # the first one present; longer bars straddle the opening
LEVEL_FRAMES: tuple[Timeframe, ...] = ("15m", "1h")  # pivots of both; distances in ATRs of the first one present
LOW_ROOM, HIGH_ROOM = 1.0, 2.5  # ATRs: LOW below the first, HIGH from the second on
PHASE_FRAMES: tuple[Timeframe, ...] = ("1h", "15m")  # the first one present
EARLY_BARS, LATE_BARS = 10, 55  # since EMA 21 crossed EMA 55
LATE_ATR = 5.0  # ATRs between close and EMA 55


@dataclass(frozen=True, slots=True)
class Consensus:
    """`bias_score` is −100…100, `confidence_score` 0…1, the others 0–100."""

    bias_consensus: FrameBias
    bias_score: float
    confidence_score: float
    alignment_score: float
    conflict_score: float


@dataclass(frozen=True, slots=True)
class Regime:
    """`chop_score` is 0–100, measured on `frame`; the 15-minute values are None without that frame."""

    type: RegimeType
    chop_score: float
    adx_15m: float | None
    atr_state_15m: VolatilityState | None
    frame: Timeframe


@dataclass(frozen=True, slots=True)
class Vwap:
    """The average price in dollars of the session of `day`; `dist_atr` is close − value in ATRs, negative below."""

    value: float | None
    position: VwapPosition
    dist_atr: float | None
    day: date | None


@dataclass(frozen=True, slots=True)
class Swings:
    """The last pivots in dollars, and how many ATRs away the next level is that no bar has gone beyond.

    A distance is None when no such level lies on that side within the bars.
    """

    h1_last_pivot_high: float | None
    h1_last_pivot_low: float | None
    m15_last_pivot_high: float | None
    m15_last_pivot_low: float | None
    dist_to_res_atr: float | None
    dist_to_sup_atr: float | None


@dataclass(frozen=True, slots=True)
class Space:
    """Room on either side: HIGH also where the bars show no level at all, NA without the frames that show them."""

    room_to_resistance: Room
    room_to_support: Room


@dataclass(frozen=True, slots=True)
class MtfReading:
    """The frames present, shortest first, and what they say together.

    `close` (dollars) and `at` (the opening of its bar) are of the shortest frame. `trend_phase` is None without the
    frames that it is read off.
    """

    frames: tuple[FrameReading, ...]
    consensus: Consensus
    regime: Regime
    vwap: Vwap
    swings: Swings
    space: Space
    trend_phase: TrendPhase | None
    close: float
    at: datetime

    def blocks(self) -> dict[str, Any]:
        """Return the `mtf`, `levels` (its `vwap` and `swings`) and `space` blocks of a bias V3 body."""
        names = ("bias", "strength", "structure", "momentum", "volatility", "ema21", "ema55", "slope_ema55", "atr")
        regime = asdict(self.regime)
        vwap = asdict(self.vwap)
        del regime["frame"], vwap["day"]
        return {
            "mtf": {
                "timeframes": [
                    {"tf": frame.timeframe} | {name: getattr(frame, name) for name in names} for frame in self.frames
                ],
                "consensus": asdict(self.consensus),
                "regime": regime,
            },
            "levels": {"vwap": {"enabled": self.vwap.value is not None} | vwap, "swings": asdict(self.swings)},
            "space": asdict(self.space),
        }


def consensus_of(frames: Sequence[FrameReading]) -> Consensus:
    """Return what at least one frame says together with the others; their order does not matter."""
    present = sum(FRAME_WEIGHTS[name] for name in sorted(frame.timeframe for frame in frames))
    shares, score = {FrameBias.BULLISH: 0.0, FrameBias.BEARISH: 0.0, FrameBias.NEUTRAL: 0.0}, 0.0
    for frame in sorted(frames, key=lambda frame: frame.timeframe):
        weight = FRAME_WEIGHTS[frame.timeframe] / present
        shares[frame.bias] += weight
        sign = {FrameBias.BULLISH: 1, FrameBias.BEARISH: -1, FrameBias.NEUTRAL: 0}[frame.bias]
        score += sign * weight * frame.strength
    score = max(-100.0, min(100.0, rounded(score)))
    up, down = shares[FrameBias.BULLISH], shares[FrameBias.BEARISH]
    agreeing = max(up, down) if score == 0 else up if score > 0 else down
    alignment, conflict = min(100.0, rounded(100 * agreeing)), min(100.0, rounded(200 * min(up, down)))
    confidence = (abs(score) + alignment) / 200 * (1 - conflict / 200) * min(present, 1.0)
    bias = FrameBias.NEUTRAL
    if abs(score) >= CONSENSUS_SCORE:
        bias = FrameBias.BULLISH if score > 0 else FrameBias.BEARISH
    return Consensus(bias, score, rounded(confidence), alignment, conflict)


def _share(value: float, zero: float, full: float) -> float:
    return max(0.0, min(1.0, (value - zero) / (full - zero)))


def regime_of(frames: Mapping[Timeframe, FrameReading]) -> Regime:
    """Return whether the price goes somewhere; a price that never moved is all chop."""
    measured = frames.get(REGIME_FRAME) or next(frames[name] for name in TIMEFRAMES if name in frames)
    choppiness = 1.0 if measured.chop is None else _share(measured.chop, DIRECT, CHOPPY)
    chop = rounded(50 * (choppiness + _share(measured.adx, STRONG_ADX, WEAK_ADX)))
    is_trend = measured.adx >= TREND_ADX and chop < TREND_CHOP
    own = frames.get(REGIME_FRAME)
    return Regime(
        type=RegimeType.TREND if is_trend else RegimeType.RANGE,
        chop_score=chop,
        adx_15m=None if own is None else own.adx,
        atr_state_15m=None if own is None else own.volatility,
        frame=measured.timeframe,
    )


def vwap_of(bars: Mapping[Timeframe, Sequence[Bar]], frames: Mapping[Timeframe, FrameReading]) -> Vwap:
    """Return where the last bar lies to the average price of its session; nothing without 5- or 15-minute bars."""
    name = next((name for name in VWAP_FRAMES if name in frames), None)
    found = None if name is None else last_session_vwap(bars[name], series_of(bars[name]))
    if name is None or found is None:
        return Vwap(None, VwapPosition.NA, None, None)
    frame, value = frames[name], rounded(found.value)
    if frame.bar_low <= value <= frame.bar_high:
        position = VwapPosition.CROSSING
    else:
        position = VwapPosition.ABOVE if frame.close > value else VwapPosition.BELOW
    return Vwap(value, position, rounded((frame.close - value) / frame.atr) if frame.atr > 0 else None, found.day)


def _room(distance: float | None) -> Room:
    if distance is None or distance >= HIGH_ROOM:
        return Room.HIGH
    return Room.LOW if distance < LOW_ROOM else Room.MEDIUM


def swings_of(frames: Mapping[Timeframe, FrameReading], close: float) -> tuple[Swings, Space]:
    """Return the last pivots and the room around `close`, dollars."""
    known = [frames[name] for name in LEVEL_FRAMES if name in frames]
    if not known:
        return Swings(*(None,) * 6), Space(Room.NA, Room.NA)
    above = [level - close for frame in known for level in frame.levels.resistances if level > close]
    below = [close - level for frame in known for level in frame.levels.supports if level < close]
    atr = known[0].atr
    up, down = (rounded(min(side) / atr) if side and atr > 0 else None for side in (above, below))
    hour, quarter = (frames[name].levels if name in frames else None for name in ("1h", "15m"))
    swings = Swings(
        h1_last_pivot_high=None if hour is None else hour.last_pivot_high,
        h1_last_pivot_low=None if hour is None else hour.last_pivot_low,
        m15_last_pivot_high=None if quarter is None else quarter.last_pivot_high,
        m15_last_pivot_low=None if quarter is None else quarter.last_pivot_low,
        dist_to_res_atr=up,
        dist_to_sup_atr=down,
    )
    return swings, Space(_room(up), _room(down))


def phase_of(frames: Mapping[Timeframe, FrameReading], bias: FrameBias, regime: RegimeType) -> TrendPhase | None:
    """Return how far a trend has come.

    EARLY until ten bars after EMA 21 crossed EMA 55 to the trend's side, LATE from 55 bars on or five ATRs beyond
    EMA 55, MID between; a crossing that lies before the bars is no early one.
    """
    frame = next((frames[name] for name in PHASE_FRAMES if name in frames), None)
    if frame is None:
        return None
    if regime is RegimeType.RANGE or bias is FrameBias.NEUTRAL:
        return TrendPhase.RANGE
    sign = 1 if bias is FrameBias.BULLISH else -1
    since = frame.bars_since_cross
    if sign * (frame.ema21 - frame.ema55) <= 0 or (since is not None and since <= EARLY_BARS):
        return TrendPhase.EARLY
    age = frame.bars - SLOW_EMA + 1 if since is None else since  # at least as old as the averages are known
    is_stretched = rounded(sign * (frame.close - frame.ema55)) >= rounded(LATE_ATR * frame.atr)
    return TrendPhase.LATE if age >= LATE_BARS or is_stretched else TrendPhase.MID


def mtf_read(bars: Mapping[Timeframe, Sequence[Bar]]) -> MtfReading | None:
    """Read closed bars per timeframe, oldest first. A frame with fewer than 60 is absent; None when all are."""
    readings = {name: frame_read(bars[name], name) for name in TIMEFRAMES if name in bars}
    frames = {name: reading for name, reading in readings.items() if reading is not None}
    if not frames:
        return None
    present = tuple(frames.values())
    consensus, regime = consensus_of(present), regime_of(frames)
    swings, space = swings_of(frames, present[0].close)
    return MtfReading(
        frames=present,
        consensus=consensus,
        regime=regime,
        vwap=vwap_of(bars, frames),
        swings=swings,
        space=space,
        trend_phase=phase_of(frames, consensus.bias_consensus, regime.type),
        close=present[0].close,
        at=present[0].at,
    )
