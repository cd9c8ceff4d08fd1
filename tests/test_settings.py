"""Settings: each wrong value stops the start with its name and what it must be, and no secret is repeated."""

import os
import runpy
import subprocess
import sys
from decimal import Decimal

import pytest
from django.core.exceptions import ImproperlyConfigured

from optionsengine.console import readme
from optionsengine.settings import readers
from optionsengine.settings.readers import BASE_DIR

BASE = BASE_DIR / "optionsengine" / "settings" / "base.py"
KEY = "7fK2q9Zr4mXw1Vb8Tn6Yc3Hd5Jg0Ls7P"  # 32 characters
URL_MUST = (
    "DATABASE_URL must be postgres://user:password@host:port/name, "
    "with special characters of the password as in %40; {}. Set it in the environment or in .env."
)


@pytest.fixture
def load(monkeypatch):
    """The settings as a fresh process would read them from this environment."""
    for name in _kinds():
        monkeypatch.delenv(name, raising=False)

    def read(**environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(BASE))

    return read


def _kinds():
    return {spec.name: spec.must for spec in readme.settings_read(BASE.read_text(encoding="utf-8"))}


def refused(load, **environment):
    with pytest.raises(ImproperlyConfigured) as refusal:
        load(**environment)
    return str(refusal.value)


# --- every variable with a bound or a choice --------------------------------------------------------------------------

WHOLE = [
    ("SPOOL_MAX_MB", 1, 65536),
    ("SIMULATED_MARKET_SEED", 0, 2147483648),
    ("AB_SPLIT_PERCENTAGE", 0, 100),
    ("SIGNAL_MAX_AGE_SECONDS", 60, 86400),
    ("EXIT_WAIT_SECONDS", 0, 3600),
    ("APPROVAL_TIMEOUT_SECONDS", 10, 86400),
    ("MAX_CONTRACTS_PER_TRADE", 1, 1000),
    ("QUOTE_MAX_AGE_SECONDS", 1, 3600),
    ("PORT", 1, 65534),
    ("ORCHESTRATOR_INTERVAL", 1, 3600),
    ("ORDER_CREATOR_INTERVAL", 1, 3600),
    ("EXECUTOR_INTERVAL", 1, 3600),
    ("POSITION_REFRESHER_INTERVAL", 1, 3600),
    ("EXIT_MONITOR_INTERVAL", 1, 3600),
    ("INBOX_RECOVERY_INTERVAL", 1, 3600),
    ("RECONCILE_INTERVAL", 1, 86400),
    ("HEARTBEAT_INTERVAL", 1, 60),
]
NUMBERS = [
    ("PAPER_STARTING_EQUITY", "1000", "1000000000"),
    ("RISK_PER_TRADE_PERCENT", "0.01", "2"),
    ("RISK_PER_TRADE_MAX_PERCENT", "0.01", "10"),
    ("PAPER_FILL_CROSS", "0", "1"),
    ("COMMISSION_PER_CONTRACT", "0", "100"),
    ("CONFLUENCE_MIN_THRESHOLD", "0", "85"),
    ("MAX_VIX_FOR_ENTRY", "1", "1000"),
    ("PRICE_JUMP_LIMIT", "1", "1000"),
    ("RISK_FREE_RATE", "-5", "50"),
]
FLAGS = (
    "DEBUG",
    "SIMULATED_MARKET_ALWAYS_OPEN",
    "ALLOW_DELAYED_FEED",
    "ENABLE_ORCHESTRATOR",
    "REQUIRE_MTF_BIAS_FOR_ENTRY",
    "ENABLE_PORTFOLIO_GUARD",
    "ENABLE_SETUP_VALIDATOR",
    "ENABLE_CONFLUENCE_GATE",
    "ENABLE_CRON_PROCESSING",
)
CHOICES = [
    ("APP_MODE", ("PAPER", "LIVE")),
    ("BIAS_SOURCE", ("both", "webhook", "computed")),
    ("APPROVAL", ("auto", "manual", "live_only")),
    ("ALPACA_STOCK_FEED", ("iex", "sip", "delayed_sip")),
    ("ALPACA_OPTION_FEED", ("indicative", "opra")),
    ("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR")),
]
RATES = ("ALPACA_RATE_LIMIT", "TWELVE_DATA_RATE_LIMIT", "MARKETDATA_RATE_LIMIT")
ADDRESSES = ("ALPACA_DATA_URL", "ALPACA_TRADING_URL", "TWELVE_DATA_URL", "MARKETDATA_URL")
# any text; who uses one tells when it is wrong
FREE = {
    "SECRET_KEY",
    "DATABASE_URL",
    "DATABASE_NAME",
    "HMAC_SECRET",
    "CRON_SECRET",
    "BIND_HOST",
    "SPOOL_DIR",
    "ALPACA_API_KEY",
    "ALPACA_SECRET_KEY",
    "TWELVE_DATA_API_KEY",
    "MARKETDATA_API_KEY",
    readme.DEVPG_BIN,
}


