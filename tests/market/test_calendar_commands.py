"""`manage.py sessions` and `manage.py expiries`: what they print, and what they refuse."""

import json
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from optionsengine.core import clock

AT = datetime(2026, 3, 16, 14, 0, tzinfo=UTC)


def run(*words):
    out = StringIO()
    with clock.frozen(AT):
        call_command(*words, stdout=out)
    return out.getvalue()


def test_the_sessions_of_a_year_as_json():
    found = json.loads(run("sessions", "--from", "2026-01-01", "--to", "2026-12-31", "--json"))

    assert len(found) == 251
    assert {frozenset(each) for each in found} == {frozenset({"date", "open", "close", "half_day"})}
    assert found[0] == {
        "date": "2026-01-02",
        "open": "2026-01-02T09:30:00-05:00",
        "close": "2026-01-02T16:00:00-05:00",
        "half_day": False,
    }
    assert [each for each in found if each["half_day"]] == [
        {
            "date": day,
            "open": f"{day}T09:30:00-05:00",
            "close": f"{day}T13:00:00-05:00",
            "half_day": True,
        }
        for day in ("2026-11-27", "2026-12-24")
    ]


def test_sessions_for_people(capsys):
    out = run("sessions", "--from", "2026-11-25", "--to", "2026-11-30")

    assert "3 sessions, 1 of them half days." in out
    shown = capsys.readouterr().out
    assert "2026-11-26" not in shown
    assert "half day" in shown


def test_sessions_start_today_without_dates():
    found = json.loads(run("sessions", "--json"))

    assert (found[0]["date"], found[-1]["date"]) == ("2026-03-16", "2026-04-15")


def test_days_without_a_session_are_an_empty_list():
    assert json.loads(run("sessions", "--from", "2026-02-14", "--to", "2026-02-16", "--json")) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("sessions", "--from", "2026-02-02", "--to", "2026-02-01"), "swap them"),
        (("sessions", "--from", "2014-12-31", "--to", "2015-02-01"), "it covers 2015-01-01 to 2035-12-31"),
        (("sessions", "--from", "2035-12-01", "--to", "2036-01-01"), "it covers 2015-01-01 to 2035-12-31"),
        (("sessions", "--from", "9999-12-31"), "9999-12-31 is outside the session calendar"),
        (("sessions", "--from", "2026-02-30"), "write it like 2026-11-27"),
        (("sessions", "--to", "tomorrow"), "write it like 2026-11-27"),
        (("expiries", "--weeks", "0"), "1 to 157 weeks"),
        (("expiries", "--weeks", "158"), "1 to 157 weeks"),
        (("expiries", "--weeks", "two"), "invalid int value"),
    ],
)
def test_a_senseless_question_is_refused_in_words(words, message):
    with pytest.raises(CommandError, match=message):
        run(*words)


def test_expiries_as_json():
    assert json.loads(run("expiries", "--weeks", "3", "--json")) == [
        {
            "date": "2026-03-20",
            "kind": "monthly",
            "expires_at": "2026-03-20T16:00:00-04:00",
            "moved_from": None,
        },
        {
            "date": "2026-03-27",
            "kind": "weekly",
            "expires_at": "2026-03-27T16:00:00-04:00",
            "moved_from": None,
        },
        {
            "date": "2026-04-02",
            "kind": "weekly",
            "expires_at": "2026-04-02T16:00:00-04:00",
            "moved_from": "2026-04-03",
        },
    ]


def test_expiries_for_people(capsys):
    assert run("expiries", "--weeks", "3", "--symbol", "spy").strip() == (
        "Those that outlive 2026-03-16 trade until 16:15 that day."
    )
    shown = capsys.readouterr().out
    assert "2026-04-03 is a holiday" in shown
    assert "daily" in shown
    assert "16:00 that day" in run("expiries", "--symbol", "AAPL")
