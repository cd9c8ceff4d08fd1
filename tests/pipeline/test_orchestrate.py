"""Where a moment lies in the session, as a decision sees it."""

from datetime import UTC, datetime

import pytest

from optionsengine.pipeline.orchestrate import session_facts


def _new_york_winter(hour, minute):
    return datetime(2026, 2, 20, hour + 5, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("always_open", "at", "expected"),
    [
        (False, _new_york_winter(9, 29), (False, None, None)),
        (False, _new_york_winter(9, 30), (True, 0, 390)),
        (False, _new_york_winter(15, 59), (True, 389, 1)),
        (False, _new_york_winter(16, 0), (False, None, None)),
        (True, _new_york_winter(9, 29), (True, None, None)),
        (True, _new_york_winter(9, 30), (True, None, None)),
        (True, _new_york_winter(15, 59), (True, None, None)),
    ],
)
def test_an_always_open_market_has_no_minutes_near_an_open_or_a_close(settings, always_open, at, expected):
    settings.MARKET_DATA_PROVIDERS = ["simulated"]
    settings.SIMULATED_MARKET_ALWAYS_OPEN = always_open
    facts = session_facts(at)
    assert (facts.is_open, facts.minutes_from_open, facts.minutes_to_close) == expected