def test_no_variable_is_left_out_of_these_tables():
    lists = {name for name, must in _kinds().items() if must == "list, by commas"}
    named = {name for name, *_ in (*WHOLE, *NUMBERS, *CHOICES)} | {*FLAGS, *RATES, *ADDRESSES}
    assert named | lists | FREE == set(_kinds())


@pytest.mark.parametrize(("name", "minimum", "maximum"), WHOLE)
def test_a_whole_number_is_taken_within_its_bounds_only(load, name, minimum, maximum):
    for taken in (minimum, maximum):
        assert load(**{name: str(taken)})[name] == taken
    for raw in (str(minimum - 1), str(maximum + 1), "", "abc", "1.5", "NaN", "1e3"):
        assert refused(load, **{name: raw}) == (
            f"{name} must be a whole number from {minimum} to {maximum}; it is {raw!r}. "
            "Set it in the environment or in .env."
        )


@pytest.mark.parametrize(("name", "minimum", "maximum"), NUMBERS)
def test_a_number_is_taken_within_its_bounds_only(load, name, minimum, maximum):
    low, high = Decimal(minimum), Decimal(maximum)
    # the two risks bound each other
    others = {"RISK_PER_TRADE_PERCENT": "0.01"} if name == "RISK_PER_TRADE_MAX_PERCENT" else {}
    for taken in (low, high):
        assert load(**others, **{name: str(taken)})[name] == taken
    for raw in (str(low - Decimal("0.001")), str(high + Decimal("0.001")), "", "abc", "NaN", "sNaN", "Infinity"):
        assert refused(load, **{name: raw}) == (
            f"{name} must be a number from {minimum} to {maximum}; it is {raw!r}. Set it in the environment or in .env."
        )


@pytest.mark.parametrize("name", FLAGS)
def test_a_flag_is_taken_in_its_spellings_only(load, name):
    for raw, value in (("True", True), ("1", True), ("yes", True), ("ON", True), (" no ", False), ("0", False)):
        assert load(SECRET_KEY=KEY, **{name: raw})[name] is value
    for raw in ("", "2", "maybe"):
        assert refused(load, **{name: raw}) == (
            f"{name} must be true or false; it is {raw!r}. Set it in the environment or in .env."
        )


@pytest.mark.parametrize(("name", "allowed"), CHOICES)
def test_a_choice_is_one_of_its_names(load, name, allowed):
    for taken in allowed:
        settings = load(**{name: taken})
        assert taken in (settings.get(name), settings["LOGGING"]["root"]["level"])
    for raw in ("", allowed[0].swapcase(), "OTHER"):
        assert refused(load, **{name: raw}) == (
            f"{name} must be one of {', '.join(allowed)}; it is {raw!r}. Set it in the environment or in .env."
        )


def test_a_list_is_split_by_commas(load):
    assert load(ALLOWED_HOSTS=" a.example.com, b.example.com ,,")["ALLOWED_HOSTS"] == ["a.example.com", "b.example.com"]


