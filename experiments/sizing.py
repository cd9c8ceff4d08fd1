"""How many contracts to buy. Pure.

The premium is taken at the ask, the dearest an entry can cost, so that neither a resting limit nor a market entry
risks more than the budget. The stop is the one the engine's position will have; without one the whole premium is at
risk. Rounding is always down.

The multiplier is the risk model's; every factor of it is stored once, by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from experiments.data import Candidate, DecisionInputs
from experiments.enums import SizeCap
from experiments.risk_model import risk_factors, risk_multiplier
from optionsengine.core.enums import Engine
from optionsengine.core.values import CENT, MULTIPLIER

OPEN_INTEREST_PERCENT = 10  # risk.open_interest_percent
UNKNOWN_INTEREST_CONTRACTS = 1  # risk.unknown_open_interest: a part of what is not known cannot be told


@dataclass(frozen=True, slots=True)
class Sizing:
    """The quantity, what it costs and risks in dollars, and every step that led to it.

    `stop_loss_percent` is the part of the premium lost at the stop; `multipliers` holds each factor once, before the
    clamp; `caps` how many contracts each limit allows; `binding` the limit that decided.
    """

    quantity: int
    risk_budget: Decimal
    premium: Decimal
    stop_loss_percent: Decimal
    risk_per_contract: Decimal
    multipliers: Mapping[str, Decimal]
    multiplier: Decimal
    caps: Mapping[SizeCap, int]
    binding: SizeCap

    @property
    def risk(self) -> Decimal:
        """The dollars lost if the stop is hit."""
        return self.risk_per_contract * self.quantity


def _whole(amount: Decimal, unit: Decimal) -> int:
    """How many times `unit` fits into `amount`; none into nothing or less."""
    return int(amount // unit) if amount > 0 else 0


def _part_of_interest(open_interest: int | None) -> int:
    return UNKNOWN_INTEREST_CONTRACTS if open_interest is None else open_interest * OPEN_INTEREST_PERCENT // 100


def size(inputs: DecisionInputs, contract: Candidate, engine: Engine) -> Sizing:
    """Size an entry of `engine` into `contract`, whose ask must be above zero.

    Budget = equity × risk percent × multiplier, at most the maximum percent. Contracts = floor(budget ÷ (premium × 100
    × stop percent)), capped by contracts per trade, dollars of exposure left, open risk left, a tenth of the open
    interest (a single contract while that is not known) and the signal's own quantity. A test signal is outside the
    limits, so exposure does not cap it.
    """
    config, exposure, limits = inputs.config, inputs.exposure, inputs.limits
    multipliers = risk_factors(inputs)
    multiplier = risk_multiplier(multipliers)
    equity = max(exposure.equity, Decimal(0))
    wanted = equity * config.risk_per_trade_percent / 100 * multiplier
    most = equity * config.risk_per_trade_max_percent / 100
    budget = min(wanted, most).quantize(CENT, rounding=ROUND_DOWN)

    cost = contract.ask * MULTIPLIER
    stop = inputs.stop_loss_percent[engine]
    risk = cost * stop / 100
    caps = {
        SizeCap.RISK_BUDGET: _whole(budget, risk),
        SizeCap.MAX_CONTRACTS: config.max_contracts_per_trade,
        SizeCap.OPEN_INTEREST: _part_of_interest(contract.open_interest),
    }
    if not inputs.signal.is_test:
        room = min(limits.max_exposure, equity * limits.max_exposure_percent / 100) - exposure.exposure
        caps[SizeCap.EXPOSURE] = _whole(room, cost)
        caps[SizeCap.OPEN_RISK] = _whole(equity * limits.max_open_risk_percent / 100 - exposure.open_risk, risk)
    if inputs.signal.quantity is not None:
        caps[SizeCap.SIGNAL_QUANTITY] = inputs.signal.quantity
    binding = min(caps, key=lambda cap: caps[cap])  # the first of equals: the budget before what caps it
    return Sizing(
        quantity=caps[binding],
        risk_budget=budget,
        premium=contract.ask,
        stop_loss_percent=stop,
        risk_per_contract=risk,
        multipliers=multipliers,
        multiplier=multiplier,
        caps=caps,
        binding=binding,
    )
