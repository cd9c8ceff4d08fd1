"""Every setting that decides, as frozen values: the limits of the risk-limits row and the configuration."""

from dataclasses import asdict, dataclass, field
from decimal import Decimal

from bias.config import BiasConfig
from optionsengine.core.canonical import canonical_hash


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits on new risk; each default is the documented one, for a row or a field that is absent.

    The Greeks are in the units of `Exposure`; each holds for its size, whatever its sign.
    """

    max_open_positions: int = 5
    max_positions_per_symbol: int = 2
    max_daily_loss: Decimal = Decimal(1000)
    max_daily_trades: int | None = None
    max_exposure: Decimal = Decimal(20000)
    max_exposure_percent: Decimal = Decimal(20)
    max_open_risk_percent: Decimal = Decimal(6)
    max_drawdown_percent: Decimal = Decimal(3)
    max_dollar_delta: Decimal = Decimal(500000)
    max_dollar_gamma: Decimal = Decimal(100000)
    max_dollar_vega: Decimal = Decimal(2000)


@dataclass(frozen=True, slots=True)
class DecisionConfig:
    """Every setting that decides.

    Without `is_orchestrated` the plain signal processor works: gates and engine A. `disabled_agents` names the agents
    of engine B whose flag is off, sorted. `confluence_threshold` is 0–100.
    """

    require_bias: bool
    signal_max_age_seconds: int
    risk_per_trade_percent: Decimal
    risk_per_trade_max_percent: Decimal
    max_contracts_per_trade: int
    quote_max_age_seconds: int
    defer_seconds: int = 60
    is_orchestrated: bool = True
    has_portfolio_guard: bool = True
    has_setup_validator: bool = True
    has_confluence_gate: bool = True
    confluence_threshold: float = 50.0
    max_vix: float = 50.0
    disabled_agents: tuple[str, ...] = ()
    bias: BiasConfig = field(default_factory=BiasConfig)

    @property
    def version(self) -> str:
        """A short hash of the values: equal configurations, equal versions."""
        return canonical_hash(asdict(self))[:12]