@pytest.mark.parametrize("name", RATES)
def test_a_rate_is_calls_by_window(load, name):
    assert load(**{name: " 8/minute, 800/day"})[name] == ((8, "minute"), (800, "day"))
    for raw in ("", "8", "8/week", "0/day", "1000001/day", "-8/day", "8.5/day", "8/day,9/day", "8/day,x", "٨/day"):
        assert refused(load, **{name: raw}) == (
            f"{name} must be calls by second, minute, hour or day, for example 8/minute,800/day; it is {raw!r}. "
            "Set it in the environment or in .env."
        )


@pytest.mark.parametrize("name", ADDRESSES)
def test_an_address_is_a_public_one(load, name):
    assert load(**{name: "https://data.example.com:8443/v2/"})[name] == "https://data.example.com:8443/v2"
    wrong = (
        "", "data.example.com", "http://data.example.com", "https://localhost", "https://127.0.0.1", "https://10.0.0.7",
        "https://169.254.169.254", "https://[::1]", "https://x.internal", "https://u:p@example.com", "ftp://example.com",
        "https://example.com/?a=1", "https://example.com:99999",
    )  # fmt: skip
    for raw in wrong:
        assert refused(load, **{name: raw}) == (
            f"{name} must be an https address on the internet, without a user, for example https://api.example.com; "
            f"it is {raw!r}. Set it in the environment or in .env."
        )
    assert load(**{name: "http://127.0.0.1:9"}, DEBUG="true")[name] == "http://127.0.0.1:9"


def test_a_text_may_begin_with_a_dollar(load):
    assert load(HMAC_SECRET="$PATH-and-more")["HMAC_SECRET"] == "$PATH-and-more"


# --- what is judged together, or without being repeated -------------------------------------------------------------


@pytest.mark.parametrize(
    ("risk", "most", "is_taken"),
    [("1", "1", True), ("0.99", "1", True), ("1.01", "1", False), ("2", "0.01", False)],
)
def test_the_risk_of_a_trade_is_at_most_its_maximum(load, risk, most, is_taken):
    environment = {"RISK_PER_TRADE_PERCENT": risk, "RISK_PER_TRADE_MAX_PERCENT": most}
    if is_taken:
        assert load(**environment)["RISK_PER_TRADE_PERCENT"] == Decimal(risk)
        return
    assert refused(load, **environment) == (
        f"RISK_PER_TRADE_PERCENT must be at most RISK_PER_TRADE_MAX_PERCENT; they are {risk} and {most}. "
        "Lower the first or raise the second, in the environment or in .env."
    )


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("", "it is empty"),
        ("short", "it has 5"),
        (KEY[:31], "it has 31"),
        ("abcdefg" * 6, "it is a placeholder"),
        ("django-insecure-" + KEY, "it is a placeholder"),
        ("CHANGE-ME-" + KEY, "it is a placeholder"),
        ("your-long-random-text-goes-here-1234", "it is a placeholder"),
    ],
)
def test_a_key_that_can_be_guessed_stops_the_start_without_debug(load, key, fault):
    said = refused(load, DEBUG="false", SECRET_KEY=key)
    assert said.startswith(f"SECRET_KEY must be a random text of at least 32 characters while DEBUG is off; {fault}. ")
    assert "secrets.token_urlsafe" in said
    assert not key or key not in said
    # development may use what it likes, and makes its own when it has none
    assert load(DEBUG="true", SECRET_KEY=key)["SECRET_KEY"] == key or not key


