"""Limits, configuration and facts as the decision reads them."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bias.enums import Bias, Regime
from bias.models import BiasStateCurrent
from bias.rules import state_derive
from experiments.config import Limits
from experiments.models import RiskLimit
from experiments.selectors import (
    bias_facts,
    bias_facts_get,
    context_facts_get,
    decision_config_get,
    limits_get,
    recommendations_unordered,
    signal_facts,
)
from optionsengine.core.enums import Side
from tests.bias.payloads import bias_draft
from tests.factories import AT, context_received, decision_round, later, order, recommendation, signal

pytestmark = pytest.mark.django_db


def test_d12_an_absent_limit_row_means_the_documented_defaults():
    assert limits_get() == Limits(5, 2, Decimal(1000), None, Decimal(20000), Decimal(20), Decimal(6))


def test_d12_an_empty_field_means_its_default_and_zero_means_zero():
    RiskLimit.objects.create(name="mine", max_open_positions=0, max_daily_loss=Decimal("250.00"), max_daily_trades=9)

    assert limits_get() == Limits(max_open_positions=0, max_daily_loss=Decimal("250.00"), max_daily_trades=9)


def test_a_disabled_limit_row_is_ignored():
    RiskLimit.objects.create(name="old", is_enabled=False, max_open_positions=1)

    assert limits_get() == Limits()


def test_the_configuration_is_that_of_the_settings(settings):
    settings.REQUIRE_MTF_BIAS_FOR_ENTRY = True
    settings.MAX_CONTRACTS_PER_TRADE = 3

    config = decision_config_get()

    assert (config.require_bias, config.max_contracts_per_trade) == (True, 3)
    assert (config.signal_max_age_seconds, config.quote_max_age_seconds) == (1800, 120)
    assert (config.risk_per_trade_percent, config.risk_per_trade_max_percent) == (Decimal(1), Decimal(2))
    assert config.defer_seconds == 60


def test_a_signals_facts():
    entry = signal(side="short", strike=Decimal("480.5"), quantity=2, confidence=None)

    facts = signal_facts(entry)

    assert (facts.id, facts.side, facts.timeframe, facts.strike) == (entry.id, Side.SHORT, "5m", Decimal("480.5"))
    assert (facts.confidence, facts.quantity, facts.is_confirmation_pending) == (None, 2, False)
    assert facts.bar_end_at == entry.bar_end_at


@pytest.mark.parametrize(
    ("payload", "pending"),
    [
        ({"confirmationPending": True}, True),
        ({"confirmation_pending": True}, True),
        ({"confirmation_pending": False}, False),
        ({"confirmation_pending": "true"}, False),
    ],
)
def test_only_a_true_flag_means_that_the_confirmation_is_pending(payload, pending):
    assert signal_facts(signal(payload=payload)).is_confirmation_pending is pending


@pytest.mark.parametrize("side", Side)
def test_bias_facts_are_those_of_the_side(side):
    state = state_derive(bias_draft(), None)

    facts = bias_facts(state, side=side, at=state.event_at + timedelta(minutes=3))

    effect = state.effective.for_side(side)
    assert (facts.bias, facts.regime_type) == (Bias(state.bias), Regime(state.regime_type))
    assert (facts.suppressed, facts.notes) == (effect.suppressed, effect.notes)
    assert facts.risk_multiplier == Decimal(str(effect.risk_multiplier))
    assert (facts.is_stale, facts.age_minutes) == (False, 3.0)


def test_a_state_of_yesterday_is_stale():
    state = state_derive(bias_draft(), None)

    assert bias_facts(state, side=Side.LONG, at=state.event_at + timedelta(days=1)).is_stale


def test_the_stored_bias_of_the_symbol_is_read():
    state = state_derive(bias_draft(), None)
    BiasStateCurrent.objects.create(
        symbol=state.symbol,
        event_at=state.event_at,
        event_type=state.event_type,
        bias=state.bias,
        bias_score=state.bias_score,
        state=state.model_dump(mode="json"),
    )

    at = state.event_at + timedelta(minutes=1)
    assert bias_facts_get(symbol=state.symbol, side=Side.LONG, at=at) == bias_facts(state, side=Side.LONG, at=at)
    assert bias_facts_get(symbol="NONE", side=Side.LONG, at=at) is None


def test_a_context_older_than_five_minutes_is_ignored():
    context_received(symbol="SPY", observed_at=AT, created_at=AT, data={"vix": 15.5})

    assert context_facts_get(symbol="SPY", at=later(seconds=300))["data"] == {"vix": 15.5}
    assert context_facts_get(symbol="SPY", at=later(seconds=301)) == {}
    assert context_facts_get(symbol="QQQ", at=AT) == {}


def test_approved_recommendations_without_an_order_are_found_oldest_first():
    first, second = decision_round(created_at=AT), decision_round(created_at=later(minutes=1))
    newer = recommendation(decision=second, engine="A")
    older, shadow = recommendation(decision=first, engine="A"), recommendation(decision=first, engine="B")
    recommendation(decision=second, engine="B", outcome="refused")
    order(recommendation=shadow)

    assert list(recommendations_unordered()) == [older, newer]
