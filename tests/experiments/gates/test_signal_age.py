from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from experiments.enums import GateOutcome
from experiments.gates.signal_age import judge
from tests.experiments.worlds import AT, CLOSED, SESSION, world


@pytest.mark.parametrize(
    ("age", "outcome", "code"),
    [
        (-60, GateOutcome.PASS, ""),
        (0, GateOutcome.PASS, ""),
        (1799, GateOutcome.PASS, ""),
        (1800, GateOutcome.PASS, ""),
        (1800.2, GateOutcome.REFUSE, "SIGNAL_TOO_OLD"),
        (1801, GateOutcome.REFUSE, "SIGNAL_TOO_OLD"),
    ],
)
def test_age_counts_from_the_end_of_the_bar(age, outcome, code):
    verdict = judge(world(signal={"bar_end_at": AT - timedelta(seconds=age)}))

    assert (verdict.outcome, verdict.code, verdict.threshold) == (outcome, code, "1800 s")


def test_the_age_seen_is_told():
    assert judge(world(signal={"bar_end_at": AT - timedelta(seconds=90)})).value == "90 s"


@pytest.mark.parametrize(
    ("at", "session", "age"),
    [
        # the bar ended on Tuesday 20:30 UTC, half an hour before the close
        (datetime(2026, 2, 17, 20, 50, tzinfo=UTC), SESSION, 1200),
        (datetime(2026, 2, 18, 3, 0, tzinfo=UTC), CLOSED, 1800),
        (datetime(2026, 2, 18, 14, 30, tzinfo=UTC), SESSION, 1800),
        (datetime(2026, 2, 18, 14, 31, tzinfo=UTC), SESSION, 1860),
    ],
)
def test_a_daily_signal_does_not_age_while_the_market_is_closed(at, session, age):
    ended = datetime(2026, 2, 17, 20, 30, tzinfo=UTC)

    assert world(at=at, session=session, signal={"timeframe": "1d", "bar_end_at": ended}).signal_age_seconds == age


def test_a_shorter_signal_ages_by_the_clock():
    at = datetime(2026, 2, 18, 3, 0, tzinfo=UTC)

    inputs = world(at=at, session=CLOSED, signal={"timeframe": "4h", "bar_end_at": at - timedelta(hours=6)})

    assert inputs.signal_age_seconds == 6 * 3600


def test_on_a_market_that_never_closes_a_daily_signal_ages_by_the_clock():
    at = datetime(2026, 2, 18, 3, 0, tzinfo=UTC)
    always_open = replace(CLOSED, is_open=True)

    inputs = world(at=at, session=always_open, signal={"timeframe": "1d", "bar_end_at": at - timedelta(hours=2)})

    assert inputs.signal_age_seconds == 7200
