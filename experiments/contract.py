"""Which listed contract to buy: filters, six scores, and the fallback. Pure.

Filters, tables and scores are the reference selector's (decision-rules §6.1 and §6.2). Two things differ: the cost
score compares dollars per contract with dollars, and what is not known (IV percentile, dealer gamma) is neutral.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from experiments.data import Candidate, DecisionConfig, DecisionInputs, Limits, SignalFacts
from experiments.enums import ContractFilter, ContractSource, SetupType
from experiments.setup_type import setup_type_for
from optionsengine.core.enums import Side
from optionsengine.core.values import MULTIPLIER
from optionsengine.market.calendar import dte
from optionsengine.market.rules import quote_problem

SCORES = ("liquidity", "greeks", "theta", "vega", "cost", "gex")
PREMIUM_BUDGET_PERCENT = Decimal(15)  # contract.premium_budget_percent, of the daily loss limit
NEUTRAL_GEX_SCORE = 80  # contract.gex_neutral: dealer gamma is not known yet
GAMMA_HIGH_FACTOR = 0.6  # contract.gamma_high_factor
RICH_IV_PERCENTILE = 70.0  # contract.rich_iv_percentile
RICH_VEGA = 0.15  # contract.rich_vega
RICH_VEGA_SCORE = 60  # contract.rich_vega_score


@dataclass(frozen=True, slots=True)
class DtePolicy:
    """Days to expiry a setup may trade, both included."""

    minimum: float
    maximum: float

    def allows(self, days: float) -> bool:
        return self.minimum <= days <= self.maximum


@dataclass(frozen=True, slots=True)
class ContractRules:
    """What one setup demands of a contract (config key `contract.<setup>`); `weights` are in the order of `SCORES`."""

    dte: DtePolicy
    max_spread_percent: Decimal
    min_open_interest: int
    min_volume: int
    min_delta: float
    max_delta: float
    target_delta: float
    theta_tolerance_percent: float
    hold_days: float
    full_open_interest: int
    full_volume: int
    high_gamma: float
    weights: tuple[float, ...]


CONTRACT_RULES: dict[SetupType, ContractRules] = {
    SetupType.SCALP_GUARDED: ContractRules(
        DtePolicy(3, 14), Decimal(8), 1000, 500, 0.45, 0.65, 0.55, 20, 60 / 1440, 1000, 500, 0.05,
        (0.30, 0.20, 0.15, 0.10, 0.15, 0.10),
    ),
    SetupType.SWING: ContractRules(
        DtePolicy(21, 90), Decimal(12), 300, 100, 0.25, 0.40, 0.325, 30, 5, 300, 100, 0.02,
        (0.20, 0.25, 0.25, 0.15, 0.10, 0.05),
    ),
    SetupType.POSITION: ContractRules(
        DtePolicy(90, 180), Decimal(15), 300, 100, 0.20, 0.35, 0.275, 40, 30, 300, 100, 0.02,
        (0.15, 0.30, 0.30, 0.15, 0.05, 0.05),
    ),
    SetupType.LEAPS: ContractRules(
        DtePolicy(180, 720), Decimal(10), 200, 50, 0.15, 0.30, 0.225, 50, 180, 300, 100, 0.02,
        (0.10, 0.25, 0.35, 0.20, 0.05, 0.05),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Terms:
    """What one decision asks of a contract. `strike` and `expiration` are the signal's own wishes."""

    side: Side
    rules: ContractRules
    at: datetime
    quote_max_age_seconds: int
    premium_budget: Decimal
    iv_percentile: float | None
    strike: Decimal | None
    expiration: date | None

    @property
    def has_wish(self) -> bool:
        return self.strike is not None or self.expiration is not None

    def wishes(self, contract: Candidate) -> bool:
        """Tell whether the signal itself named this contract; a strike alone is looked for within the policy."""
        if not self.has_wish or self.strike not in (None, contract.strike):
            return False
        if self.expiration is None:
            return self.rules.dte.allows(contract.dte)
        return self.expiration == contract.expiration