@pytest.mark.parametrize("key", [KEY, "0123456789abcdef" * 2])
def test_a_random_key_is_taken(load, key):
    assert load(DEBUG="false", SECRET_KEY=key)["SECRET_KEY"] == key


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("foo", "it has no ://"),
        ("u:hunter2@h/d", "it has no ://"),
        ("mysql://u:hunter2@h/d", "it begins with mysql://"),
        ("sqlite:///hunter2", "it begins with sqlite://"),
        ("postgis://u:hunter2@h/d", "it begins with postgis://"),
        ("POSTGRES://u:hunter2@h/d", "it begins with POSTGRES://"),
        ("postgres://u:hunter2@h:notaport/d", "its port is no number from 1 to 65535, or its host no name"),
        ("postgres://u:hunter2@h:0/d", "its port is no number from 1 to 65535, or its host no name"),
        ("postgres://u:hunter2@h:65536/d", "its port is no number from 1 to 65535, or its host no name"),
        ("postgres://u:hunter2@[::1/d", "its port is no number from 1 to 65535, or its host no name"),
        ("postgres://u:hunter2/x@h:5432/d", "its port is no number from 1 to 65535, or its host no name"),
        ("postgres://u:hunter2@h", "it names no database"),
        ("postgres://u:hunter2@h:5432/", "it names no database"),
        ("postgres://u:hunter2@h/d?sslmod=require", 'invalid connection option "sslmod"'),
    ],
)
def test_a_wrong_database_url_is_named_without_its_password(load, url, fault):
    said = refused(load, DATABASE_URL=url)
    assert said == URL_MUST.format(fault)
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("postgres://u:p%40@h:5433/d", ("u", "p@", "h", 5433, "d")),
        ("postgresql://u:p@h:1/d", ("u", "p", "h", 1, "d")),
        ("postgres://u:p@h:65535/d", ("u", "p", "h", 65535, "d")),
        ("postgres://u:p@h/d?sslmode=require", ("u", "p", "h", "", "d")),
        ("postgres://u:p@[::1]:5432/d", ("u", "p", "::1", 5432, "d")),
        ("postgres:///d", ("", "", "", "", "d")),
    ],
)
def test_a_database_url_is_taken_apart(load, url, parts):
    database = load(DATABASE_URL=url)["DATABASES"]["default"]
    assert database["ENGINE"] == "optionsengine.core.postgres.server"
    assert tuple(database[name] for name in ("USER", "PASSWORD", "HOST", "PORT", "NAME")) == parts
    assert database["OPTIONS"].get("sslmode") == ("require" if "?" in url else None)
    assert database["OPTIONS"]["connect_timeout"] == 5


def test_the_name_of_the_database_can_be_given_apart(load):
    assert load(DATABASE_URL="postgres://u:p@h/d", DATABASE_NAME="e")["DATABASES"]["default"]["NAME"] == "e"
    alone = load(DATABASE_URL="", DATABASE_NAME="")["DATABASES"]["default"]
    assert (alone["ENGINE"], alone["NAME"]) == ("optionsengine.core.postgres", "optionsengine")


# --- as a person meets it -------------------------------------------------------------------------------------------


def manage(*arguments, **environment):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE_DIR,
        env={**kept, "DJANGO_SETTINGS_MODULE": "optionsengine.settings.base", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "name", "value"),
    [
        (["serve"], "PORT", "abc"),
        (["run_pipeline"], "DATABASE_URL", "mysql://u:hunter2@h/d"),
        (["check"], "RISK_PER_TRADE_PERCENT", "2.5"),
    ],
)
def test_a_command_ends_in_one_line_that_names_the_setting(arguments, name, value):
    done = manage(*arguments, **{name: value})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"settings: {name} must be ")
    assert done.stderr.count("\n") == 1
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MARKET_DATA_PROVIDERS", "nobody"),
        ("TRUSTED_PROXIES", "proxy.internal"),
        ("CORS_ALLOWED_ORIGINS", "desk.example.com"),
        ("CSRF_TRUSTED_ORIGINS", "desk.example.com"),
        ("EXECUTOR_INTERVAL", "7"),
    ],
)
def test_what_the_checks_refuse_is_named_too(name, value):
    done = manage("check", **{name: value})
    assert done.returncode == 1
    assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_the_readers_are_all_known_to_the_table_of_settings():
    public = {name for name, value in vars(readers).items() if callable(value) and value.__module__ == readers.__name__}
    assert {name for name in public if not name.startswith(("_", "require_"))} == set(readme.READERS)
