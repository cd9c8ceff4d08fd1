"""Whether a contract fits a decision's terms, and how well: filters and six scores. Pure.

Filters and scores are the reference selector's (decision-rules §6.2). Three things differ: the cost score compares
dollars per contract with dollars, what is not known of the market (IV percentile, dealer gamma) is neutral, and a
contract of which the source does not say what the filters and scores need fits nothing.
"""

from collections.abc import Iterable, Iterator
from operator import attrgetter, mul
from typing import NamedTuple

from experiments.contract_terms import ContractRules, Terms
from experiments.data import Candidate
from experiments.enums import ContractFilter
from optionsengine.core.enums import Side
from optionsengine.core.values import MULTIPLIER
from optionsengine.market.analysis_enums import GexState
from optionsengine.market.rules import quote_problem

SCORES = ("liquidity", "greeks", "theta", "vega", "cost", "gex")
NEUTRAL_GEX_SCORE = 80  # contract.gex_neutral: dealer gamma is neutral or not known
AGAINST_GEX_SCORE = 40  # contract.gex_against: dealers hold the price back on this side
GEX_SCORE = 60  # contract.gex_other
GEX_AGAINST = {Side.LONG: GexState.POSITIVE_HIGH, Side.SHORT: GexState.NEGATIVE_HIGH}
GAMMA_HIGH_FACTOR = 0.6  # contract.gamma_high_factor
RICH_IV_PERCENTILE = 70.0  # contract.rich_iv_percentile
RICH_VEGA = 0.15  # contract.rich_vega
RICH_VEGA_SCORE = 60  # contract.rich_vega_score
NEEDED = ("open interest", "volume", "delta", "gamma", "theta", "vega")
needed_of = attrgetter(*(name.replace(" ", "_") for name in NEEDED))


class Scored(NamedTuple):
    """A contract with its scores (0–100 each, in the order of `SCORES`) and their weighted sum.

    A score whose values are not known is None, and so is the overall then.
    """

    contract: Candidate
    values: tuple[int | None, ...]
    overall: int | None
    is_hinted: bool

    @property
    def scores(self) -> dict[str, int | None]:
        """The scores by name."""
        return dict(zip(SCORES, self.values, strict=True))


def _decay_percent(theta: float, mid: float, rules: ContractRules) -> float:
    """The premium that time takes over the setup's holding time (at least a day), in percent of mid."""
    return abs(theta) * max(1.0, rules.hold_days) / mid * 100


def has_usable_quote(contract: Candidate, terms: Terms) -> bool:
    """Tell whether the quote is two-sided, uncrossed and fresh, and the contract still alive."""
    problem = quote_problem(contract.bid, contract.ask, contract.at, terms.at, terms.quote_max_age_seconds)
    return problem is None and contract.dte > 0


def failures(contract: Candidate, terms: Terms, *, any_dte: bool = False) -> Iterator[tuple[ContractFilter, str]]:
    """Yield every filter that removes `contract`, in their order, with what it saw against what it wants.

    Behind an unusable quote nothing more is asked: its spread and its decay would be of no price.
    """
    rules = terms.rules
    if not any_dte and not rules.dte.allows(contract.dte):
        yield (
            ContractFilter.DTE,
            f"{contract.dte:g} days to expiry, not {rules.dte.minimum:g} to {rules.dte.maximum:g}",
        )
    open_interest, volume, delta, theta = contract.open_interest, contract.volume, contract.delta, contract.theta
    if None in needed_of(contract):
        missing = (name for name, value in zip(NEEDED, needed_of(contract), strict=True) if value is None)
        yield ContractFilter.DATA, f"the source does not tell {', '.join(missing)}"
    if not has_usable_quote(contract, terms):
        yield ContractFilter.QUOTE, f"no usable quote ({contract.bid} / {contract.ask})"
        return
    mid = contract.mid
    spread = (contract.ask - contract.bid) / mid * 100
    if spread > rules.max_spread_percent:
        yield ContractFilter.LIQUIDITY, f"spread {spread:.2f} % above {rules.max_spread_percent} %"
    if open_interest is not None and open_interest < rules.min_open_interest:
        yield ContractFilter.LIQUIDITY, f"open interest {open_interest} below {rules.min_open_interest}"
    if volume is not None and volume < rules.min_volume:
        yield ContractFilter.LIQUIDITY, f"volume {volume} below {rules.min_volume}"
    if delta is not None and not rules.min_delta <= abs(delta) <= rules.max_delta:
        yield ContractFilter.GREEKS, f"delta {delta:g} outside ±{rules.min_delta:g} to {rules.max_delta:g}"
    if theta is not None:
        decay = _decay_percent(theta, float(mid), rules)
        if decay > rules.theta_tolerance_percent:
            yield ContractFilter.GREEKS, f"decay {decay:.1f} % above {rules.theta_tolerance_percent:g} %"


