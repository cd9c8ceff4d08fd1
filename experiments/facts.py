"""What a decision knows besides the signal and the prices: bias, context, gamma, flow, volatility and the book.

All of it is frozen with the decision. What nobody told is None, never a default.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from bias.data import GatingView
from bias.enums import Bias, MacroClass, Regime
from experiments.enums import StrategyType
from optionsengine.core.enums import Side
from optionsengine.market.analysis_enums import GexState

MAX_BOOK_SYMBOLS = 12  # the largest ones on the books that a decision looks at one by one


@dataclass(frozen=True, slots=True)
class BiasFacts:
    """The symbol's bias state, for both sides; what its source does not know is None or empty.

    `bias_score` and `gamma_score` (0 without gamma) are −100 to 100, `resolved_score` is their weighted sum;
    confidences are 0–1, `alignment_score`, `conflict_score` and `chop_score` 0–100. The deltas are changes since the
    state before. `source` is the sender's, or COMPUTED.
    """

    bias: Bias
    bias_score: float
    confidence: float
    alignment_score: float
    conflict_score: float
    chop_score: float
    regime_type: Regime
    macro_class: MacroClass | None
    macro_confidence: float | None
    intent_type: str
    intent_confidence: float | None
    trend_phase: str
    atr_state: str
    entry_mode_hint: str
    regime_transition: bool
    room_to_resistance: str
    room_to_support: str
    sweep_high: bool | None
    sweep_low: bool | None
    reclaim: bool | None
    is_triggered: bool | None
    strength_delta: float
    intent_delta: float
    macro_drift: float
    macro_flip: bool
    gamma_score: float
    resolved_score: float
    is_stale: bool
    age_minutes: float
    event_at: datetime
    event_type: str
    source: str

    @property
    def gating(self) -> GatingView:
        """What the effective gating reads of it."""
        return GatingView(
            confidence=self.confidence,
            macro_class=self.macro_class,
            intent_type=self.intent_type,
            room_to_resistance=self.room_to_resistance,
            room_to_support=self.room_to_support,
            reclaim=bool(self.reclaim),
            regime_transition=self.regime_transition,
            chop=self.chop_score,
        )


@dataclass(frozen=True, slots=True)
class ContextFacts:
    """The newest context alert of the last five minutes, as far as a rule reads it; texts are upper case."""

    observed_at: datetime
    vix: float | None
    vix_regime: str
    vix_trend: str
    market_bias: str


@dataclass(frozen=True, slots=True)
class GammaFacts:
    """Dealers' gamma: `net_gex` in dollars per 1 % move, levels in dollars of the underlying.

    `volatility_bias` is EXPANSION_LIKELY, COMPRESSION_LIKELY, NEUTRAL or empty; `source` is `chain` when worked out
    from the chain, `event` when a sender told it.
    """

    net_gex: float
    state: GexState
    zero_gamma: Decimal | None
    call_wall: Decimal | None
    put_wall: Decimal | None
    volatility_bias: str
    source: str
    at: datetime

    @property
    def strategy_type(self) -> StrategyType:
        """Dealers short of gamma drive a move on, dealers long of it lean against it."""
        if self.net_gex == 0:
            return StrategyType.NEUTRAL
        return StrategyType.FADE if self.net_gex > 0 else StrategyType.FOLLOW


@dataclass(frozen=True, slots=True)
class FlowFacts:
    """Option prints of the last while: premium in dollars, volume in contracts; a side is None when neither is larger.

    `strength` is 50–80, growing with the number of prints.
    """

    prints: int
    call_premium: Decimal
    put_premium: Decimal
    call_volume: Decimal
    put_volume: Decimal
    premium_side: Side | None
    volume_side: Side | None
    sentiment_side: Side | None
    strength: float
    newest_at: datetime


@dataclass(frozen=True, slots=True)
class VolatilityFacts:
    """Volatilities as fractions a year (0.2 is 20 %).

    `iv_percentile` and `iv_rank` (0–100) place `atm_iv` among the recorded days of the last year, None with too few.
    `realized` is that of the last 20 daily closes. `skew` is put less call volatility at 25 delta, `term` the farther
    expiry's at-the-money volatility less the nearer one's, both in volatility points (1 is 1 %).
    """

    atm_iv: float | None
    iv_percentile: float | None
    iv_rank: float | None
    realized: float | None
    skew: float | None
    term: float | None

    @property
    def realized_ratio(self) -> float | None:
        """Realised over implied volatility."""
        if self.realized is None or self.atm_iv is None or self.atm_iv <= 0:
            return None
        return self.realized / self.atm_iv


@dataclass(frozen=True, slots=True)
class OpeningRange:
    """The range of the session's first minutes in dollars, from its own five-minute bars, complete."""

    high: float
    low: float
    minutes: int


@dataclass(frozen=True, slots=True)
class CorrelationFacts:
    """How the symbol's daily returns go with those of the symbols on the books (−1 to 1) and of the market (`beta`)."""

    pairs: Mapping[str, float]
    beta: float | None


@dataclass(frozen=True, slots=True)
class SymbolRisk:
    """What is open on one symbol and side; `dollar_delta` is signed, in dollars of the underlying."""

    symbol: str
    side: Side
    positions: int
    dollar_delta: Decimal


@dataclass(frozen=True, slots=True)
class Exposure:
    """Real risk on the books (paper and live, tests left out), approved and working entries included.

    `exposure` is the dollars of open cost plus approved and working entries; `open_risk` is the premium lost if every
    stop were hit. `daily_pnl` is negative for a loss. `by_side` and `symbol_by_side` count positions and entries, all
    and those of the signal's symbol; `expirations` those of each expiry; `symbols` is sorted by size, largest first.

    The Greeks are dollars, contracts times 100 included: `dollar_delta` of the underlying, `dollar_gamma` the change of
    it per 1 % move, `dollar_vega` per volatility point, `dollar_theta` a day. `without_greeks` counts positions that
    nobody told them for: their delta counts in full, the other Greeks as nothing. `frozen_until` is the end of a pause
    that a drawdown made, `day_start_equity` what the date in New York began with, None where nobody wrote it down.
    """

    equity: Decimal
    open_positions: int
    symbol_positions: int
    daily_pnl: Decimal
    daily_trades: int
    exposure: Decimal
    open_risk: Decimal
    by_side: Mapping[Side, int] = field(default_factory=dict)
    symbol_by_side: Mapping[Side, int] = field(default_factory=dict)
    expirations: Mapping[date, int] = field(default_factory=dict)
    symbols: tuple[SymbolRisk, ...] = ()
    dollar_delta: Decimal = Decimal(0)
    dollar_gamma: Decimal = Decimal(0)
    dollar_vega: Decimal = Decimal(0)
    dollar_theta: Decimal = Decimal(0)
    without_greeks: int = 0
    frozen_until: datetime | None = None
    day_start_equity: Decimal | None = None

    @property
    def drawdown_percent(self) -> Decimal:
        """What today lost, in percent of the equity that the day began with; 0 on a day that won.

        What older positions lost while they stay open counts. Where nobody knows what the day began with, today's
        results are all that is known of it.
        """
        began = self.equity - self.daily_pnl if self.day_start_equity is None else self.day_start_equity
        return max(Decimal(0), (began - self.equity) / began * 100) if began > 0 else Decimal(100)
