"""Vocabulary of the decision."""

from enum import StrEnum

from django.db.models import TextChoices


class GateOutcome(TextChoices):
    PASS = "pass"  # noqa: S105 - not a password
    DEFER = "defer"
    REFUSE = "refuse"
    NOT_EVALUATED = "not_evaluated", "not evaluated: its input does not exist"


class Gate(TextChoices):
    """Every check between a signal and an order, in the order that decides."""

    TRADING_STATE = "trading_state"
    SIGNAL_AGE = "signal_age"
    MARKET_SESSION = "market_session"
    MARKET_DATA = "market_data"
    RISK_LIMITS = "risk_limits"
    MARKET_CONTEXT = "market_context"
    BIAS = "bias"
    PORTFOLIO_GUARD = "portfolio_guard"
    PORTFOLIO_BREAKERS = "portfolio_breakers"
    SETUP = "setup"
    CONFLUENCE = "confluence"
    ENGINE = "engine"
    CONTRACT = "contract"
    SIZE = "size"


class DecisionOutcome(TextChoices):
    APPROVED = "approved"
    DEFERRED = "deferred"
    REFUSED = "refused"


class ApprovalStatus(TextChoices):
    AWAITING = "awaiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    LAPSED = "lapsed"
    SUPERSEDED = "superseded", "superseded by an exit"


class ApprovalPolicy(StrEnum):
    """Which real entries wait for a person's yes."""

    AUTO = "auto"
    MANUAL = "manual"
    LIVE_ONLY = "live_only"


class ExecutionMode(TextChoices):
    ENGINE_A_PRIMARY = "ENGINE_A_PRIMARY"
    ENGINE_B_PRIMARY = "ENGINE_B_PRIMARY"
    SHADOW_ONLY = "SHADOW_ONLY"


class SetupType(TextChoices):
    SCALP_GUARDED = "SCALP_GUARDED"
    SWING = "SWING"
    POSITION = "POSITION"
    LEAPS = "LEAPS"


class VoteBias(TextChoices):
    BULLISH = "bullish"
    BEARISH = "bearish"
    NEUTRAL = "neutral"


class EntryType(TextChoices):
    MARKET = "MARKET"
    LIMIT = "LIMIT"


class Urgency(TextChoices):
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class ContractFilter(StrEnum):
    """What removes a listed contract, in the order they are asked; `KEPT_OUT` fits but is beyond the frozen forty.

    `DATA` removes what its source does not tell enough about.
    """

    RIGHT = "right"
    DTE = "dte"
    DATA = "data"
    QUOTE = "quote"
    LIQUIDITY = "liquidity"
    GREEKS = "greeks"
    KEPT_OUT = "kept_out"


class ContractSource(StrEnum):
    """How the contract was found."""

    SIGNAL = "signal"
    SCORED = "scored"
    FALLBACK = "fallback"


class HintStrength(StrEnum):
    """How sure the bias is of the signal's side."""

    STRONG = "strong"
    FAIR = "fair"
    CAUTIOUS = "cautious"


class RuleOutcome(StrEnum):
    """What a rule of the entry tiers found; it abstains when its input does not exist."""

    HIT = "hit"
    PASS = "pass"  # noqa: S105 - not a password
    ABSTAIN = "abstain"


class SizeCap(StrEnum):
    """What may decide a quantity."""

    RISK_BUDGET = "risk_budget"
    MAX_CONTRACTS = "max_contracts"
    EXPOSURE = "exposure"
    OPEN_RISK = "open_risk"
    OPEN_INTEREST = "open_interest"
    SIGNAL_QUANTITY = "signal_quantity"


class StrategyType(StrEnum):
    """What dealers' gamma makes of a move: short gamma follows it, long gamma fades it."""

    FOLLOW = "follow"
    FADE = "fade"
    NEUTRAL = "neutral"


class Adjustment(StrEnum):
    """Tier 4 of the entry tiers: what makes an entry smaller and less urgent."""

    LATE_TREND_PHASE = "LATE_TREND_PHASE"
    LUNCH_HOUR = "LUNCH_HOUR"
    IV_NEAR_BAND = "IV_NEAR_BAND"
    GAMMA_AGAINST_STRATEGY = "GAMMA_AGAINST_STRATEGY"


class RiskFactor(StrEnum):
    """What may multiply the risk of a trade, besides the adjustments of tier 4; each at most once."""

    BIAS_CONFIDENCE = "bias_confidence"
    MACRO_BREAKDOWN_LONG = "macro_breakdown_long"
    MACRO_ALIGNED = "macro_aligned"
    MACRO_AGAINST = "macro_against"
    RANGE_BREAKOUT = "range_breakout"
    TREND_ALIGNMENT = "trend_alignment"
    STRENGTH_UP = "strength_up"
    STRENGTH_DOWN = "strength_down"
    MACRO_DRIFT = "macro_drift"
    LATE_PHASE = "late_phase"
    STALE_BIAS = "stale_bias"
    HIGH_VOLATILITY = "high_volatility"
    MACRO_DRIFT_GUARD = "MACRO_DRIFT_GUARD"
    VOLATILITY_EXPANSION_GUARD = "VOLATILITY_EXPANSION_GUARD"
    RANGE_REGIME_DIRECTIONAL_CAP = "RANGE_REGIME_DIRECTIONAL_CAP"
    CONFLUENCE = "confluence"


