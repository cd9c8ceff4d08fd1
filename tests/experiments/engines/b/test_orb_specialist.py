"""The opening-range specialist: its symbols, its window of the session, and the range."""

from dataclasses import replace

import pytest

from experiments.data import SessionFacts
from experiments.engines.b.orb_specialist import vote
from experiments.enums import VoteBias
from tests.experiments.engines.b.views import WORLD, view
from tests.experiments.worlds import CLOSED, NEXT_OPEN, frame, opening_range

UP, DOWN, FLAT = VoteBias.BULLISH, VoteBias.BEARISH, VoteBias.NEUTRAL


def cast(first="range", minutes=90, length=390, symbol="SPY", **values):
    return vote(
        view(
            signal=replace(WORLD.signal, symbol=symbol),
            frames={"5m": frame(**values)},
            session=SessionFacts(True, NEXT_OPEN, minutes, length - minutes),
            opening_range=opening_range() if first == "range" else first,
        )
    )


# of a range of 494 to 498
@pytest.mark.parametrize(
    ("close", "bias", "confidence"),
    [
        (498.01, UP, 80),
        (498.0, FLAT, 40),
        (497.99, FLAT, 40),
        (494.01, FLAT, 40),
        (494.0, FLAT, 40),
        (493.99, DOWN, 80),
    ],
)
def test_a_close_outside_the_range_names_the_side(close, bias, confidence):
    seen = cast(close=close)

    assert (seen.bias, seen.confidence) == (bias, confidence)


@pytest.mark.parametrize(
    ("minutes", "length", "is_active"),
    [
        (29, 390, False),
        (30, 390, True),
        (120, 390, True),
        (121, 390, False),
        (64, 210, True),  # of a half day: 120 × 210 ÷ 390 is 64.6
        (65, 210, False),
    ],
)
def test_d17_the_window_counts_from_the_open_of_the_session(minutes, length, is_active):
    assert cast(minutes=minutes, length=length).is_abstaining is not is_active


def test_d17_the_range_is_that_of_the_sessions_first_bars_not_of_the_oldest_at_hand():
    # the oldest bars of the frame lie elsewhere; only the session's own range counts
    seen = cast(opening_range(high=500.5, low=499.5), highs=(480.0, 481.0, 482.0, 483.0), lows=(470.0,) * 4)

    assert (seen.bias, seen.confidence) == (FLAT, 40)


@pytest.mark.parametrize(("symbol", "is_active"), [("SPY", True), ("QQQ", True), ("SPX", True), ("AAPL", False)])
def test_it_judges_its_own_symbols(symbol, is_active):
    assert cast(symbol=symbol).is_abstaining is not is_active


def test_it_abstains_without_its_data():
    assert cast(first=None).is_abstaining
    assert cast(close=None).is_abstaining
    assert vote(view(opening_range=opening_range(), session=CLOSED)).is_abstaining
    assert vote(view(opening_range=opening_range(), frames={"1h": frame(timeframe="1h")})).is_abstaining


def test_a_signal_of_long_bars_is_judged_by_the_latest_five_minutes():
    daily = replace(WORLD.signal, timeframe="1d")
    frames = {"5m": frame(close=499.0), "1d": frame(timeframe="1d", close=450.0)}

    assert vote(view(signal=daily, opening_range=opening_range(), frames=frames)).bias == UP
