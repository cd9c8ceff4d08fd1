"""What reads the experiment's tables and settings, and what gathers facts for a decision."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from bias.data import BiasState
from bias.rules import staleness
from bias.selectors import bias_state_get
from experiments.data import BiasFacts, DecisionConfig, Limits, SignalFacts
from experiments.enums import DecisionOutcome
from experiments.models import Recommendation, RiskLimit
from optionsengine.core.enums import Side
from optionsengine.market import calendar
from signals.models import Signal
from signals.selectors import latest_context

LIMIT_FIELDS = (
    "max_open_positions",
    "max_positions_per_symbol",
    "max_daily_loss",
    "max_daily_trades",
    "max_exposure",
    "max_exposure_percent",
    "max_open_risk_percent",
)
CONFIRMATION_FIELDS = ("confirmation_pending", "confirmationPending")
MULTIPLIER_STEP = Decimal("0.0001")


def limits_get() -> Limits:
    """Return the limits in force: the enabled row's, with the documented default for every field left empty."""
    row = RiskLimit.objects.filter(is_enabled=True).values(*LIMIT_FIELDS).first()
    return Limits(**{name: value for name, value in (row or {}).items() if value is not None})


def decision_config_get() -> DecisionConfig:
    """Return every setting that decides, as it is now."""
    return DecisionConfig(
        require_bias=settings.REQUIRE_MTF_BIAS_FOR_ENTRY,
        signal_max_age_seconds=settings.SIGNAL_MAX_AGE_SECONDS,
        risk_per_trade_percent=settings.RISK_PER_TRADE_PERCENT,
        risk_per_trade_max_percent=settings.RISK_PER_TRADE_MAX_PERCENT,
        max_contracts_per_trade=settings.MAX_CONTRACTS_PER_TRADE,
        quote_max_age_seconds=settings.QUOTE_MAX_AGE_SECONDS,
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


def bias_facts(state: BiasState, *, side: Side, at: datetime) -> BiasFacts:
    """Return `state` as a trade of `side` sees it at `at`."""
    effect = state.effective.for_side(side)
    age = staleness(state, at, in_session=calendar.is_open(at))
    return BiasFacts(
        bias=state.bias,
        bias_score=state.bias_score,
        confidence=state.confidence,
        alignment_score=state.alignment,
        regime_type=state.regime_type,
        macro_class=state.macro_class or "",
        intent_type=state.intent_type or "",
        trend_phase=state.trend_phase,
        atr_state=state.atr_state_15m or "",
        entry_mode_hint=state.entry_mode_hint,
        chop_score=state.chop,
        suppressed=effect.suppressed,
        risk_multiplier=Decimal(str(effect.risk_multiplier)).quantize(MULTIPLIER_STEP),
        is_stale=age.is_stale,
        age_minutes=age.age_minutes,
        notes=effect.notes,
        event_at=state.event_at,
    )


def bias_facts_get(*, symbol: str, side: Side, at: datetime) -> BiasFacts | None:
    """Return the current bias of `symbol` for `side`, or None if there is none."""
    state = bias_state_get(symbol)
    return None if state is None else bias_facts(state, side=side, at=at)


def context_facts_get(*, symbol: str, at: datetime) -> dict[str, Any]:
    """Return what the newest context alert of the last five minutes said; empty if there is none."""
    context = latest_context(symbol, at)
    if context is None:
        return {}
    return {"observed_at": context.observed_at.isoformat(), "price": context.price, "data": context.data}


def recommendations_unordered() -> QuerySet[Recommendation]:
    """Return the approved recommendations that have no order yet, real and shadow, oldest first."""
    return (
        Recommendation.objects.filter(outcome=DecisionOutcome.APPROVED, order__isnull=True)
        .select_related("decision", "signal")
        .order_by("created_at", "pk")
    )