@dataclass(frozen=True, slots=True)
class Scored:
    """A contract that passed every filter, with its scores (0–100 each)."""

    contract: Candidate
    scores: Mapping[str, int]
    overall: int


@dataclass(frozen=True, slots=True)
class Selection:
    """The contract to buy and where it came from, or why there is none."""

    contract: Candidate | None
    source: ContractSource | None
    problem: str = ""
    scores: Mapping[str, int] = field(default_factory=dict)
    overall: int | None = None


def dte_policy(setup: SetupType) -> DtePolicy:
    """Return the days to expiry that `setup` may trade."""
    return CONTRACT_RULES[setup].dte


def chain_window(*, timeframe: str, expiration: date | None, at: datetime) -> DtePolicy:
    """Return the days to expiry to fetch for a decision: the setup's policy, widened to the signal's own expiration."""
    policy = dte_policy(setup_type_for(timeframe))
    if expiration is None:
        return policy
    own = max(dte(expiration, at), 0.0)
    return DtePolicy(min(policy.minimum, own), max(policy.maximum, own))


def terms_build(
    *, signal: SignalFacts, at: datetime, limits: Limits, config: DecisionConfig, iv_percentile: float | None
) -> Terms:
    """Return what this decision asks of a contract."""
    return Terms(
        side=signal.side,
        rules=CONTRACT_RULES[setup_type_for(signal.timeframe)],
        at=at,
        quote_max_age_seconds=config.quote_max_age_seconds,
        premium_budget=limits.max_daily_loss * PREMIUM_BUDGET_PERCENT / 100,
        iv_percentile=iv_percentile,
        strike=signal.strike,
        expiration=signal.expiration,
    )


def decay_percent(contract: Candidate, rules: ContractRules) -> float:
    """Return the premium that time takes over the setup's holding time (at least a day), in percent of mid."""
    return abs(contract.theta) * max(1.0, rules.hold_days) / float(contract.mid) * 100


def has_usable_quote(contract: Candidate, terms: Terms) -> bool:
    """Tell whether the quote is two-sided, uncrossed and fresh, and the contract still alive."""
    problem = quote_problem(contract.bid, contract.ask, contract.at, terms.at, terms.quote_max_age_seconds)
    return problem is None and contract.dte > 0


def first_failure(contract: Candidate, terms: Terms, *, any_dte: bool = False) -> ContractFilter | None:
    """Return the first filter that removes `contract`, or None."""
    rules = terms.rules
    if not any_dte and not rules.dte.allows(contract.dte):
        return ContractFilter.DTE
    if not has_usable_quote(contract, terms):
        return ContractFilter.QUOTE
    if (
        contract.spread_percent > rules.max_spread_percent
        or contract.open_interest < rules.min_open_interest
        or contract.volume < rules.min_volume
    ):
        return ContractFilter.LIQUIDITY
    if not rules.min_delta <= abs(contract.delta) <= rules.max_delta:
        return ContractFilter.GREEKS
    if decay_percent(contract, rules) > rules.theta_tolerance_percent:
        return ContractFilter.GREEKS
    return None


def _percent(value: float) -> float:
    return min(100.0, max(0.0, value))


def score(contract: Candidate, terms: Terms) -> Scored:
    """Score a contract whose quote is usable; every score is 0–100, higher is better."""
    rules = terms.rules
    liquidity = (
        _percent(100 - 4 * float(contract.spread_percent))
        + _percent(contract.open_interest / rules.full_open_interest * 100)
        + _percent(contract.volume / rules.full_volume * 100)
    ) / 3
    greeks = _percent(100 - 200 * abs(abs(contract.delta) - rules.target_delta))
    if contract.gamma > rules.high_gamma:
        greeks *= GAMMA_HIGH_FACTOR
    is_rich = terms.iv_percentile is not None and terms.iv_percentile > RICH_IV_PERCENTILE
    cost = terms.premium_budget / (contract.mid * MULTIPLIER) * 100
    values = (
        round(liquidity),
        round(greeks),
        round(_percent(100 - decay_percent(contract, rules) / rules.theta_tolerance_percent * 100)),
        RICH_VEGA_SCORE if is_rich and contract.vega > RICH_VEGA else 100,
        round(_percent(float(cost))),
        NEUTRAL_GEX_SCORE,
    )
    overall = round(sum(weight * value for weight, value in zip(rules.weights, values, strict=True)))
    return Scored(contract, dict(zip(SCORES, values, strict=True)), overall)


