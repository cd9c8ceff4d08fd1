"""The liquidity agent: can the contract that would be bought be traded at a fair price? A veto, never a side. Pure.

Thresholds are those of decision-rules §3.2, read of the chosen contract. Slippage is what a market order may be
expected to pay beyond mid, in percent of it: a third of the spread, so that the vetoes of spread and slippage begin at
one and the same spread and neither takes back what the setup's policy allows. What its source does not tell (open
interest, volume, a score) neither vetoes nor counts.
"""

from collections.abc import Iterator

from experiments.contract import Selection
from experiments.data import AgentVote, Candidate
from experiments.engines.b.view import AgentView
from experiments.engines.b.votes import DIGITS, abstain, within
from experiments.enums import VoteBias

NAME = "liquidity"
WEIGHT = 0.08  # agents.liquidity.weight
START = 60.0  # agents.liquidity.start
SLIPPAGE_DIVISOR = 3  # agents.liquidity.slippage_divisor, of the spread
VETO_SPREAD = 15.0  # agents.liquidity.veto_spread, percent of mid
VETO_INTEREST = 10  # agents.liquidity.veto_open_interest
VETO_SLIPPAGE = 5.0  # agents.liquidity.veto_slippage, percent of mid
VETO_SCORE = 20  # agents.liquidity.veto_score
WIDE_SPREAD, WIDE_STEP = 8.0, -15.0  # agents.liquidity.wide_spread, wide_step
TIGHT_SPREAD, TIGHT_STEP = 3.0, 5.0  # agents.liquidity.tight_spread, tight_step
THIN_INTEREST, THIN_INTEREST_STEP = 50, -20.0  # agents.liquidity.thin_open_interest, thin_open_interest_step
DEEP_INTEREST, DEEP_INTEREST_STEP = 500, 5.0  # agents.liquidity.deep_open_interest, deep_open_interest_step
THIN_VOLUME, THIN_VOLUME_STEP = 10, -15.0  # agents.liquidity.thin_volume, thin_volume_step
BUSY_VOLUME, BUSY_VOLUME_STEP = 100, 5.0  # agents.liquidity.busy_volume, busy_volume_step
SLIPPAGE, SLIPPAGE_STEP = 2.0, -10.0  # agents.liquidity.slippage, slippage_step
LOW_SCORE, LOW_SCORE_STEP = 40, -10.0  # agents.liquidity.low_score, low_score_step
HIGH_SCORE, HIGH_SCORE_STEP = 70, 5.0  # agents.liquidity.high_score, high_score_step
CONFIDENCE_RANGE = (10.0, 90.0)  # agents.liquidity.confidence


def slippage_percent(contract: Candidate) -> float:
    """Return what a market order may be expected to pay beyond mid, in percent of mid."""
    return round(float(contract.spread_percent / SLIPPAGE_DIVISOR), DIGITS)


def liquidity_score(selection: Selection | None) -> int | None:
    """Return the selection's liquidity score (0–100) of the contract; None where it is not known."""
    return None if selection is None else selection.scores.get("liquidity")


def _vetoes(contract: Candidate, score: int | None) -> Iterator[str]:
    spread, slippage = contract.spread_percent, slippage_percent(contract)
    if spread >= VETO_SPREAD:
        yield f"spread {spread:.2f} % is {VETO_SPREAD:g} % or more"
    if contract.open_interest is not None and contract.open_interest < VETO_INTEREST:
        yield f"open interest {contract.open_interest} is below {VETO_INTEREST}"
    if slippage > VETO_SLIPPAGE:
        yield f"slippage {slippage:.2f} % is above {VETO_SLIPPAGE:g} %"
    if score is not None and score < VETO_SCORE:
        yield f"liquidity score {score} is below {VETO_SCORE}"


def _steps(contract: Candidate, score: int | None) -> Iterator[tuple[float, str]]:
    spread, interest, volume = contract.spread_percent, contract.open_interest, contract.volume
    if spread >= WIDE_SPREAD:
        yield WIDE_STEP, f"wide spread, {spread:.2f} %"
    elif spread < TIGHT_SPREAD:
        yield TIGHT_STEP, f"tight spread, {spread:.2f} %"
    if interest is not None and interest < THIN_INTEREST:
        yield THIN_INTEREST_STEP, f"open interest {interest}"
    elif interest is not None and interest > DEEP_INTEREST:
        yield DEEP_INTEREST_STEP, f"open interest {interest}"
    if volume is not None and volume < THIN_VOLUME:
        yield THIN_VOLUME_STEP, f"volume {volume}"
    elif volume is not None and volume > BUSY_VOLUME:
        yield BUSY_VOLUME_STEP, f"volume {volume}"
    slippage = slippage_percent(contract)
    if slippage > SLIPPAGE:
        yield SLIPPAGE_STEP, f"slippage {slippage:.2f} %"
    if score is not None and score < LOW_SCORE:
        yield LOW_SCORE_STEP, f"liquidity score {score}"
    elif score is not None and score > HIGH_SCORE:
        yield HIGH_SCORE_STEP, f"liquidity score {score}"


def vote(view: AgentView) -> AgentVote:
    """Veto a contract that cannot be traded fairly, else be neutral; abstain where no contract was chosen."""
    contract, score = view.contract, liquidity_score(view.selection)
    if contract is None:
        return abstain(NAME, "no contract was chosen")
    vetoes, steps = list(_vetoes(contract, score)), list(_steps(contract, score))
    return AgentVote(
        agent=NAME,
        is_abstaining=False,
        bias=VoteBias.NEUTRAL,
        confidence=within(START + sum(step for step, _ in steps), CONFIDENCE_RANGE),
        weight=WEIGHT,
        is_blocking=bool(vetoes),
        reasons=tuple(vetoes or [why for _, why in steps]) or ("ordinary liquidity",),
        saw={
            "expiration": contract.expiration,
            "strike": contract.strike,
            "spread_percent": round(float(contract.spread_percent), DIGITS),
            "slippage_percent": slippage_percent(contract),
            "open_interest": contract.open_interest,
            "volume": contract.volume,
            "score": score,
        },
    )
