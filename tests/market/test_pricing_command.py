"""`manage.py price`: what programs and people read from it, and what it says of terms it cannot use."""

import json
import os
import subprocess
import sys

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from optionsengine.settings.readers import BASE_DIR

KEYS = ["type", "style", "spot", "strike", "days", "rate", "dividend", "volatility"]
GREEKS = ["price", "delta", "gamma", "theta", "vega", "rho"]
TERMS = {"type": "put", "style": "american", "spot": 100.0, "strike": 100.0, "days": 30.0, "rate": 0.05, "dividend": 0}


@pytest.fixture
def priced(capsys):
    def run(**changes) -> dict:
        call_command("price", **{**TERMS, **changes}, json=True)
        return json.loads(capsys.readouterr().out)

    return run


def test_the_example_of_the_help(priced):
    found = priced(vol=0.2)
    assert list(found) == KEYS + GREEKS
    assert {key: found[key] for key in KEYS} == {**TERMS, "volatility": 0.2}
    # by an independent tree and by QuantLib's most precise engine: 2.11343
    assert found["price"] == pytest.approx(2.11343, abs=1e-5)
    assert found["delta"] == pytest.approx(-0.4691, abs=1e-4)
    assert found["gamma"] == pytest.approx(0.0715, abs=1e-4)
    assert found["theta"] == pytest.approx(-0.0325, abs=1e-4)
    assert found["vega"] == pytest.approx(0.1135, abs=1e-4)
    assert found["rho"] == pytest.approx(-0.0321, abs=1e-4)


def test_a_european_is_hulls_example(priced):
    found = priced(type="call", style="european", spot=42.0, strike=40.0, days=182.5, rate=0.10, vol=0.2)
    assert round(found["price"], 2) == 4.76
    assert all(round(found[name], 8) == found[name] for name in GREEKS)


@pytest.mark.parametrize("style", ["american", "european"])
def test_a_price_gives_its_volatility_and_the_greeks_at_it(priced, style):
    made = priced(style=style, vol=0.27)
    found = priced(style=style, price=made["price"])
    assert found["volatility"] == pytest.approx(0.27, abs=1e-6)
    assert list(found) == KEYS + GREEKS
    assert {name: found[name] for name in GREEKS} == pytest.approx({name: made[name] for name in GREEKS}, abs=1e-6)


def test_a_part_of_a_day_is_priced(priced):
    found = priced(days=0.02, vol=0.2)
    assert found["price"] == pytest.approx(0.3989 * 100 * 0.2 * (0.02 / 365) ** 0.5, rel=0.01)


def test_on_expiry_the_price_is_the_exercise_value_without_a_minus_before_a_zero(priced):
    found = priced(days=0, strike=110.0, vol=0.2)
    assert [found[name] for name in GREEKS] == [10, -1, 0, 0, 0, 0]
    assert "-0.0" not in json.dumps(found)


def test_what_is_not_given_is_the_settings_rate_no_dividend_and_american(capsys, settings):
    settings.RISK_FREE_RATE = 3
    call_command("price", "--type=call", "--spot=100", "--strike=100", "--days=30", "--vol=0.2", "--json")
    found = json.loads(capsys.readouterr().out)
    assert (found["style"], found["rate"], found["dividend"]) == ("american", 0.03, 0.0)


def test_a_person_gets_a_table_with_units(capsys):
    call_command("price", **TERMS, vol=0.2)
    shown = capsys.readouterr().out
    assert "American put, strike 100, spot 100, 30 days" in shown
    assert "2.113429" in shown
    for unit in ("dollars per calendar day", "dollars per volatility point (0.01)", "percentage point of the rate"):
        assert unit in shown


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "give either --vol, to get the price, or --price, to get the implied volatility"),
        ({"vol": 0.2, "price": 2.0}, "give either --vol"),
        (
            {"vol": 20.0},
            "--vol is 20.0; give a number above 0 up to 10: the volatility as a fraction a year: 0.2 is 20%",
        ),
        ({"vol": 0.0}, "--vol is 0.0; give a number above 0"),
        ({"vol": float("nan")}, "--vol is nan"),
        ({"vol": 0.2, "rate": 5.0}, "--rate is 5.0; give a number from -0.5 up to 1: .* 0.05 is 5%"),
        ({"vol": 0.2, "spot": -1.0}, "--spot is -1.0; give a number above 0"),
        ({"vol": 0.2, "strike": float("inf")}, "--strike is inf; give a number above 0"),
        ({"vol": 0.2, "days": -1.0}, "--days is -1.0; give a number from 0"),
        ({"vol": 0.2, "dividend": -0.01}, "--dividend is -0.01; give a number from 0 up to 1"),
        ({"price": 0.0}, "--price is 0.0; give a number above 0"),
        ({"price": 5.0, "days": 0.0}, "no volatility; give --days above 0"),
        ({"price": 10.0, "strike": 110.0}, r"worth more than 10\.0000 and at most .*; check --price"),
        ({"price": 100.5}, "gives a price of 100.5: .* at most"),
    ],
)
def test_terms_it_cannot_use_are_named_with_what_to_give(changes, message, capsys):
    with pytest.raises(CommandError, match=message):
        call_command("price", **{**TERMS, **changes})
    assert capsys.readouterr().out == ""


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "price", *words],
        cwd=BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "optionsengine.settings.base", "DATABASE_URL": "postgres://h:1/x"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_as_a_program_without_a_database():
    words = [*(f"--{name}={term}" for name, term in TERMS.items()), "--json"]
    done = _run(*words, "--vol=0.2")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["price"] == pytest.approx(2.11343, abs=1e-5)
    failed = _run(*words, "--price=0.0001", "--strike=150")
    assert failed.returncode != 0
    assert failed.stdout == ""
    assert "check --price" in failed.stderr
    assert "Traceback" not in failed.stderr
