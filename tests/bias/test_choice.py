"""Whose state counts, with which gamma, under which configuration."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from bias.config import BiasConfig, StaleBehavior, StalenessConfig
from bias.data import BiasState
from bias.enums import BiasOrigin, BiasSource, ConfigSection, GammaEnvironment
from bias.models import BiasStateCurrent
from bias.resolver import GAMMA_MAX_AGE, gamma_score, resolved_score
from bias.rules import fresh_until, staleness, state_derive, state_select
from bias.selectors import (
    bias_state_choose,
    bias_states_choose,
    fresh_until_at,
    gammas_get,
    staleness_at,
)
from bias.services import bias_computed_save, bias_config_set, bias_event_apply
from experiments.fact_selectors import gamma_told_get
from optionsengine.market.rules import CLOCK_SKEW_SECONDS
from tests import factories
from tests.bias.payloads import AT, TS, bias_draft, senders_state
from tests.signals.adapters.bodies import BIAS_V1, changed, read

CONFIG = BiasConfig()
EVENT_AT = datetime(2026, 2, 5, 15, tzinfo=UTC)  # a Thursday, 10:00 in New York
MINUTE = timedelta(minutes=1)


def senders(minutes=0.0, **changes):
    made = state_derive(bias_draft(**changes), None)
    return made.model_copy(update={"event_at": EVENT_AT + timedelta(minutes=minutes)})


def computed(minutes=0.0, symbol="QQQ"):
    made = senders(minutes, symbol=symbol)
    return made.model_copy(update={"origin": BiasOrigin.COMPUTED, "source": "COMPUTED", "bias_score": -20.0})


# --- which one --------------------------------------------------------------------------------------------------------

FRESH, STALE, STALER = 0.0, -11.0, -12.0


@pytest.mark.parametrize(
    ("webhook", "own", "source", "chosen"),
    [
        (FRESH, FRESH, "both", "webhook"),
        (-10.0, FRESH, "both", "webhook"),  # at the threshold it is fresh
        (STALE, FRESH, "both", "computed"),
        (STALE, STALER, "both", "webhook"),
        (STALER, STALE, "both", "computed"),
        (STALE, STALE, "both", "webhook"),
        (STALE, None, "both", "webhook"),
        (None, STALE, "both", "computed"),
        (None, None, "both", None),
        (STALE, FRESH, "webhook", "webhook"),
        (None, FRESH, "webhook", None),
        (FRESH, STALE, "computed", "computed"),
        (FRESH, None, "computed", None),
    ],
)
def test_the_senders_counts_while_it_is_fresh_then_the_computed_one(webhook, own, source, chosen):
    found = state_select(
        None if webhook is None else senders(webhook),
        None if own is None else computed(own),
        EVENT_AT,
        source=BiasSource(source),
        in_session=True,
    )
    assert (found and found.origin) == chosen


@pytest.mark.django_db
def test_the_stored_one_is_chosen_by_clock_calendar_and_configuration():
    apply()
    bias_computed_save(state=computed(5), at=AT)
    assert chosen(EVENT_AT + 10 * MINUTE).origin == "webhook"
    assert chosen(EVENT_AT + 10.1 * MINUTE).origin == "computed"
    bias_config_set(section=ConfigSection.STALENESS, values={"session_minutes": 20}, at=AT)
    assert chosen(EVENT_AT + 10.1 * MINUTE).origin == "webhook"
    assert bias_state_choose("QQQ", EVENT_AT, source=BiasSource.COMPUTED).bias_score == -20
    assert bias_state_choose("SPY", EVENT_AT, source=BiasSource.BOTH) is None


@pytest.mark.django_db
def test_a_computed_state_is_no_part_of_the_senders_order():
    bias_computed_save(state=computed(60), at=AT)
    apply()
    assert senders_state().bias_score == 60
    assert sorted(BiasStateCurrent.objects.values_list("origin", flat=True)) == ["computed", "webhook"]


@pytest.mark.django_db
def test_all_symbols_at_once():
    apply()
    apply(symbol="SPY")
    bias_computed_save(state=computed(0, symbol="SPY"), at=AT)
    bias_computed_save(state=computed(0, symbol="IWM"), at=AT)
    factories.gamma_snapshot(symbol="SPY", as_of_at=EVENT_AT)
    found = bias_states_choose(EVENT_AT, source=BiasSource.BOTH, config=CONFIG)
    assert [(state.symbol, state.origin.value, state.gamma_score) for state in found] == [
        ("IWM", "computed", 0),
        ("QQQ", "webhook", 0),
        ("SPY", "webhook", -70),
    ]
    only = bias_states_choose(EVENT_AT, source=BiasSource.WEBHOOK, config=CONFIG)
    assert [state.symbol for state in only] == ["QQQ", "SPY"]


# --- staleness --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("session", ["RTH", "ETH"])
def test_d37_the_senders_session_says_nothing_of_staleness(session):
    """After the close a state may be an hour old, whatever session its sender named."""
    made = senders(session=session).model_copy(update={"event_at": datetime(2026, 2, 5, 20, 59, tzinfo=UTC)})
    at = datetime(2026, 2, 5, 21, 30, tzinfo=UTC)
    assert not staleness_at(made, at, CONFIG.staleness).is_stale
    assert staleness_at(made, made.event_at + 61 * MINUTE, CONFIG.staleness).is_stale
    holiday = made.model_copy(update={"event_at": datetime(2026, 2, 16, 15, tzinfo=UTC)})  # Presidents' Day, 10:00
    assert not staleness_at(holiday, holiday.event_at + 59 * MINUTE, CONFIG.staleness).is_stale


@pytest.mark.django_db
def test_d37_a_legacy_event_is_gated_and_grows_stale_like_any_other():
    draft = read(changed(BIAS_V1, symbol="QQQ", event_ts_ms=TS, mtf__regime={"type": "RANGE", "chop_score": 80}))
    with transaction.atomic():
        bias_event_apply(draft=draft, event=factories.webhook_event(), at=AT)
    made = chosen()
    assert (made.effective.long.suppressed, made.effective.short.suppressed) == (True, True)
    assert not staleness_at(made, EVENT_AT + 10 * MINUTE, CONFIG.staleness).is_stale
    assert staleness_at(made, EVENT_AT + 11 * MINUTE, CONFIG.staleness).is_stale


def test_d22_suppression_is_of_the_side_that_goes_against_the_macro_state():
    falling = senders(macro__state__macro_class="MACRO_TREND_DOWN").effective
    assert (falling.long.suppressed, falling.short.suppressed) == (True, False)
    narrow = senders(intent__type="BREAKOUT", space__room_to_support="LOW").effective
    assert (narrow.long.confidence, narrow.short.confidence) == (0.7, 0.45)


def test_d37_stored_thresholds_are_used():
    config = StalenessConfig(behavior=StaleBehavior.REDUCE_RISK, bars=1, session_minutes=3, outside_minutes=30)
    for in_session, minutes in ((True, 5), (False, 30)):
        edge = EVENT_AT + minutes * MINUTE
        assert not staleness(senders(), edge, in_session=in_session, config=config).is_stale
        assert staleness(senders(), edge + MINUTE, in_session=in_session, config=config).is_stale


@pytest.mark.parametrize(
    ("event_at", "until"),
    [
        (datetime(2026, 2, 5, 15, tzinfo=UTC), datetime(2026, 2, 5, 15, 10, tzinfo=UTC)),
        (datetime(2026, 2, 5, 20, 55, tzinfo=UTC), datetime(2026, 2, 5, 21, 55, tzinfo=UTC)),  # over the close
        (datetime(2026, 2, 5, 22, tzinfo=UTC), datetime(2026, 2, 5, 23, tzinfo=UTC)),
        (datetime(2026, 2, 6, 14, tzinfo=UTC), datetime(2026, 2, 6, 14, 30, tzinfo=UTC)),  # the opening ends it
        (datetime(2026, 2, 6, 14, 25, tzinfo=UTC), datetime(2026, 2, 6, 14, 35, tzinfo=UTC)),
    ],
)
def test_it_tells_until_when_a_state_is_fresh(event_at, until):
    made = senders().model_copy(update={"event_at": event_at})
    assert fresh_until_at(made, event_at, CONFIG.staleness) == until
    assert not staleness_at(made, until - timedelta(seconds=1), CONFIG.staleness).is_stale
    assert staleness_at(made, until + timedelta(seconds=1), CONFIG.staleness).is_stale


def test_a_state_of_long_bars_stays_fresh_over_close_and_opening():
    made = senders().model_copy(update={"chart_tf": "1d"})
    until = fresh_until(made, in_session=True, turns_at=EVENT_AT + timedelta(hours=6))
    assert until == EVENT_AT + timedelta(hours=36)


# --- gamma ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "environment", "resolved"),
    [
        (60, None, 60),
        (33.333, None, 33.333),
        (60, GammaEnvironment.POSITIVE, 21.0),
        (-60, GammaEnvironment.POSITIVE, -21.0),
        (60, GammaEnvironment.NEGATIVE, 63.0),
        (-60, GammaEnvironment.NEGATIVE, -63.0),
        (60, GammaEnvironment.NEUTRAL, 42.0),
        (33.333, GammaEnvironment.POSITIVE, 2.33),
        (30, GammaEnvironment.POSITIVE, 0.0),
        (20, GammaEnvironment.POSITIVE, -7.0),
        (100, GammaEnvironment.NEGATIVE, 91.0),
        (-100, GammaEnvironment.NEGATIVE, -91.0),
        (0, GammaEnvironment.POSITIVE, 0.0),
        (0, GammaEnvironment.NEGATIVE, 0.0),
    ],
)
def test_the_resolver_weighs_bias_seven_to_three(score, environment, resolved):
    assert resolved_score(score, environment) == resolved


@given(st.floats(-100, 100), st.sampled_from([None, *GammaEnvironment]))
def test_d3_gamma_is_no_direction(score, environment):
    """It drives a bias on or holds it back alike on both sides, and no bias has none to give."""
    here, there = (gamma_score(sign * score, environment) for sign in (1, -1))
    assert here == -there
    assert resolved_score(score, environment) == -resolved_score(-score, environment)
    assert (environment in (GammaEnvironment.POSITIVE, GammaEnvironment.NEGATIVE) and score != 0) == (abs(here) == 70)
    assert (here * score > 0) == (environment == GammaEnvironment.NEGATIVE and here * score != 0)
    assert abs(resolved_score(score, environment)) <= 100


def apply(at=AT, **changes):
    event = factories.webhook_event(created_at=at, status="received", family="", symbol="", body=b"{}", size=2)
    with transaction.atomic():
        return bias_event_apply(draft=bias_draft(at, **changes), event=event, at=at)


def chosen(at=EVENT_AT):
    return bias_state_choose("QQQ", at, source=BiasSource.BOTH)


@pytest.mark.django_db
def test_the_newest_gamma_is_merged_into_what_is_read_and_never_stored():
    apply()
    assert (chosen().gamma, chosen().gamma_score, chosen().resolved_score) == (None, 0, 60)
    factories.gamma_snapshot(symbol="SPY", as_of_at=EVENT_AT)
    assert chosen().gamma is None
    factories.gamma_snapshot(
        symbol="QQQ",
        as_of_at=EVENT_AT - MINUTE,
        environment="NEGATIVE",
        magnitude="HIGH",
        flip_level=615.5,
        distance_to_flip=-5.5,
        call_wall=630.0,
        put_wall=600.0,
        volatility_bias="EXPANSION_LIKELY",
    )
    factories.gamma_snapshot(symbol="QQQ", as_of_at=EVENT_AT - 2 * MINUTE, environment="POSITIVE")
    read = chosen()
    assert read.gamma.model_dump() == {
        "environment": "NEGATIVE",
        "magnitude": "HIGH",
        "net_gex": 250_000_000.0,
        "total_gex": 900_000_000.0,
        "flip_level": 615.5,
        "distance_to_flip": -5.5,
        "call_wall": 630.0,
        "put_wall": 600.0,
        "volatility_bias": "EXPANSION_LIKELY",
        "as_of_at": EVENT_AT - MINUTE,
    }
    assert (read.bias_score, read.gamma_score, read.resolved_score) == (60, 70, 63)
    assert read.event_at == EVENT_AT
    assert BiasStateCurrent.objects.get().state["gamma"] is None


@pytest.mark.django_db
def test_gamma_counts_for_an_hour_and_only_what_was_known_then():
    factories.gamma_snapshot(symbol="QQQ", as_of_at=EVENT_AT)
    oldest, newest = EVENT_AT + timedelta(hours=1), EVENT_AT - timedelta(seconds=CLOCK_SKEW_SECONDS)
    moment = timedelta(microseconds=1)
    assert [set(gammas_get(("QQQ",), at)) for at in (oldest - moment, oldest, newest, newest - moment)] == [
        {"QQQ"},
        set(),
        {"QQQ"},
        set(),
    ]
    assert gamma_told_get(symbol="QQQ", at=oldest) is None  # what is frozen by itself is as old at most
    assert gamma_told_get(symbol="QQQ", at=oldest - moment) is not None
    assert timedelta(hours=1) == GAMMA_MAX_AGE


# --- under the configuration in force ---------------------------------------------------------------------------------


@pytest.mark.django_db
def test_what_is_read_goes_by_the_configuration_of_now_and_what_is_stored_by_that_of_then():
    apply(macro__state__macro_class="MACRO_TREND_DOWN")
    assert senders_state().effective.long.suppressed
    bias_config_set(section=ConfigSection.GATING, values={"macro_suppress_long": []}, at=AT)
    assert not senders_state().effective.long.suppressed
    assert not chosen().effective.long.suppressed
    stored = BiasState.model_validate(BiasStateCurrent.objects.get().state)
    assert stored.effective.long.suppressed
    apply(event_ts_ms=TS + 1, macro__state__macro_class="MACRO_TREND_DOWN")
    assert not BiasState.model_validate(BiasStateCurrent.objects.get().state).effective.long.suppressed


@pytest.mark.django_db
def test_a_state_of_before_origins_and_gamma_reads_back():
    apply()
    row = BiasStateCurrent.objects.get()
    del row.state["origin"], row.state["gamma"]
    row.save()
    assert (chosen().origin, chosen().resolved_score) == ("webhook", 60)


@pytest.mark.django_db
def test_d37_no_cache_is_needed(settings):
    """The state, and what it is compared with, are the database's; a cache that keeps nothing changes nothing."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    apply()
    apply(event_ts_ms=TS + 1, mtf__consensus__bias_score=-10, mtf__consensus__bias_consensus="BEARISH")
    assert (chosen().acceleration.state_strength_delta, chosen().transitions.bias_flip) == (-70, True)
