"""The volatility agent: how dear options are and which way their smile and term structure lean. Pure.

Steps are those of decision-rules §3.2. Ours, so that a mirrored market gives the mirrored vote with the same
confidence: only skew and term structure can name a side, because an extreme level of volatility has none; and
backwardation names its side without taking five points, for contango takes none. The term structure has a band of its
own, within which it is flat: a tenth of a point is no lean.
"""

from experiments.data import AgentVote
from experiments.engines.b.view import AgentView
from experiments.engines.b.votes import abstain, bias_of, sign, within
from experiments.facts import VolatilityFacts
from experiments.strategy import BREAKOUT
from optionsengine.market.features import FrameFeatures

NAME = "volatility"
WEIGHT = 0.10  # agents.volatility.weight
START = 50.0  # agents.volatility.start
HIGH_RANK, HIGH_RANK_STEP = 80.0, -15.0  # agents.volatility.high_rank, high_rank_step
LOW_RANK, LOW_RANK_STEP = 20.0, 10.0  # agents.volatility.low_rank, low_rank_step
HIGH_RATIO, HIGH_RATIO_STEP = 1.3, -10.0  # agents.volatility.high_ratio, high_ratio_step: realised over implied
LOW_RATIO, LOW_RATIO_STEP = 0.7, 5.0  # agents.volatility.low_ratio, low_ratio_step
SKEW_POINTS, SKEW_STEP = 5.0, 5.0  # agents.volatility.skew_points, skew_step
TERM_POINTS = 0.5  # agents.volatility.term_points
NARROW_BANDS, NARROW_STEP = 10.0, 10.0  # agents.volatility.narrow_bands, narrow_step: before a breakout
WIDE_BANDS, WIDE_STEP = 90.0, -10.0  # agents.volatility.wide_bands, wide_step
WILD_ATR_PERCENT, WILD_STEP = 3.0, -10.0  # agents.volatility.wild_atr_percent, wild_step
CONFIDENCE_RANGE = (15.0, 85.0)  # agents.volatility.confidence

Step = tuple[float, str]


def _level_steps(smile: VolatilityFacts) -> list[Step]:
    steps: list[Step] = []
    rank, ratio = smile.iv_rank, smile.realized_ratio
    if rank is not None and rank > HIGH_RANK:
        steps.append((HIGH_RANK_STEP, f"options are dear: IV rank {rank:g}"))
    elif rank is not None and rank < LOW_RANK:
        steps.append((LOW_RANK_STEP, f"options are cheap: IV rank {rank:g}"))
    if ratio is not None and ratio > HIGH_RATIO:
        steps.append((HIGH_RATIO_STEP, f"realised volatility is {ratio:.2f} of implied"))
    elif ratio is not None and ratio < LOW_RATIO:
        steps.append((LOW_RATIO_STEP, f"realised volatility is {ratio:.2f} of implied"))
    return steps


def _frame_steps(frame: FrameFeatures | None, entry_mode: str) -> list[Step]:
    steps: list[Step] = []
    if frame is None:
        return steps
    width = frame.bb_width_percentile
    if width is not None and width < NARROW_BANDS and entry_mode == BREAKOUT:
        steps.append((NARROW_STEP, f"bands narrower than {100 - width:g} % of late, before a breakout"))
    elif width is not None and width > WIDE_BANDS:
        steps.append((WIDE_STEP, f"bands wider than {width:g} % of late"))
    if frame.atr is not None and frame.close is not None and frame.close > 0:
        percent = frame.atr / frame.close * 100
        if percent > WILD_ATR_PERCENT:
            steps.append((WILD_STEP, f"true range {percent:.2f} % of price"))
    return steps


def skew_side(skew: float | None) -> int:
    """Return −1 where puts are dearer by more than the band, +1 where calls are, else 0."""
    return 0 if skew is None or abs(skew) <= SKEW_POINTS else -sign(skew)


def term_side(term: float | None) -> int:
    """Return +1 in contango beyond the band, −1 in backwardation beyond it, else 0."""
    return 0 if term is None or abs(term) <= TERM_POINTS else sign(term)


def vote(view: AgentView) -> AgentVote:
    """Vote for the side skew and term structure agree on; abstain when no implied volatility is known."""
    smile, frame = view.inputs.volatility, view.frame
    known = () if smile is None else (smile.iv_rank, smile.realized_ratio, smile.skew, smile.term)
    if smile is None or all(value is None for value in known):
        return abstain(NAME, "implied volatility is not known")
    skew, term = skew_side(smile.skew), term_side(smile.term)
    steps = _level_steps(smile) + _frame_steps(frame, view.entry_mode)
    if skew:
        steps.append((SKEW_STEP, f"{'puts' if skew < 0 else 'calls'} are dearer, skew {smile.skew:+.2f} points"))
    reasons = [why for _, why in steps]
    if term:
        reasons.append(f"{'contango' if term > 0 else 'backwardation'}, {smile.term:+.2f} points")
    ratio = smile.realized_ratio
    return AgentVote(
        agent=NAME,
        is_abstaining=False,
        bias=bias_of(skew + term),
        confidence=within(START + sum(step for step, _ in steps), CONFIDENCE_RANGE),
        weight=WEIGHT,
        reasons=tuple(reasons) or ("nothing out of the ordinary",),
        saw={
            "iv_rank": smile.iv_rank,
            "realized_ratio": None if ratio is None else round(ratio, 6),
            "skew": smile.skew,
            "term": smile.term,
            "bb_width_percentile": None if frame is None else frame.bb_width_percentile,
            "entry_mode": view.entry_mode,
        },
    )
