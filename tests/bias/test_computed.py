"""The state that bars tell: what they know is filled, what they do not is unknown, and it never touches a sender's."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from bias.computed import macro_class_of, state_computed
from bias.config import BiasConfig, GatingConfig
from bias.data import Acceleration, BiasState, Transitions
from bias.enums import BiasOrigin, BiasSource, MacroClass
from bias.models import BiasStateCurrent
from bias.rules import staleness
from bias.services import bias_computed_save, bias_for_decisions
from experiments.selectors import bias_facts
from optionsengine.market.analysis_enums import FrameBias, Structure
from optionsengine.market.data import TIMEFRAMES
from optionsengine.market.frames import frame_read
from optionsengine.market.mtf import mtf_read
from optionsengine.market.providers.simulated import SimulatedProvider
from tests.market.bar_series import OPENING, mirrored, steady, walk

MINUTES = {"5m": 5, "15m": 15, "1h": 60, "4h": 240, "1d": 1440}
CONFIG = BiasConfig()
UNKNOWN = (
    "macro_confidence",
    "macro_support_1",
    "macro_resistance_1",
    "macro_measured_move_target",
    "intent_type",
    "intent_confidence",
    "trigger",
    "liquidity",
)
AT = OPENING + timedelta(minutes=350)  # the seventieth five-minute bar of `reading` has just closed


def reading(step=1.0, frames=TIMEFRAMES, count=70):
    return mtf_read({name: steady(count, step, minutes=MINUTES[name]) for name in frames})


def state(step=1.0, previous=None, at=AT, config=CONFIG, **options):
    return state_computed(symbol="SPY", reading=reading(step, **options), previous=previous, at=at, config=config)


def test_what_bars_tell_is_filled_and_what_they_do_not_is_unknown():
    made, said = state(), reading()
    assert (made.bias, made.bias_score, made.confidence, made.alignment, made.conflict) == ("BULLISH", 100, 1, 100, 0)
    assert (made.regime_type, made.chop, made.adx_15m, made.atr_state_15m) == ("TREND", 0, 100, "NORMAL")
    assert made.trend_phase == "LATE"
    assert (made.levels.vwap.enabled, made.levels.vwap.value, made.levels.vwap.position) == (
        True,
        said.vwap.value,
        "ABOVE",
    )
    assert made.levels.swings.m15_last_pivot_high == said.swings.m15_last_pivot_high
    assert (made.space.room_to_resistance, made.space.room_to_support) == ("HIGH", "HIGH")
    assert all(getattr(made, name) is None for name in UNKNOWN)
    assert (made.entry_mode_hint, made.session, made.sender_event_hash, made.regime_transition) == ("", "", "", False)
    assert (made.levels.orb.enabled, made.levels.orb.state, made.levels.orb.high) == (False, "NA", None)
    assert (made.invalidation.level, made.invalidation.method) == (None, "NA")
    assert (made.source, made.event_type, made.chart_tf, made.origin) == ("COMPUTED", "BIAS_SNAPSHOT", "5m", "computed")
    assert (made.transitions, made.acceleration) == (Transitions(), Acceleration())
    assert BiasState.model_validate(made.model_dump(mode="json")) == made


def test_it_counts_from_the_end_of_its_last_bar_and_is_fresh_then():
    made = state()
    assert made.event_at == AT
    assert not staleness(made, AT, in_session=True).is_stale
    assert staleness(made, AT + timedelta(minutes=10, seconds=1), in_session=True).is_stale
    assert state(at=AT - timedelta(seconds=1)).event_at == AT - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("frame", "opened", "ended"),
    [
        ("1h", datetime(2026, 2, 20, 20, 30, tzinfo=UTC), datetime(2026, 2, 20, 21, 0, tzinfo=UTC)),
        ("4h", datetime(2026, 11, 27, 14, 30, tzinfo=UTC), datetime(2026, 11, 27, 18, 0, tzinfo=UTC)),  # half a day
        ("1d", datetime(2026, 2, 20, 14, 30, tzinfo=UTC), datetime(2026, 2, 20, 21, 0, tzinfo=UTC)),
        ("1h", datetime(2026, 2, 21, 20, 30, tzinfo=UTC), datetime(2026, 2, 21, 21, 30, tzinfo=UTC)),  # a Saturday
    ],
)
def test_the_close_of_the_session_ends_its_last_bar(frame, opened, ended):
    only = replace(reading(frames=(frame,)), at=opened)
    made = state_computed(symbol="SPY", reading=only, previous=None, at=ended + timedelta(days=1), config=CONFIG)
    assert (made.event_at, made.chart_tf) == (ended, frame)


def test_changes_count_from_the_computed_state_before():
    moved = state(-1.0, previous=state())
    assert moved.transitions == Transitions(bias_flip=True, macro_flip=moved.macro_class is not None)
    assert moved.acceleration.state_strength_delta == -200


@pytest.mark.parametrize(
    ("age", "counts"),
    [
        (timedelta(minutes=10), True),
        (timedelta(minutes=15), True),
        (timedelta(minutes=15, microseconds=1), False),
        (timedelta(days=3), False),
    ],
)
def test_a_state_of_more_than_three_bars_before_is_nothing_to_count_from(age, counts):
    before = state().model_copy(update={"event_at": AT - age})
    moved = state(-1.0, previous=before)
    assert moved.transitions.bias_flip is counts
    if not counts:
        assert moved == state(-1.0)
    assert moved.acceleration.state_strength_delta == (-200 if counts else 0)


UP, DOWN, FLAT = FrameBias.BULLISH, FrameBias.BEARISH, FrameBias.NEUTRAL
HIGHER, LOWER, RANGE = Structure.HH_HL, Structure.LH_LL, Structure.RANGE


@pytest.mark.parametrize(
    ("daily", "hours", "expected"),
    [
        ((UP, HIGHER), UP, MacroClass.TREND_UP),
        ((UP, HIGHER), FLAT, MacroClass.TREND_UP),
        ((UP, HIGHER), None, MacroClass.TREND_UP),
        ((UP, HIGHER), DOWN, None),
        ((DOWN, LOWER), DOWN, MacroClass.TREND_DOWN),
        ((DOWN, LOWER), FLAT, MacroClass.TREND_DOWN),
        ((DOWN, LOWER), None, MacroClass.TREND_DOWN),
        ((DOWN, LOWER), UP, None),
        ((FLAT, RANGE), UP, MacroClass.RANGE),
        ((FLAT, RANGE), DOWN, MacroClass.RANGE),
        ((UP, LOWER), UP, None),
        ((DOWN, HIGHER), DOWN, None),
        ((UP, RANGE), UP, None),
        ((FLAT, HIGHER), UP, None),
        (None, UP, None),
    ],
)
def test_the_macro_class_needs_daily_and_four_hour_bars_that_leave_no_doubt(daily, hours, expected):
    plain = frame_read(steady(80, 0.0), "5m")
    frames = [plain]
    if hours is not None:
        frames.append(replace(plain, timeframe="4h", bias=hours))
    if daily is not None:
        frames.append(replace(plain, timeframe="1d", bias=daily[0], structure=daily[1]))
    assert macro_class_of(replace(reading(), frames=tuple(frames))) == expected


_TURNED = {"BULLISH": "BEARISH", "BEARISH": "BULLISH", MacroClass.TREND_UP: MacroClass.TREND_DOWN}
_TURNED |= {MacroClass.TREND_DOWN: MacroClass.TREND_UP}


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(-1.0, 1.0))
def test_mirrored_bars_make_the_mirrored_state(seed, drift):
    bars = {name: walk(seed + number, 90, MINUTES[name], drift) for number, name in enumerate(TIMEFRAMES)}
    sides = (bars, {name: mirrored(rows) for name, rows in bars.items()})
    at = OPENING + timedelta(days=1)
    here, there = (
        state_computed(symbol="SPY", reading=mtf_read(side), previous=None, at=at, config=CONFIG) for side in sides
    )
    assert there.bias == _TURNED.get(here.bias, here.bias)
    assert there.bias_score == pytest.approx(-here.bias_score, abs=1e-4)
    assert there.macro_class == _TURNED.get(here.macro_class, here.macro_class)
    assert (there.effective.long.suppressed, there.effective.short.suppressed) == (
        here.effective.short.suppressed,
        here.effective.long.suppressed,
    )
    assert there.event_at == here.event_at


@pytest.mark.parametrize("frames", [TIMEFRAMES, ("1h",), ("5m", "1d"), ("1d",)])
def test_any_frames_of_a_market_make_a_state_that_a_decision_can_read(frames):
    provider, at = SimulatedProvider(seed=11, always_open=False), OPENING + timedelta(hours=3)
    found = mtf_read({name: provider.bars("SPY", name, 200, at) for name in frames})
    made = state_computed(symbol="SPY", reading=found, previous=None, at=at, config=CONFIG)
    assert made.event_at <= at
    assert BiasState.model_validate(made.model_dump(mode="json")) == made
    facts = bias_facts(made, at=at, config=CONFIG.staleness)
    assert (facts.source, facts.is_triggered, facts.reclaim, facts.entry_mode_hint) == ("COMPUTED", None, None, "")


def test_the_effect_goes_by_the_configuration():
    lax = BiasConfig(gating=GatingConfig(macro_suppress_short=(), macro_suppress_long=()))
    daily = replace(reading().frames[-1], structure=Structure.HH_HL)
    said = replace(reading(), frames=(*reading().frames[:-1], daily))
    strict, free = (
        state_computed(symbol="SPY", reading=said, previous=None, at=AT, config=config) for config in (CONFIG, lax)
    )
    assert strict.macro_class == free.macro_class == MacroClass.TREND_UP
    assert (strict.effective.short.suppressed, free.effective.short.suppressed) == (True, False)


# --- stored -----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_only_a_newer_bar_replaces_what_is_stored():
    bias_computed_save(state=state(), at=AT)
    before = BiasStateCurrent.objects.values().get()
    for number in range(2):  # an older bar, and another reading of the same one
        bias_computed_save(state=state(-1.0, count=69 + number), at=AT + timedelta(minutes=1))
        assert BiasStateCurrent.objects.values().get() == before
    later = AT + timedelta(minutes=5)
    bias_computed_save(state=state(-1.0, count=71, at=later), at=later)
    row = BiasStateCurrent.objects.get()
    assert (row.pk, row.created_at, BiasState.model_validate(row.state)) == (
        before["id"],
        AT,
        state(-1.0, count=71, at=later),
    )
    assert (row.origin, row.event_at, row.bias, row.updated_at) == (BiasOrigin.COMPUTED, later, "BEARISH", later)


def decide(said, at=AT, source=BiasSource.BOTH):
    with CaptureQueriesContext(connection) as caught:
        made = bias_for_decisions(readings={"SPY": said}, at=at, source=source, config=CONFIG)["SPY"]
    return made, len([query for query in caught if "SAVEPOINT" not in query["sql"]])


@pytest.mark.django_db
def test_a_decision_takes_at_most_three_queries_and_stores_each_bar_once():
    assert decide(None) == (None, 2)
    first, cost = decide(reading())
    assert (first.bias, first.origin, cost) == ("BULLISH", "computed", 3)
    again, cost = decide(reading(-1.0))
    assert (again.bias, cost) == ("BULLISH", 2)
    later = AT + timedelta(minutes=5)
    next_, cost = decide(reading(-1.0, count=71), later)
    assert (next_.bias, next_.transitions.bias_flip, cost) == ("BEARISH", True, 3)
    assert decide(None, later)[0] == next_
    assert BiasStateCurrent.objects.count() == 1


@pytest.mark.django_db
def test_with_senders_only_nothing_is_computed():
    assert decide(reading(), source=BiasSource.WEBHOOK) == (None, 2)
    assert not BiasStateCurrent.objects.exists()