class DirectionalRegime(StrEnum):
    """The market's direction as the bias state tells it."""

    BULL = "BULL"
    NEUTRAL = "NEUTRAL"
    BEAR = "BEAR"


class LiquidityState(StrEnum):
    NORMAL = "NORMAL"
    LOW = "LOW"
    ILLIQUID = "ILLIQUID"


class MarketRegime(StrEnum):
    """How prices move, whatever the direction."""

    TREND = "trend"
    COMPRESSION = "compression"
    EXPANSION = "expansion"
    RANGE = "range"
    TRANSITIONAL = "transitional"


class Volatility(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class GateCode(StrEnum):
    """Why a gate did not pass."""

    TRADING_REDUCING = "TRADING_REDUCING"
    TRADING_HALTED = "TRADING_HALTED"
    SIGNAL_TOO_OLD = "SIGNAL_TOO_OLD"
    MARKET_CLOSED = "MARKET_CLOSED"
    MARKET_DATA_UNAVAILABLE = "MARKET_DATA_UNAVAILABLE"
    MARKET_DATA_STALE = "MARKET_DATA_STALE"
    DAILY_LOSS_LIMIT = "DAILY_LOSS_LIMIT"
    DAILY_TRADES_LIMIT = "DAILY_TRADES_LIMIT"
    MAX_OPEN_POSITIONS = "MAX_OPEN_POSITIONS"
    MAX_POSITIONS_PER_SYMBOL = "MAX_POSITIONS_PER_SYMBOL"
    MAX_EXPOSURE_DOLLARS = "MAX_EXPOSURE_DOLLARS"
    MAX_EXPOSURE_PERCENT = "MAX_EXPOSURE_PERCENT"
    MAX_OPEN_RISK = "MAX_OPEN_RISK"
    VIX_TOO_HIGH = "VIX_TOO_HIGH"
    MARKET_BIAS_AGAINST = "MARKET_BIAS_AGAINST"
    BIAS_MISSING = "BIAS_MISSING"
    BIAS_STALE = "BIAS_STALE"
    BIAS_SUPPRESSED = "BIAS_SUPPRESSED"
    MAX_SAME_DIRECTION = "MAX_SAME_DIRECTION"
    MACRO_BIAS_CLUSTER = "MACRO_BIAS_CLUSTER"
    RANGE_BREAKOUT_BLOCKED = "RANGE_BREAKOUT_BLOCKED"
    DRAWDOWN_BREAKER = "DRAWDOWN_BREAKER"
    GREEKS_LIMIT = "GREEKS_LIMIT"
    DTE_CONCENTRATION = "DTE_CONCENTRATION"
    NO_TRADE_HINT = "NO_TRADE_HINT"
    BREAKOUT_WITHOUT_SPACE = "BREAKOUT_WITHOUT_SPACE"
    NO_TRIGGER_CONFIRMATION = "NO_TRIGGER_CONFIRMATION"
    LIQUIDITY_TRAP_CONTINUATION = "LIQUIDITY_TRAP_CONTINUATION"
    RANGE_NOT_MEAN_REVERT = "RANGE_NOT_MEAN_REVERT"
    CONFLUENCE_BELOW_THRESHOLD = "CONFLUENCE_BELOW_THRESHOLD"
    LOW_SIGNAL_CONFIDENCE = "LOW_SIGNAL_CONFIDENCE"
    REGIME_CONFLICT = "REGIME_CONFLICT"
    VOLATILITY_MISMATCH = "VOLATILITY_MISMATCH"
    UNSAFE_LIQUIDITY = "UNSAFE_LIQUIDITY"
    CONFIRMATION_PENDING = "CONFIRMATION_PENDING"
    UNFAVORABLE_TIMING = "UNFAVORABLE_TIMING"
    GEX_RESISTANCE = "GEX_RESISTANCE"
    QUORUM_NOT_MET = "QUORUM_NOT_MET"
    NO_CORE_AGENT = "NO_CORE_AGENT"
    DIRECTIONAL_TIE = "DIRECTIONAL_TIE"
    LOW_CONFIDENCE = "LOW_CONFIDENCE"
    LOW_CONSENSUS = "LOW_CONSENSUS"
    AGENT_BLOCKED = "AGENT_BLOCKED"
    DIRECTION_MISMATCH = "DIRECTION_MISMATCH"
    NO_VALID_CONTRACT = "NO_VALID_CONTRACT"
    ZERO_SIZE = "ZERO_SIZE"