def first_failure(contract: Candidate, terms: Terms, *, any_dte: bool = False) -> ContractFilter | None:
    """Return the first filter that removes `contract`, or None."""
    for name, _ in failures(contract, terms, any_dte=any_dte):
        return name
    return None


def _percent(value: float) -> float:
    return 100.0 if value > 100.0 else value if value > 0.0 else 0.0


def _greeks_score(contract: Candidate, rules: ContractRules) -> int | None:
    if contract.delta is None or contract.gamma is None:
        return None
    fit = _percent(100 - 200 * abs(abs(contract.delta) - rules.target_delta))
    return round(fit * GAMMA_HIGH_FACTOR if contract.gamma > rules.high_gamma else fit)


def _liquidity_score(contract: Candidate, mid: float, rules: ContractRules) -> int | None:
    if contract.open_interest is None or contract.volume is None:
        return None
    spread = float(contract.ask - contract.bid) / mid * 100
    parts = (
        _percent(100 - 4 * spread)
        + _percent(contract.open_interest / rules.full_open_interest * 100)
        + _percent(contract.volume / rules.full_volume * 100)
    )
    return round(parts / 3)


def _vega_score(contract: Candidate, iv_percentile: float | None) -> int | None:
    if iv_percentile is None or iv_percentile <= RICH_IV_PERCENTILE:
        return 100
    if contract.vega is None:
        return None
    return RICH_VEGA_SCORE if contract.vega > RICH_VEGA else 100


def gex_score(terms: Terms) -> int:
    """Return how dealers' gamma treats the side: neutral while it is not known."""
    if terms.gex_state in (None, GexState.NEUTRAL):
        return NEUTRAL_GEX_SCORE
    return AGAINST_GEX_SCORE if terms.gex_state == GEX_AGAINST[terms.side] else GEX_SCORE


def score(contract: Candidate, terms: Terms) -> Scored:
    """Score a contract whose quote is usable; every score is 0–100, higher is better."""
    rules, mid, theta = terms.rules, float(contract.mid), contract.theta
    decay = None if theta is None else _decay_percent(theta, mid, rules)
    values = (
        _liquidity_score(contract, mid, rules),
        _greeks_score(contract, rules),
        None if decay is None else round(_percent(100 - decay / rules.theta_tolerance_percent * 100)),
        _vega_score(contract, terms.iv_percentile),
        round(_percent(float(terms.premium_budget) / (mid * MULTIPLIER) * 100)),
        gex_score(terms),
    )
    known = [value for value in values if value is not None]
    return Scored(
        contract,
        values,
        round(sum(map(mul, rules.weights, known))) if len(known) == len(values) else None,
        terms.hint is not None and terms.hint.allows(contract),
    )


def ordered(scored: Iterable[Scored], side: Side) -> list[Scored]:
    """Return what fits, best first: those the hint prefers before all others.

    Equal scores: the sooner expiry first, then the lower strike for calls, the higher one for puts.
    """
    direction = 1 if side == Side.LONG else -1
    return sorted(
        scored,
        # what passes the filters is known whole, so it has an overall score
        key=lambda each: (
            not each.is_hinted,
            -(each.overall or 0),
            each.contract.expiration,
            direction * each.contract.strike,
        ),
    )


def rank(contracts: Iterable[Candidate], terms: Terms, *, any_dte: bool = False) -> list[Scored]:
    """Return the contracts that pass every filter, scored, in the order of `ordered`."""
    passing = (each for each in contracts if first_failure(each, terms, any_dte=any_dte) is None)
    return ordered((score(each, terms) for each in passing), terms.side)
