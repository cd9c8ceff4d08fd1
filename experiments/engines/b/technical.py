"""The technical agent: eight readings of the signal's frame, weighed. Pure.

Components, scores and weights are those of decision-rules §3.2. A reading without its data drops out and the other
weights carry it. Confidence is in the agent's own side, so mirrored prices give the mirrored vote.
"""

from collections.abc import Callable
from dataclasses import dataclass

from experiments.data import AgentVote
from experiments.engines.b.view import AgentView
from experiments.engines.b.votes import abstain, bias_of, within
from experiments.enums import VoteBias
from optionsengine.market.features import FrameFeatures

NAME = "technical"
WEIGHT = 0.18  # agents.technical.weight
LEAN_THRESHOLD = 0.15  # agents.technical.lean
MIN_COVERAGE = 0.5  # agents.technical.min_coverage: abstains below this share of the components' weight
OPPOSED_COMPONENTS = 3  # agents.technical.opposed_components
OPPOSED_CAP = 45.0  # agents.technical.opposed_cap
CONFIDENCE_RANGE = (15.0, 90.0)  # agents.technical.confidence
VWAP_PERCENT = 0.2  # agents.technical.vwap_percent
PRICE_ACTION_BARS = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """+1 bullish, −1 bearish, 0 neither, with a score of 0–100."""

    direction: int
    score: float


NEUTRAL = Reading(0, 50)


def _ema_trend(frame: FrameFeatures) -> Reading | None:
    close, ema8, ema21, ema48 = frame.close, frame.ema8, frame.ema21, frame.ema48
    if close is None or ema8 is None or ema21 is None:
        return None
    for direction in (1, -1):
        if direction * (ema8 - ema21) <= 0:
            continue
        if ema48 is not None and direction * (ema21 - ema48) > 0 and direction * (close - ema8) > 0:
            return Reading(direction, 85)
        if direction * (close - ema21) > 0:
            return Reading(direction, 70)
    return NEUTRAL


def _rsi(frame: FrameFeatures) -> Reading | None:
    if frame.rsi is None:
        return None
    if frame.rsi > 70:
        return Reading(-1, 30)
    if frame.rsi < 30:
        return Reading(1, 30)
    if frame.rsi >= 55:
        return Reading(1, 65)
    if frame.rsi <= 45:
        return Reading(-1, 65)
    return NEUTRAL


def _macd(frame: FrameFeatures) -> Reading | None:
    now, before = frame.macd_hist, frame.macd_hist_prev
    if now is None or before is None:
        return None
    if now == 0:
        return NEUTRAL
    direction = 1 if now > 0 else -1
    is_growing = direction * (now - before) > 0
    return Reading(direction, 75 if is_growing else 55)


def _vwap(frame: FrameFeatures) -> Reading | None:
    if frame.close is None or frame.vwap is None or frame.close <= 0:
        return None
    distance = (frame.close - frame.vwap) / frame.close * 100
    if abs(distance) <= VWAP_PERCENT:
        return NEUTRAL
    return Reading(1 if distance > 0 else -1, 65)


def _volume(frame: FrameFeatures) -> Reading | None:
    ratio = frame.volume_ratio
    if ratio is None:
        return None
    if ratio > 1.5:
        return Reading(0, 75)
    if ratio > 1:
        return Reading(0, 60)
    return Reading(0, 30) if ratio < 0.5 else NEUTRAL


def _bollinger(frame: FrameFeatures) -> Reading | None:
    if frame.bb_position is None:
        return None
    offset = frame.bb_position - 0.5
    if offset == 0:
        return NEUTRAL
    return Reading(1 if offset > 0 else -1, 40 if abs(offset) > 0.4 else 60)


def _adx(frame: FrameFeatures) -> Reading | None:
    adx, plus, minus = frame.adx, frame.plus_di, frame.minus_di
    if adx is None or plus is None or minus is None:
        return None
    gap = plus - minus
    direction = (gap > 0) - (gap < 0)
    if adx > 30:
        return Reading(direction, 75)
    if adx > 20 and abs(gap) > 10:
        return Reading(direction, 60)
    return Reading(0, 30) if adx < 15 else NEUTRAL


def _price_action(frame: FrameFeatures) -> Reading | None:
    highs, lows = frame.highs[-PRICE_ACTION_BARS:], frame.lows[-PRICE_ACTION_BARS:]
    if len(highs) < PRICE_ACTION_BARS or len(lows) < PRICE_ACTION_BARS:
        return None
    for direction in (1, -1):
        signed = [[direction * price for price in prices] for prices in (highs, lows)]
        if all(prices[0] < prices[1] < prices[2] for prices in signed):
            return Reading(direction, 70)
    return NEUTRAL


COMPONENTS: dict[str, tuple[float, Callable[[FrameFeatures], Reading | None]]] = {
    "ema_trend": (0.20, _ema_trend),
    "rsi": (0.15, _rsi),
    "macd": (0.15, _macd),
    "vwap": (0.10, _vwap),
    "volume": (0.10, _volume),
    "bollinger": (0.10, _bollinger),
    "adx": (0.10, _adx),
    "price_action": (0.10, _price_action),
}


def _confidence(readings: dict[str, Reading], weights: dict[str, float], direction: int) -> float:
    """The weighted mean of what each reading says for `direction`: its score, its opposite's score, or 50."""
    total = sum(weights.values())
    said = 0.0
    for name, reading in readings.items():
        if reading.direction == 0:
            said += weights[name] * 50
        else:
            said += weights[name] * (reading.score if reading.direction == direction else 100 - reading.score)
    confidence = said / total
    if sum(reading.direction == -direction for reading in readings.values()) >= OPPOSED_COMPONENTS:
        confidence = min(confidence, OPPOSED_CAP)
    return within(confidence, CONFIDENCE_RANGE)


def vote(view: AgentView) -> AgentVote:
    """Vote for the side the signal's frame leans to; abstain when less than half of the readings have data."""
    frame = view.frame
    found = {} if frame is None else {name: read(frame) for name, (_, read) in COMPONENTS.items()}
    readings = {name: reading for name, reading in found.items() if reading is not None}
    weights = {name: COMPONENTS[name][0] for name in readings}
    if frame is None or sum(weights.values()) < MIN_COVERAGE:
        return abstain(NAME, "too few bars to read")
    saw = {"frame": frame.timeframe, "at": frame.at, **{name: r.direction * r.score for name, r in readings.items()}}
    total = sum(weights.values())
    lean = round(sum(weights[name] * r.direction * r.score / 100 for name, r in readings.items()) / total, 6)
    if abs(lean) <= LEAN_THRESHOLD:
        return AgentVote(NAME, False, VoteBias.NEUTRAL, 50.0, WEIGHT, reasons=(f"lean {lean:+.2f}",), saw=saw)
    direction = 1 if lean > 0 else -1
    return AgentVote(
        agent=NAME,
        is_abstaining=False,
        bias=bias_of(direction),
        confidence=_confidence(readings, weights, direction),
        weight=WEIGHT,
        reasons=(
            f"lean {lean:+.2f}",
            *(f"{name} {r.direction * r.score:+g}" for name, r in readings.items() if r.direction),
        ),
        saw=saw,
    )
