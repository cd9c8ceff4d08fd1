"""What a decision asks of a contract: the setup's demands, the hint of the bias, the signal's own wishes. Pure.

The tables are the reference selector's (decision-rules §6.1). Its hints (§6.3) were windows of delta and days to expiry
that hardly met those of any setup but the scalp's, so that they almost never held. Here a hint is carried over to each
setup: the same part of the setup's own window that the reference's window is of the scalp's, cut off at its ends. So it
narrows within the policy and never leaves it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from bias.enums import Bias, Regime
from experiments.config import DecisionConfig, Limits
from experiments.data import Candidate, SignalFacts
from experiments.enums import HintStrength, SetupType
from experiments.facts import BiasFacts
from experiments.setup_type import setup_type_for
from optionsengine.core.enums import Side
from optionsengine.market.analysis_enums import GexState
from optionsengine.market.calendar import dte

PREMIUM_BUDGET_PERCENT = Decimal(15)  # contract.premium_budget_percent, of the daily loss limit
STRONG_CONFIDENCE = 0.7  # contract.hint_strong_confidence, in a trend
FAIR_CONFIDENCE = 0.55  # contract.hint_fair_confidence
_DIGITS = 4


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
class Hint:
    """The part of a setup's window that the bias prefers, ends included; deltas are absolute."""

    strength: HintStrength
    min_delta: float
    max_delta: float
    dte: DtePolicy
    why: str

    def allows(self, contract: Candidate) -> bool:
        delta = contract.delta
        return delta is not None and self.min_delta <= abs(delta) <= self.max_delta and self.dte.allows(contract.dte)


# delta from, to, days from, to, as the reference writes them for every setup alike (contract.hint.<strength>)
HINT_WINDOWS: Mapping[HintStrength, tuple[float, float, float, float]] = {
    HintStrength.STRONG: (0.60, 0.70, 7, 21),
    HintStrength.FAIR: (0.45, 0.55, 7, 21),
    HintStrength.CAUTIOUS: (0.40, 0.50, 3, 14),
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What one decision asks of a contract. `strike` and `expiration` are the signal's own wishes."""

    side: Side
    setup: SetupType
    rules: ContractRules
    at: datetime
    quote_max_age_seconds: int
    premium_budget: Decimal
    iv_percentile: float | None
    gex_state: GexState | None
    hint: Hint | None
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


def _carried(value: float, source: tuple[float, float], target: tuple[float, float]) -> float:
    """Return the value that lies in `target` where `value` lies in `source`; the nearer end where it lies outside."""
    part = min(1.0, max(0.0, (value - source[0]) / (source[1] - source[0])))
    return round(target[0] + part * (target[1] - target[0]), _DIGITS)


def hint_window(strength: HintStrength, setup: SetupType) -> tuple[float, float, DtePolicy]:
    """Return the least and the greatest absolute delta and the days to expiry that a hint prefers within `setup`."""
    scalp, own = CONTRACT_RULES[SetupType.SCALP_GUARDED], CONTRACT_RULES[setup]
    low, high, soonest, latest = HINT_WINDOWS[strength]
    deltas = (scalp.min_delta, scalp.max_delta), (own.min_delta, own.max_delta)
    days = (scalp.dte.minimum, scalp.dte.maximum), (own.dte.minimum, own.dte.maximum)
    return _carried(low, *deltas), _carried(high, *deltas), DtePolicy(_carried(soonest, *days), _carried(latest, *days))


def hint_for(bias: BiasFacts | None, *, side: Side, setup: SetupType) -> Hint | None:
    """Return what a fresh bias state prefers: the surer it is of the signal's side, the deeper the contract.

    None without a fresh state. A state that does not favour the side is as cautious as an unsure one.
    """
    if bias is None or bias.is_stale:
        return None
    favours = bias.bias == (Bias.BULLISH if side == Side.LONG else Bias.BEARISH)
    if favours and bias.confidence >= STRONG_CONFIDENCE and bias.regime_type == Regime.TREND:
        strength = HintStrength.STRONG
    elif favours and bias.confidence >= FAIR_CONFIDENCE:
        strength = HintStrength.FAIR
    else:
        strength = HintStrength.CAUTIOUS
    why = f"{bias.bias.value} at confidence {bias.confidence:g}, regime {bias.regime_type.value}"
    return Hint(strength, *hint_window(strength, setup), why)


def terms_build(
    *,
    signal: SignalFacts,
    at: datetime,
    limits: Limits,
    config: DecisionConfig,
    iv_percentile: float | None,
    bias: BiasFacts | None = None,
    gex_state: GexState | None = None,
) -> Terms:
    """Return what this decision asks of a contract."""
    setup = setup_type_for(signal.timeframe)
    return Terms(
        side=signal.side,
        setup=setup,
        rules=CONTRACT_RULES[setup],
        at=at,
        quote_max_age_seconds=config.quote_max_age_seconds,
        premium_budget=limits.max_daily_loss * PREMIUM_BUDGET_PERCENT / 100,
        iv_percentile=iv_percentile,
        gex_state=gex_state,
        hint=hint_for(bias, side=signal.side, setup=setup),
        strike=signal.strike,
        expiration=signal.expiration,
    )