def rank(contracts: Iterable[Candidate], terms: Terms, *, any_dte: bool = False) -> list[Scored]:
    """Return the contracts that pass every filter, best first.

    Equal scores: the sooner expiry first, then the lower strike for calls, the higher one for puts.
    """
    passing = [score(each, terms) for each in contracts if first_failure(each, terms, any_dte=any_dte) is None]
    direction = 1 if terms.side == Side.LONG else -1
    return sorted(
        passing,
        key=lambda each: (-each.overall, each.contract.expiration, direction * each.contract.strike),
    )


def nearest_beyond(contracts: Iterable[Candidate], terms: Terms, spot: Decimal) -> Candidate | None:
    """Return the contract of the soonest expiry nearest to spot, at or beyond it: ceil for long, floor for short."""
    direction = 1 if terms.side == Side.LONG else -1
    return _nearest([each for each in contracts if direction * (each.strike - spot) >= 0], spot)


def _nearest(contracts: Sequence[Candidate], spot: Decimal) -> Candidate | None:
    return min(contracts, key=lambda each: (each.expiration, abs(each.strike - spot), each.strike), default=None)


def fallback(contracts: Iterable[Candidate], terms: Terms, spot: Decimal) -> Candidate | None:
    """Return the listed contract to take when no other fits, whatever its quote; None if none is at or beyond spot."""
    return nearest_beyond([each for each in contracts if terms.rules.dte.allows(each.dte)], terms, spot)


def wished(contracts: Iterable[Candidate], terms: Terms, spot: Decimal) -> tuple[list[Scored], Candidate | None]:
    """Return what is listed of the signal's own strike or expiration: those that pass the filters, best first, and the
    nearest to spot whether it passes or not (at or beyond spot when the signal left the strike open)."""
    named = [each for each in contracts if terms.wishes(each)]
    nearest = _nearest(named, spot) if terms.strike is not None else nearest_beyond(named, terms, spot)
    return rank(named, terms, any_dte=terms.expiration is not None), nearest


def contract_select(contracts: Sequence[Candidate], terms: Terms, spot: Decimal) -> Selection:
    """Choose: the signal's own contract if it is listed, else the best that fits, else the nearest beyond spot.

    A contract without a usable quote is never chosen: it would have no price.
    """
    ranked, nearest = wished(contracts, terms, spot)
    source = ContractSource.SIGNAL
    if not ranked and nearest is None:
        ranked, nearest = rank(contracts, terms), fallback(contracts, terms, spot)
        source = ContractSource.SCORED if ranked else ContractSource.FALLBACK
    if ranked:
        best = ranked[0]
        return Selection(best.contract, source, scores=best.scores, overall=best.overall)
    if nearest is None:
        return Selection(None, None, problem="no listed strike lies at or beyond the spot price")
    if not has_usable_quote(nearest, terms):
        name = "the contract the alert asks for" if source == ContractSource.SIGNAL else "the nearest contract"
        return Selection(None, None, problem=f"{name} ({nearest.expiration} {nearest.strike}) has no usable quote")
    scored = score(nearest, terms)
    return Selection(nearest, source, scores=scored.scores, overall=scored.overall)


def contract_for(inputs: DecisionInputs) -> Selection | None:
    """Choose among the frozen candidates; None when there was no chain to choose from."""
    if inputs.chain_summary is None:
        return None
    terms = terms_build(
        signal=inputs.signal,
        at=inputs.at,
        limits=inputs.limits,
        config=inputs.config,
        iv_percentile=inputs.iv_percentile,
    )
    return contract_select(inputs.candidates, terms, inputs.chain_summary.spot)
