"""Which settings a stored decision can be decided again with, how each is read, and why the others cannot. Pure.

A setting can be tried out if everything it changes is worked out from the frozen inputs. What acts before them, on
which contracts were frozen or on a fact as it was frozen, or after the decision, has a reason in `NOT_REPLAYABLE`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import Any

from bias.config_reading import KINDS
from experiments.config import Limits

YES, NO = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off"})
AGENT_PREFIX = "enable_"
LIMIT_PREFIX = "risk_limits."
BIAS_PREFIX = "bias."


@dataclass(frozen=True, slots=True)
class Flag:
    must: str = "true or false"

    def read(self, raw: str) -> bool:
        """Return the flag.

        :raises ValueError: saying what it must be.
        """
        word = raw.lower()
        if word not in YES | NO:
            raise ValueError(f"must be {self.must}; it is {raw!r}")
        return word in YES


@dataclass(frozen=True, slots=True)
class Whole:
    minimum: int
    maximum: int

    @property
    def must(self) -> str:
        return f"whole, {self.minimum} to {self.maximum}"

    def read(self, raw: str) -> int:
        """Return the number.

        :raises ValueError: saying what it must be.
        """
        try:
            value = int(raw)
        except ValueError:
            value = self.minimum - 1
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"must be a whole number from {self.minimum} to {self.maximum}; it is {raw!r}")
        return value


@dataclass(frozen=True, slots=True)
class Number:
    """A decimal of at most `places` digits after the point; `kind` is what the decision holds it as."""

    minimum: str
    maximum: str
    kind: type[Decimal] | type[float] = Decimal
    places: int | None = None

    @property
    def must(self) -> str:
        return f"{self.minimum} to {self.maximum}"

    def read(self, raw: str) -> Any:
        """Return the number.

        :raises ValueError: saying what it must be.
        """
        try:
            value = Decimal(raw)
        except InvalidOperation:
            value = Decimal("NaN")
        if not (value.is_finite() and Decimal(self.minimum) <= value <= Decimal(self.maximum)):
            raise ValueError(f"must be a number from {self.minimum} to {self.maximum}; it is {raw!r}")
        if self.places is not None and value != round(value, self.places):
            raise ValueError(f"may have {self.places} digits after the point; it is {raw!r}")
        return self.kind(value)


Reader = Flag | Whole | Number


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of the environment: the field of `DecisionConfig` it lands in, and how it is read."""

    field: str
    reader: Reader


SETTINGS: Mapping[str, Setting] = {
    "REQUIRE_MTF_BIAS_FOR_ENTRY": Setting("require_bias", Flag()),
    "SIGNAL_MAX_AGE_SECONDS": Setting("signal_max_age_seconds", Whole(60, 86400)),
    "RISK_PER_TRADE_PERCENT": Setting("risk_per_trade_percent", Number("0.01", "2")),
    "RISK_PER_TRADE_MAX_PERCENT": Setting("risk_per_trade_max_percent", Number("0.01", "10")),
    "MAX_CONTRACTS_PER_TRADE": Setting("max_contracts_per_trade", Whole(1, 1000)),
    "ENABLE_PORTFOLIO_GUARD": Setting("has_portfolio_guard", Flag()),
    "ENABLE_SETUP_VALIDATOR": Setting("has_setup_validator", Flag()),
    "ENABLE_CONFLUENCE_GATE": Setting("has_confluence_gate", Flag()),
    "CONFLUENCE_MIN_THRESHOLD": Setting("confluence_threshold", Number("0", "85", float)),
    "MAX_VIX_FOR_ENTRY": Setting("max_vix", Number("1", "1000", float)),
    "ENABLE_ORCHESTRATOR": Setting("is_orchestrated", Flag()),
}
AGENTS_FIELD = "disabled_agents"

