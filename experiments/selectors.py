"""What reads the experiment's tables and settings, and what gathers facts for a decision."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from bias.config import StalenessConfig
from bias.data import BiasState
from bias.rules import gating_view, staleness
from bias.selectors import bias_config_get
from experiments.config import DecisionConfig, Limits
from experiments.data import SignalFacts
from experiments.enums import DecisionOutcome
from experiments.facts import BiasFacts, ContextFacts
from experiments.models import DrawdownFreeze, Recommendation, RiskLimit
from optionsengine.core.enums import Side
from optionsengine.market import calendar
from optionsengine.ops.enums import Flag
from optionsengine.ops.selectors import flags_disabled
from signals.data import ContextReceived
from signals.models import Signal
from signals.selectors import latest_contexts

LIMIT_FIELDS = (
    "max_open_positions",
    "max_positions_per_symbol",
    "max_daily_loss",
    "max_daily_trades",
    "max_exposure",
    "max_exposure_percent",
    "max_open_risk_percent",
    "max_drawdown_percent",
    "max_dollar_delta",
    "max_dollar_gamma",
    "max_dollar_vega",
)
CONFIRMATION_FIELDS = ("confirmation_pending", "confirmationPending")
MAX_VIX = 1000
MAX_WORD = 20


def limits_get() -> Limits:
    """Return the limits in force: the enabled row's, with the documented default for every field left empty."""
    row = RiskLimit.objects.filter(is_enabled=True).values(*LIMIT_FIELDS).first()
    return Limits(**{name: value for name, value in (row or {}).items() if value is not None})


def decision_config_get() -> DecisionConfig:
    """Return every setting that decides, as it is now."""
    return DecisionConfig(
        bias=bias_config_get(),
        require_bias=settings.REQUIRE_MTF_BIAS_FOR_ENTRY,
        signal_max_age_seconds=settings.SIGNAL_MAX_AGE_SECONDS,
        risk_per_trade_percent=settings.RISK_PER_TRADE_PERCENT,
        risk_per_trade_max_percent=settings.RISK_PER_TRADE_MAX_PERCENT,
        max_contracts_per_trade=settings.MAX_CONTRACTS_PER_TRADE,
        quote_max_age_seconds=settings.QUOTE_MAX_AGE_SECONDS,
        is_orchestrated=settings.ENABLE_ORCHESTRATOR,
        disabled_agents=tuple(sorted(agent for name in flags_disabled() if (agent := Flag(name).agent))),
        has_portfolio_guard=settings.ENABLE_PORTFOLIO_GUARD,
        has_setup_validator=settings.ENABLE_SETUP_VALIDATOR,
        has_confluence_gate=settings.ENABLE_CONFLUENCE_GATE,
        confluence_threshold=float(settings.CONFLUENCE_MIN_THRESHOLD),
        max_vix=float(settings.MAX_VIX_FOR_ENTRY),
    )


def drawdown_freeze_get(at: datetime) -> datetime | None:
    """Return when the pause of new entries ends that a drawdown made, or None if none is in force.

    It is read anew each time: an answer that was kept for a while could say "not frozen" of a book that is.
    """
    return (
        DrawdownFreeze.objects.filter(until_at__gt=at).order_by("-until_at").values_list("until_at", flat=True).first()
    )


def signal_facts(signal: Signal) -> SignalFacts:
    """Return what a decision needs of an entry signal."""
    return SignalFacts(
        id=signal.id,
        symbol=signal.symbol,
        side=Side(signal.side),
        timeframe=signal.timeframe,
        bar_end_at=signal.bar_end_at,
        confidence=signal.confidence,
        price=signal.price,
        strike=signal.strike,
        expiration=signal.expiration,
        quantity=signal.quantity,
        pattern=signal.pattern,
        is_test=signal.is_test,
        signal_hash=signal.signal_hash,
        is_confirmation_pending=any(signal.payload.get(name) is True for name in CONFIRMATION_FIELDS),
    )


def bias_facts(state: BiasState, *, at: datetime, config: StalenessConfig) -> BiasFacts:
    """Return `state` as a decision at `at` freezes it."""
    age = staleness(state, at, in_session=calendar.is_open(at), config=config)
    view, liquidity = gating_view(state), state.liquidity
    return BiasFacts(
        bias=state.bias,
        bias_score=state.bias_score,
        confidence=state.confidence,
        alignment_score=state.alignment,
        conflict_score=state.conflict,
        chop_score=state.chop,
        regime_type=state.regime_type,
        macro_class=state.macro_class,
        macro_confidence=state.macro_confidence,
        intent_type=view.intent_type,
        intent_confidence=state.intent_confidence,
        trend_phase=state.trend_phase,
        atr_state=state.atr_state_15m or "",
        entry_mode_hint=state.entry_mode_hint,
        regime_transition=state.regime_transition,
        room_to_resistance=view.room_to_resistance,
        room_to_support=view.room_to_support,
        sweep_high=None if liquidity is None else liquidity.sweep_high,
        sweep_low=None if liquidity is None else liquidity.sweep_low,
        reclaim=None if liquidity is None else liquidity.reclaim,
        is_triggered=None if state.trigger is None else state.trigger.triggered,
        strength_delta=state.acceleration.state_strength_delta,
        intent_delta=state.acceleration.intent_momentum_delta,
        macro_drift=state.acceleration.macro_drift_score,
        macro_flip=state.transitions.macro_flip,
        gamma_score=state.gamma_score,
        resolved_score=state.resolved_score,
        is_stale=age.is_stale,
        age_minutes=age.age_minutes,
        event_at=state.event_at,
        event_type=state.event_type,
        source=state.source,
    )


def contexts_facts_get(symbols: Sequence[str], at: datetime) -> dict[str, ContextFacts]:
    """Return for each symbol what its newest context of the last five minutes said, as far as a rule reads it."""
    return {symbol: _context_facts(context) for symbol, context in latest_contexts(symbols, at).items()}


def _context_facts(context: ContextReceived) -> ContextFacts:
    volatility, market = (_block(context.data, name) for name in ("volatility", "market"))
    vix = volatility.get("vix")
    is_number = isinstance(vix, int | float | Decimal) and not isinstance(vix, bool) and 0 <= vix < MAX_VIX
    return ContextFacts(
        observed_at=context.observed_at,
        vix=round(float(vix), 4) if vix is not None and is_number else None,
        vix_regime=_word(volatility.get("vix_regime")),
        vix_trend=_word(volatility.get("vix_trend")),
        market_bias=_word(market.get("market_bias")),
    )


def _block(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    block = data.get(name)
    return block if isinstance(block, Mapping) else {}


def _word(value: object) -> str:
    return value.strip().upper()[:MAX_WORD] if isinstance(value, str) else ""


def recommendations_unordered() -> QuerySet[Recommendation]:
    """Return the approved recommendations that have no order yet, real and shadow, oldest first.

    A round that was put to a person never trades, whatever the answer: approving decides again in the next round.
    """
    return (
        Recommendation.objects.filter(
            outcome=DecisionOutcome.APPROVED, order__isnull=True, decision__approval__isnull=True
        )
        .select_related("decision", "signal")
        .order_by("created_at", "pk")
    )
