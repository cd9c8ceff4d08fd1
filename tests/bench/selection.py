"""How long the best of 500 contracts takes to find, when every one of them fits and has to be scored."""

from datetime import timedelta
from decimal import Decimal

from experiments.contract import Selection, contract_for, contract_select
from experiments.contract_terms import terms_build
from experiments.data import Candidate
from experiments.enums import ContractSource
from tests.bench.arithmetic import median
from tests.bench.load import BenchError
from tests.bench.machine import Machine
from tests.bench.report import Figures
from tests.bench.timing import milliseconds
from tests.experiments.worlds import (
    AT,
    CONFIG,
    LIMITS,
    SOON,
    SPOT,
    bias,
    candidate,
    chain,
    market,
    option,
    signal_facts,
    world,
)

KEYS = ("select_500_ms",)
COUNT = 500
_EXPIRATIONS = tuple(SOON - timedelta(days=days) for days in range(4, -1, -1))
_STRIKES = COUNT // len(_EXPIRATIONS)
_ROUNDS = 7
_TRIES = 9  # in a round; the median of them is the round's


def board() -> tuple[Candidate, ...]:
    """Return calls of five expirations that all fit a scalp, no two alike."""
    return tuple(
        candidate(
            expiration=day,
            strike=SPOT + number,
            delta=round(0.65 - number / 500, 4),
            bid=Decimal("2.90") - number * Decimal("0.005"),
            ask=Decimal("2.95") - number * Decimal("0.005"),
            volume=500 + 7 * number,
            open_interest=1000 + 11 * number,
        )
        for day in _EXPIRATIONS
        for number in range(_STRIKES)
    )


def choose(contracts: tuple[Candidate, ...]) -> Selection:
    """Choose from nothing but the contracts, as a decision does."""
    terms = terms_build(signal=signal_facts(), at=AT, limits=LIMITS, config=CONFIG, iv_percentile=None, bias=bias())
    return contract_select(contracts, terms, SPOT)


def fault(contracts: tuple[Candidate, ...]) -> str:
    """Return what makes the measurement worth nothing, or an empty text."""
    chosen = choose(contracts)
    alone = [choose((each,)) for each in contracts]
    if any(one.source != ContractSource.SCORED for one in alone):
        return "not every contract of the bench fits, so not every one is scored"
    best = max(((one.best[0].is_hinted, one.overall or 0) for one in alone), default=(False, 0))
    if (chosen.best[0].is_hinted, chosen.overall) != best:
        return f"the contract chosen scores {chosen.overall}, the best one alone {best[1]}"
    return ""


def measure(machine: Machine) -> Figures:
    """Time the choice, and beside it the freezing of as long a chain followed by the choice among the frozen."""
    contracts = board()
    wrong = fault(contracts)
    if wrong:
        raise BenchError(wrong)
    listed = chain(
        quotes=tuple(
            option(
                beyond=float(each.strike - SPOT),
                expiration=each.expiration,
                delta=each.delta,
                bid=each.bid,
                ask=each.ask,
                volume=each.volume,
                open_interest=each.open_interest,
            )
            for each in contracts
        )
    )
    seen = market(chain=listed)
    chosen = [milliseconds(lambda: choose(contracts), _TRIES) for _ in range(_ROUNDS)]
    frozen = [milliseconds(lambda: contract_for(world(market=seen)), _TRIES) for _ in range(_ROUNDS)]
    figures = Figures()
    figures.add("select_500_ms", median(chosen), f"the best of {COUNT} that all fit; under 10 is asked for", chosen)
    figures.remark("frozen", median(frozen), f"ms to freeze a chain of {COUNT} and choose among the frozen", frozen)
    return figures
