"""`manage.py check_providers` and `manage.py chain`, over real sockets and on the simulated market."""

import json

import pytest
from django.core.management import CommandError, call_command

from optionsengine.core import clock
from optionsengine.ops.breakers import breaker_fail
from tests.fakes.market import AT
from tests.fakes.server import echoes_keys, refuses

pytestmark = pytest.mark.django_db(transaction=True)


def run(capsys, *words, **options):
    with clock.frozen(AT):
        call_command(*words, **options)
    return capsys.readouterr().out


def test_each_provider_tells_what_of_it_works(feeds, capsys):
    document = json.loads(run(capsys, "check_providers", json=True))
    assert document["in_use"] == ["alpaca", "twelvedata", "marketdata"]
    assert document["keys_missing"] == {}
    works = {
        name: {offer for offer, trial in trials.items() if trial["works"]}
        for name, trials in document["providers"].items()
    }
    assert works == {
        "alpaca": {"quotes", "bars", "chain", "option_quotes", "official_close"},
        "twelvedata": {"quotes", "bars", "official_close"},
        "marketdata": {"quotes", "chain", "option_quotes"},
    }
    said = document["providers"]["alpaca"]["quotes"]["said"]
    assert said.startswith("SPY 600.1 × 600.12, ")


def test_a_failing_one_is_named_with_its_reason_and_ends_the_command_badly(feeds, capsys):
    feeds.break_all(refuses(401), "twelvedata")
    with pytest.raises(CommandError, match="twelvedata: not everything works"):
        run(capsys, "check_providers", json=True)
    document = json.loads(capsys.readouterr().out)
    trial = document["providers"]["twelvedata"]["bars"]
    assert (trial["works"], "check TWELVE_DATA_API_KEY" in trial["said"]) == (False, True)
    assert all(trial["works"] for trial in document["providers"]["alpaca"].values())


def test_a_person_may_try_one_that_the_engine_leaves_alone(feeds, capsys):
    breaker_fail("market:alpaca", error="forbidden", at=AT, open_seconds=1800)
    assert json.loads(run(capsys, "check_providers", json=True))["providers"]["alpaca"]["quotes"]["works"] is True


def test_one_without_a_key_is_not_asked_and_says_what_it_needs(feeds, settings, capsys):
    settings.ALPACA_SECRET_KEY = settings.MARKETDATA_API_KEY = ""
    document = json.loads(run(capsys, "check_providers", json=True))
    assert document["in_use"] == ["twelvedata"]
    assert document["keys_missing"] == {"alpaca": ["ALPACA_SECRET_KEY"], "marketdata": ["MARKETDATA_API_KEY"]}
    shown = " ".join(run(capsys, "check_providers").split())
    assert "set ALPACA_SECRET_KEY to use it" in shown
    assert set(feeds.asked()) == {"twelvedata"}


def test_no_key_is_ever_shown(feeds, capsys):
    feeds.break_all(echoes_keys(403))
    with pytest.raises(CommandError):
        run(capsys, "check_providers", json=True)
    out = capsys.readouterr().out
    assert not any(key in out for key in ("alpaca-key", "alpaca-secret", "twelve-key", "marketdata-key"))


def test_invented_prices_are_called_so(settings, capsys):
    settings.MARKET_DATA_PROVIDERS = ["simulated"]
    assert "invented prices" in " ".join(run(capsys, "check_providers").split())


def test_a_chain_as_a_decision_would_see_it(feeds, capsys):
    document = json.loads(run(capsys, "chain", "spy", right="put", max_dte=40, json=True))
    assert (document["underlying"], document["source"], document["listed"]) == ("SPY", "alpaca", 2)
    first, second = document["contracts"]
    assert first == {
        "symbol": "SPY-20260320-P-595",
        "expiration": "2026-03-20",
        "strike": "595",
        "right": "put",
        "occ_symbol": "SPY260320P00595000",
        "bid": "9.745",
        "ask": "9.795",
        "iv": 0.1834,
        "delta": -0.4875,
        "gamma": 0.0131,
        "theta": -0.2105,
        "vega": 0.6512,
        "open_interest": 1234,
        "volume": 321,
        "at": first["at"],
        "source": "alpaca",
        "greeks_source": "alpaca",
    }
    assert second["symbol"] == "SPY-20260320-P-602.5"
    shown = run(capsys, "chain", "SPY", right="put", max_dte=40)
    assert "2 of 2 listed within 40 days." in shown
    assert "SPY puts, SPY at 600.11, prices by alpaca" in shown


@pytest.mark.parametrize(
    "options", [{"min_dte": 5, "max_dte": 4}, {"min_dte": -1}, {"strikes": 0}], ids=["crossed", "negative", "none"]
)
def test_bounds_that_hold_nothing_are_refused(capsys, options):
    with pytest.raises(CommandError, match="give 0 <= --min-dte <= --max-dte and --strikes of at least 1"):
        run(capsys, "chain", "SPY", **options)


def test_a_chain_that_nobody_has_ends_with_every_reason(feeds, capsys):
    feeds.break_all(refuses(500))
    with pytest.raises(CommandError) as failed:
        run(capsys, "chain", "SPY")
    assert "alpaca: its server failed" in str(failed.value)
    assert str(failed.value).endswith("See manage.py check_providers.")
