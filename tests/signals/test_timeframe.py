from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optionsengine.core.enums import Intent
from signals.data import IntakeRejected
from signals.enums import IntakeCode
from signals.timeframe import timeframe_end, timeframe_find, timeframe_read, timeframe_seconds

SPELLINGS = {
    "30s": ["30s", "30S", "30 s"],
    "1m": ["1", 1, 1.0, "1m", "1min", "1 minute", "01"],
    "5m": [5, "5", "5m", " 5m ", "5min", "5mins", "5 Minutes", "5.0", ["5m", "1h"], "5m,15m", [5]],
    "90m": [90, "90m"],
    "1h": [60, "60", "60m", "1h", "1H", "1hr", "1 hour", "1 Hours"],
    "4h": [240, "240", "4h", "4hrs"],
    "1d": [1440, "1440", "1d", "1D", "D", "d", "1day", "24h"],
    "2d": [2880, "2 days", "48h"],
    "1w": ["W", "w", "1w", "1W", "1 week"],
    "1M": ["M", "1M", "1 M"],
    "12M": ["12M"],
    "365d": ["365d", 525600],
}


@pytest.mark.parametrize(("raw", "canonical"), [(raw, canon) for canon, raws in SPELLINGS.items() for raw in raws])
def test_spellings_become_one(raw, canonical):
    assert timeframe_read(raw) == canonical


def test_months_and_minutes_differ_by_case_alone():
    assert (timeframe_read("1M"), timeframe_read("1m")) == ("1M", "1m")


@pytest.mark.parametrize(
    "raw",
    [
        0,
        -5,
        2.5,
        "0m",
        "-5m",
        "2.5h",
        "m",
        "h",
        "s",
        "min",
        "5x",
        "5 fortnights",
        "abc",
        "{{interval}}",
        "5m5",
        "m5",
        "٥m",
        "5m\n30s",
        "13M",
        "53w",
        "367d",
        10**9,
        "99999999m",
        True,
        {},
        [],
        [[]],
        [""],
        ",5m",
    ],
)
def test_anything_else_is_refused(raw):
    with pytest.raises(IntakeRejected) as refused:
        timeframe_read(raw)
    assert refused.value.code == IntakeCode.INVALID_TIMEFRAME


@pytest.mark.parametrize(
    ("body", "timeframe"),
    [
        ({"timeframe": "1m", "tf": "2m"}, "1m"),
        ({"timeframe": "", "tf": "2m"}, "2m"),
        ({"timeframe": None, "interval": 3}, "3m"),
        ({"interval": "3m", "trigger_timeframe": "4m"}, "3m"),
        ({"trigger_timeframe": "4m", "triggerTimeframe": "6m"}, "4m"),
        ({"triggerTimeframe": "6m", "meta": {"timeframe": "7m"}}, "6m"),
        ({"meta": {"timeframe": "7m"}, "session": "OPEN"}, "7m"),
        ({"session": "OPEN"}, "1d"),
        ({"session": "whatever text"}, "1d"),
        ({"strat_details": {}}, "1d"),
    ],
)
def test_sources_are_tried_in_order(body, timeframe):
    assert timeframe_find(body, Intent.ENTRY) == timeframe


@pytest.mark.parametrize("body", [{}, {"session": ""}, {"session": {"is_open": True}}, {"session": 5}, {"tf": " "}])
def test_without_one_an_entry_is_refused_and_an_exit_is_daily(body):
    with pytest.raises(IntakeRejected) as refused:
        timeframe_find(body, Intent.ENTRY)
    assert refused.value.code == IntakeCode.MISSING_TIMEFRAME
    assert timeframe_find(body, Intent.EXIT) == "1d"


def test_an_unreadable_one_is_refused_on_an_exit_too():
    with pytest.raises(IntakeRejected) as refused:
        timeframe_find({"timeframe": "soon"}, Intent.EXIT)
    assert refused.value.code == IntakeCode.INVALID_TIMEFRAME


@pytest.mark.parametrize(
    ("opening", "timeframe", "end"),
    [
        ("2026-02-05T15:00:00", "5m", "2026-02-05T15:05:00"),
        ("2026-02-05T15:00:00", "30s", "2026-02-05T15:00:30"),
        ("2026-02-05T00:00:00", "1d", "2026-02-06T00:00:00"),
        ("2026-02-05T00:00:00", "1w", "2026-02-12T00:00:00"),
        ("2026-01-31T00:00:00", "1M", "2026-02-28T00:00:00"),
        ("2024-01-31T00:00:00", "1M", "2024-02-29T00:00:00"),
        ("2025-12-01T00:00:00", "12M", "2026-12-01T00:00:00"),
    ],
)
def test_a_bar_ends_its_length_after_it_opened(opening, timeframe, end):
    start = datetime.fromisoformat(opening).replace(tzinfo=UTC)
    assert timeframe_end(start, timeframe) == datetime.fromisoformat(end).replace(tzinfo=UTC)


def test_a_length_needs_the_canonical_form():
    assert timeframe_seconds("4h") == 14400
    with pytest.raises(ValueError, match="not a canonical timeframe"):
        timeframe_seconds("4 hours")


@settings(max_examples=100)
@given(st.integers(1, 5000), st.sampled_from(["s", "m", "h", "d", "w"]))
def test_reading_twice_changes_nothing_and_keeps_the_length(count, unit):
    written = f"{count}{unit}"
    try:
        canonical = timeframe_read(written)
    except IntakeRejected:
        assert timeframe_seconds(written) > timedelta(days=366).total_seconds()
    else:
        assert timeframe_read(canonical) == canonical
        assert timeframe_seconds(canonical) == timeframe_seconds(written)
