"""Confluence: how far flow, trend and dealers' gamma speak for the signal, as one score and a part of the size. Pure.

score = Σ weight × points over what is known, the weights renormalised. Without option prints there is no score.

| Component | Weight | Points |
|---|---|---|
| flow: the side with more premium | .35 | same side 90, neither 50, other side 30 |
| trend: the usable bias, else the frames | .30 | same 90, neither 50, other 30; where dealers fade: 70, 50, 40 |
| strategy: what dealers' gamma makes of a move | .25 | the setup's own way 90, neither 50, the other way 60 |
| strength of the flow | .10 | its own 50–80 |

Where dealers are long of gamma a trend carries less far, so its word is worth half as much, for it or against it.
Gamma has no side (decision-rules D3): it says how a setup fares, not which way the market goes, so it can never make
the score of one side contradict what the entry tiers ask of that side. From 70 on the trade has its full size, from
55 half, from 45 a quarter, below none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from experiments.data import DecisionInputs
from experiments.enums import StrategyType
from experiments.strategy import setup_style, trend_known
from optionsengine.core.enums import Side

FLOW, TREND, STRATEGY, STRENGTH = "flow", "trend", "strategy", "strength"
WEIGHTS = {FLOW: 0.35, TREND: 0.30, STRATEGY: 0.25, STRENGTH: 0.10}  # confluence.weights
SAME, NEITHER, OTHER = 90.0, 50.0, 30.0  # confluence.same, neither, other
FADED_SAME, FADED_OTHER = 70.0, 40.0  # confluence.faded_same, faded_other
AGAINST_STRATEGY = 60.0  # confluence.against_strategy
TIERS = ((70.0, Decimal(1)), (55.0, Decimal("0.5")), (45.0, Decimal("0.25")))  # confluence.tiers: from score, size
NO_SIZE = Decimal(0)
DIGITS = 4


@dataclass(frozen=True, slots=True)
class Confluence:
    """`score` and the points of each known component are 0–100; `factor` is the part of the size it allows."""

    score: float
    points: Mapping[str, float]
    factor: Decimal


def _aligned(seen: Side | None, side: Side, same: float = SAME, other: float = OTHER) -> float:
    if seen is None:
        return NEITHER
    return same if seen == side else other


def _points(inputs: DecisionInputs) -> dict[str, float]:
    side, flow, gamma, trend = inputs.signal.side, inputs.flow, inputs.gamma, trend_known(inputs)
    points: dict[str, float] = {}
    if flow is None:
        return points
    points[FLOW] = _aligned(flow.premium_side, side)
    if trend is not None:
        fades = gamma is not None and gamma.strategy_type == StrategyType.FADE
        points[TREND] = _aligned(trend[0], side, *((FADED_SAME, FADED_OTHER) if fades else (SAME, OTHER)))
    style = setup_style(inputs)
    if gamma is not None and style is not None:
        if gamma.strategy_type == StrategyType.NEUTRAL:
            points[STRATEGY] = NEITHER
        else:
            points[STRATEGY] = SAME if gamma.strategy_type == style else AGAINST_STRATEGY
    points[STRENGTH] = flow.strength
    return points


def size_factor(score: float) -> Decimal:
    """Return the part of its size that a trade of this score may have."""
    return next((factor for floor, factor in TIERS if score >= floor), NO_SIZE)


def confluence_read(inputs: DecisionInputs) -> Confluence | None:
    """Return the score of the signal with what is known; None without option prints."""
    points = _points(inputs)
    if not points:
        return None
    total = sum(WEIGHTS[name] for name in points)
    score = round(sum(WEIGHTS[name] * seen for name, seen in points.items()) / total, DIGITS)
    return Confluence(score=score, points=points, factor=size_factor(score))
