"""The decision as frozen values: what goes in, what each gate and agent says, and what comes out.

Prices and amounts are dollars as Decimal; percents are 0–100; moments are aware UTC. Everything in `DecisionInputs`
survives JSON exactly (see `experiments.freeze`), and `decide()` reads nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from bias.config import StaleBehavior
from experiments.config import DecisionConfig, Limits
from experiments.enums import (
    ContractFilter,
    DecisionOutcome,
    EntryType,
    ExecutionMode,
    Gate,
    GateOutcome,
    Urgency,
    VoteBias,
)
from experiments.facts import (
    BiasFacts,
    ContextFacts,
    CorrelationFacts,
    Exposure,
    FlowFacts,
    GammaFacts,
    OpeningRange,
    VolatilityFacts,
)
from optionsengine.core.enums import Engine, Side
from optionsengine.market.analysis_enums import GexState
from optionsengine.market.data import OptionChain, Quote
from optionsengine.market.features import FrameFeatures
from optionsengine.market.mtf import MtfReading
from optionsengine.ops.enums import TradingStatus


@dataclass(frozen=True, slots=True)
class SignalFacts:
    """The entry signal to decide. `confidence` is 0–100 as sent, never rescaled; None when it carried none."""

    id: UUID
    symbol: str
    side: Side
    timeframe: str
    bar_end_at: datetime
    confidence: float | None
    price: Decimal | None
    strike: Decimal | None
    expiration: date | None
    quantity: int | None
    pattern: str
    is_test: bool
    signal_hash: str
    is_confirmation_pending: bool = False


@dataclass(frozen=True, slots=True)
class MarketSnapshot:
    """What the provider said for one decision, before it is frozen; `problem` says in words what it could not give.

    `reading` is the bars of several timeframes read together, for a bias computed from them. What is not known of the
    facts is None; `missing` names it, each with why.
    """

    quote: Quote | None
    frames: Mapping[str, FrameFeatures]
    chain: OptionChain | None
    problem: str
    reading: MtfReading | None = None
    gamma: GammaFacts | None = None
    flow: FlowFacts | None = None
    volatility: VolatilityFacts | None = None
    opening_range: OpeningRange | None = None
    correlation: CorrelationFacts | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """Where the decision lies in the session. The minutes are None while no regular session is in progress."""

    is_open: bool
    next_open_at: datetime
    minutes_from_open: int | None
    minutes_to_close: int | None

    @property
    def session_minutes(self) -> int | None:
        """The length of the session in progress: 390, or 210 on a half day."""
        if self.minutes_from_open is None or self.minutes_to_close is None:
            return None
        return self.minutes_from_open + self.minutes_to_close


@dataclass(frozen=True, slots=True)
class Candidate:
    """One listed contract of the signal's right, with the quote it was judged on.

    `dte` is days to the expiry with their fraction; the Greeks are in the units of `market.data.OptionQuote`, and what
    its source does not say is None.
    """

    expiration: date
    strike: Decimal
    bid: Decimal
    ask: Decimal
    bid_size: int | None
    ask_size: int | None
    iv: float | None
    delta: float | None
    gamma: float | None
    theta: float | None
    vega: float | None
    open_interest: int | None
    volume: int | None
    dte: float
    at: datetime

    @property
    def mid(self) -> Decimal:
        return (self.bid + self.ask) / 2

    @property
    def spread_percent(self) -> Decimal:
        """The spread in percent of mid; 100 when mid is zero."""
        return (self.ask - self.bid) / self.mid * 100 if self.mid > 0 else Decimal(100)


@dataclass(frozen=True, slots=True)
class ChainSummary:
    """The whole listed chain in a few numbers: of `listed` contracts, how many each filter `removed`, in its order.

    What fits and is not frozen is counted as kept out; `hinted` of those that fit are where the bias prefers them.
    `greeks_source` names who worked out the Greeks.
    """

    spot: Decimal
    atm_iv: float | None
    listed: int
    removed: Mapping[str, int]
    source: str
    greeks_source: str = ""
    hinted: int = 0

    @property
    def passed(self) -> int:
        """How many of the listed fit."""
        filters = (count for name, count in self.removed.items() if name != ContractFilter.KEPT_OUT)
        return self.listed - sum(filters)


@dataclass(frozen=True, slots=True)
class DecisionInputs:
    """Everything one decision is made of. `signal_age_seconds` counts from the end of the signal's bar.

    `stop_loss_percent` is what each engine's position would lose of its premium at the stop it will have, 100 without
    a stop. `missing` names the facts that could not be had, each with why.
    """

    signal: SignalFacts
    variant: Engine
    execution_mode: ExecutionMode
    at: datetime
    signal_age_seconds: int
    trading_status: TradingStatus
    session: SessionFacts
    quote: Quote | None
    market_problem: str
    frames: Mapping[str, FrameFeatures]
    candidates: tuple[Candidate, ...]
    chain_summary: ChainSummary | None
    bias: BiasFacts | None
    context: ContextFacts | None
    gamma: GammaFacts | None
    flow: FlowFacts | None
    volatility: VolatilityFacts | None
    opening_range: OpeningRange | None
    correlation: CorrelationFacts | None
    exposure: Exposure
    limits: Limits
    stop_loss_percent: Mapping[Engine, Decimal]
    config: DecisionConfig
    missing: tuple[str, ...] = ()

    @property
    def usable_bias(self) -> BiasFacts | None:
        """The bias state the engines may act on; none while it is stale, unless staleness only reduces the risk."""
        if self.bias is None:
            return None
        is_held = self.bias.is_stale and self.config.bias.staleness.behavior == StaleBehavior.BLOCK
        return None if is_held else self.bias

    @property
    def gex_state(self) -> GexState | None:
        return None if self.gamma is None else self.gamma.state

    @property
    def iv_percentile(self) -> float | None:
        return None if self.volatility is None else self.volatility.iv_percentile


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """What one gate says: the value it saw against its threshold, and for a person what to do next."""

    gate: Gate
    outcome: GateOutcome
    code: str = ""
    value: str = ""
    threshold: str = ""
    message: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AgentVote:
    """One agent's opinion. `confidence` (0–100) is confidence in its own `bias`; an abstaining agent has no weight.

    Both numbers are floats however an agent wrote them, as their columns are: a replay must not tell 40 from 40.0.
    """

    agent: str
    is_abstaining: bool
    bias: VoteBias
    confidence: float
    weight: float
    is_blocking: bool = False
    reasons: tuple[str, ...] = ()
    saw: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "confidence", float(self.confidence))
        object.__setattr__(self, "weight", float(self.weight))


@dataclass(frozen=True, slots=True)
class EngineDecision:
    """One engine's decision; `contract` and `quantity` make a trade only when it is approved."""

    engine: Engine
    is_shadow: bool
    outcome: DecisionOutcome
    code: str
    until: datetime | None
    message: str
    gates: tuple[GateVerdict, ...]
    confidence: float | None
    urgency: Urgency | None
    entry_type: EntryType | None
    max_wait_minutes: int | None
    contract: Candidate | None
    quantity: int
    limit_price: Decimal | None
    risk_budget: Decimal | None
    explanation: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Decision:
    """Each engine's decision on the same inputs, A's alone where nothing is orchestrated.

    Outcome, code, until and message are those of the engine that decides the signal.
    """

    shared_gates: tuple[GateVerdict, ...]
    engines: Mapping[Engine, EngineDecision]
    votes: tuple[AgentVote, ...]
    outcome: DecisionOutcome
    code: str
    until: datetime | None
    message: str