_MOST = 2**31 - 1
_COUNT = Whole(0, _MOST)
_DOLLARS = Number("0", "999999999999.99", places=2)
_PERCENT = Number("0", "100.99", places=2)
LIMITS: Mapping[str, Reader] = {
    "max_open_positions": _COUNT,
    "max_positions_per_symbol": _COUNT,
    "max_daily_trades": _COUNT,
    "max_exposure": _DOLLARS,
    "max_exposure_percent": _PERCENT,
    "max_open_risk_percent": _PERCENT,
    "max_dollar_delta": _DOLLARS,
    "max_dollar_gamma": _DOLLARS,
    "max_dollar_vega": _DOLLARS,
}


@dataclass(frozen=True, slots=True)
class Unreplayable:
    """Why a key cannot be tried out on frozen inputs; `field` is where it lands in them, if anywhere."""

    reason: str
    field: str = ""


_PRICES = "it decides which prices and contracts are read before a decision is frozen"
_STALE = "how old the bias was, and whether that was stale, is frozen with the decision"
_FILLS = "it acts on orders and fills, after the decision"
NOT_REPLAYABLE: Mapping[str, Unreplayable] = {
    "QUOTE_MAX_AGE_SECONDS": Unreplayable(
        "it decides which contracts of the chain are frozen with the decision", "quote_max_age_seconds"
    ),
    "defer_seconds": Unreplayable("it is a constant of the rules and no setting", "defer_seconds"),
    "risk_limits.max_daily_loss": Unreplayable(
        "a part of it is the premium budget by which the contracts to freeze are chosen", "max_daily_loss"
    ),
    "risk_limits.max_drawdown_percent": Unreplayable(
        "a pause that an earlier loss made by it is frozen with the decision", "max_drawdown_percent"
    ),
    "bias.staleness.bars": Unreplayable(_STALE, "bars"),
    "bias.staleness.session_minutes": Unreplayable(_STALE, "session_minutes"),
    "bias.staleness.outside_minutes": Unreplayable(_STALE, "outside_minutes"),
    "BIAS_SOURCE": Unreplayable("the bias that was chosen by it is frozen with the decision"),
    "APP_MODE": Unreplayable("who trades is frozen with the decision"),
    "AB_SPLIT_PERCENTAGE": Unreplayable("a signal's engine is assigned once, when it arrives"),
    "PAPER_STARTING_EQUITY": Unreplayable("the equity of that moment is frozen with the decision"),
    "ALLOW_DELAYED_FEED": Unreplayable("it decides whether an alert becomes a signal at all"),
    "APPROVAL": Unreplayable("it decides what becomes of a decision, after it"),
    "APPROVAL_TIMEOUT_SECONDS": Unreplayable("it decides what becomes of a decision, after it"),
    "EXIT_WAIT_SECONDS": Unreplayable("it acts on exit signals, which no gate judges"),
    "enable_shadow_execution": Unreplayable(_FILLS),
    "PAPER_FILL_CROSS": Unreplayable(_FILLS),
    "COMMISSION_PER_CONTRACT": Unreplayable(_FILLS),
    "MARKET_DATA_PROVIDERS": Unreplayable(_PRICES),
    "ALPACA_STOCK_FEED": Unreplayable(_PRICES),
    "ALPACA_OPTION_FEED": Unreplayable(_PRICES),
    "PRICE_JUMP_LIMIT": Unreplayable(_PRICES),
    "RISK_FREE_RATE": Unreplayable("the Greeks worked out by it are frozen with the decision"),
    "SIMULATED_MARKET_SEED": Unreplayable(_PRICES),
    "SIMULATED_MARKET_ALWAYS_OPEN": Unreplayable(_PRICES),
}


def keys_known(agents: Iterable[str]) -> dict[str, str]:
    """Return every key that means something, replayable or not, by its name in lower case."""
    names = [
        *SETTINGS,
        *(AGENT_PREFIX + agent for agent in agents),
        *(LIMIT_PREFIX + column.name for column in fields(Limits)),
        *(f"{BIAS_PREFIX}{section.value}.{key.name}" for section, kind in KINDS.items() for key in fields(kind)),
        *NOT_REPLAYABLE,
    ]
    return {name.lower(): name for name in names}
