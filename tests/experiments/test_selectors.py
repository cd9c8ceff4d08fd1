"""Limits, configuration and facts as the decision reads them."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bias.config import StalenessConfig
from bias.enums import Bias, Regime
from bias.rules import state_derive
from experiments.config import Limits
from experiments.facts import ContextFacts
from experiments.models import RiskLimit
from experiments.selectors import (
    bias_facts,
    contexts_facts_get,
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


def test_a_bias_state_is_frozen_for_both_sides():
    state = state_derive(bias_draft(), None)

    facts = bias_facts(state, at=state.event_at + timedelta(minutes=3), config=StalenessConfig())

    assert (facts.bias, facts.regime_type, facts.source) == (Bias(state.bias), Regime(state.regime_type), state.source)
    assert (facts.bias_score, facts.confidence, facts.chop_score) == (state.bias_score, state.confidence, state.chop)
    assert (facts.gamma_score, facts.resolved_score) == (0.0, state.bias_score)
    assert (facts.room_to_resistance, facts.room_to_support) == (
        state.space.room_to_resistance,
        state.space.room_to_support,
    )
    assert (facts.sweep_high, facts.sweep_low) == (state.liquidity.sweep_high, state.liquidity.sweep_low)
    assert facts.is_triggered == state.trigger.triggered
    assert (facts.is_stale, facts.age_minutes) == (False, 3.0)
    assert facts.gating.confidence == state.confidence


def test_what_an_older_body_does_not_know_is_none_or_empty():
    state = state_derive(bias_draft(), None).model_copy(
        update={"liquidity": None, "trigger": None, "space": None, "intent_type": None, "atr_state_15m": None}
    )

    facts = bias_facts(state, at=state.event_at, config=StalenessConfig())

    assert (facts.sweep_high, facts.sweep_low, facts.reclaim, facts.is_triggered) == (None,) * 4
    assert (facts.room_to_resistance, facts.room_to_support, facts.intent_type, facts.atr_state) == ("",) * 4


def test_a_state_of_yesterday_is_stale():
    state = state_derive(bias_draft(), None)

    assert bias_facts(state, at=state.event_at + timedelta(days=1), config=StalenessConfig()).is_stale


def test_a_context_older_than_five_minutes_is_ignored():
    data = {
        "volatility": {"vix": 15.5, "vix_regime": " normal ", "vix_trend": "rising"},
        "market": {"market_bias": "bullish"},
    }
    context_received(symbol="SPY", observed_at=AT, created_at=AT, data=data)

    expected = ContextFacts(AT, 15.5, "NORMAL", "RISING", "BULLISH")
    assert contexts_facts_get(["SPY"], later(seconds=300)) == {"SPY": expected}
    assert contexts_facts_get(["SPY"], later(seconds=301)) == {}


@pytest.mark.parametrize(
    ("vix", "known"),
    [(0, 0.0), (16, 16.0), (16.12346, 16.1235), (999.9, 999.9), (1000, None), (-1, None), ("16", None), (True, None)],
)
def test_a_vix_that_is_no_such_number_is_unknown(vix, known):
    context_received(symbol="SPY", observed_at=AT, created_at=AT, data={"volatility": {"vix": vix}, "market": "up"})

    assert contexts_facts_get(["SPY"], AT) == {"SPY": ContextFacts(AT, known, "", "", "")}


def test_approved_recommendations_without_an_order_are_found_oldest_first():
    first, second = decision_round(created_at=AT), decision_round(created_at=later(minutes=1))
    newer = recommendation(decision=second, engine="A")
    older, shadow = recommendation(decision=first, engine="A"), recommendation(decision=first, engine="B")
    recommendation(decision=second, engine="B", outcome="refused")
    order(recommendation=shadow)

    assert list(recommendations_unordered()) == [older, newer]
