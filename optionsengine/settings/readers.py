"""Readers of the environment that fail loudly: the name, what it must be, and what it was, unless that is a secret."""

import ipaddress
import os
import re
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import make_conninfo

from optionsengine.core.secret_rule import secret_fault

BASE_DIR = Path(__file__).resolve().parent.parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

MIN_SECRET_KEY_LENGTH = 32
_DATABASE_URL_MUST = "postgres://user:password@host:port/name, with special characters of the password as in %40"
# of a database URL's query, what Django takes itself and does not hand to libpq
_DJANGO_OPTIONS = frozenset({"assume_role", "isolation_level", "server_side_binding"})


def _refuse(name: str, must: str, raw: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} must be {must}; it is {raw!r}. Set it in the environment or in .env.")


def text(name: str, default: str = "") -> str:
    # not by the library's reader: to it a value that begins with a dollar is another variable's name, and secrets may
    return os.environ.get(name, default).strip()


def flag(name: str, default: bool) -> bool:
    raw = text(name, str(default)).lower()
    if raw in {"true", "1", "yes", "on"}:
        return True
    if raw in {"false", "0", "no", "off"}:
        return False
    raise _refuse(name, "true or false", raw)


def integer(name: str, default: int, *, minimum: int, maximum: int) -> int:
    raw = text(name, str(default))
    try:
        value = int(raw)
    except ValueError:
        value = minimum - 1
    if not minimum <= value <= maximum:
        raise _refuse(name, f"a whole number from {minimum} to {maximum}", raw)
    return value


def decimal(name: str, default: str, *, minimum: str, maximum: str) -> Decimal:
    raw = text(name, default)
    try:
        value = Decimal(raw)
    except InvalidOperation:
        value = Decimal("NaN")
    if not (value.is_finite() and Decimal(minimum) <= value <= Decimal(maximum)):
        raise _refuse(name, f"a number from {minimum} to {maximum}", raw)
    return value


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    raw = text(name, default)
    if raw not in allowed:
        raise _refuse(name, f"one of {', '.join(allowed)}", raw)
    return raw


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


_INSIDE = frozenset({"local", "internal", "localhost", "home", "lan", "corp", "intranet"})
WINDOWS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


def rates(name: str, default: str) -> tuple[tuple[int, str], ...]:
    """What a service allows, as calls and windows, for example `8/minute,800/day`."""
    found: list[tuple[int, str]] = []
    for part in words(name, default):
        calls, _, window = part.partition("/")
        if not calls.isascii() or not calls.isdigit() or not 1 <= int(calls) <= 10**6 or window not in WINDOWS:
            found = []
            break
        found.append((int(calls), window))
    if not found or len({window for _, window in found}) < len(found):
        raise _refuse(name, "calls by second, minute, hour or day, for example 8/minute,800/day", text(name, default))
    return tuple(found)


def web_url(name: str, default: str) -> str:
    """The address of a service on the internet. Addresses within a network are refused but for development."""
    raw = text(name, default).rstrip("/")
    parts = urlsplit(raw)
    try:
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    is_whole = bool(host) and not (parts.username or parts.query or parts.fragment)
    is_public = parts.scheme == "https" and "." in host and not _is_inside(host)
    if not is_whole or not (is_public or (parts.scheme in {"http", "https"} and flag("DEBUG", False))):
        must = "an https address on the internet, without a user, for example https://api.example.com"
        raise _refuse(name, must, raw)
    return raw


def _is_inside(host: str) -> bool:
    host = host.rstrip(".")
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        # an address is also written shortened or in hexadecimal, and no public name ends so
        ending = host.rpartition(".")[2]
        return "." not in host or ending.isdigit() or ending.startswith("0x") or ending in _INSIDE


def postgres_url(name: str) -> dict[str, Any]:
    """Return Django's configuration of the PostgreSQL server of a URL; empty if none is set.

    What was wrong is told without the URL, because a password is in it.

    :raises ImproperlyConfigured: for another kind of server, no database name, or a port or option nobody knows.
    """
    raw = text(name)
    if not raw:
        return {}
    scheme, separator, _rest = raw.partition("://")
    if not separator:
        raise _refuse_url(name, "it has no ://")
    if scheme not in {"postgres", "postgresql"}:
        raise _refuse_url(name, f"it begins with {scheme}://")
    try:
        config: dict[str, Any] = env.db_url_config(raw)
        port_is_zero = bool(re.match(r"[^/]*:0+/", raw.rpartition("@")[2]))
    except ValueError:
        config, port_is_zero = {}, True
    if port_is_zero:
        # without its cause, which may quote the password
        raise _refuse_url(name, "its port is no number from 1 to 65535, or its host no name") from None
    if not config["NAME"]:
        raise _refuse_url(name, "it names no database")
    given = config.get("OPTIONS", {})
    try:
        make_conninfo(**{option: value for option, value in given.items() if option not in _DJANGO_OPTIONS})
    except psycopg.ProgrammingError as error:
        raise _refuse_url(name, str(error).strip()) from error
    return config


def _refuse_url(name: str, fault: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} must be {_DATABASE_URL_MUST}; {fault}. Set it in the environment or in .env.")


def require_secret(name: str, value: str) -> None:
    """Refuse a key that could be guessed, without repeating it.

    :raises ImproperlyConfigured: if it is empty, shorter than `MIN_SECRET_KEY_LENGTH`, or a placeholder.
    """
    fault = secret_fault(value, minimum=MIN_SECRET_KEY_LENGTH)
    if fault:
        raise ImproperlyConfigured(
            f"{name} must be a random text of at least {MIN_SECRET_KEY_LENGTH} characters while DEBUG is off; "
            f"it {fault}. "
            "Make one with `python -c 'import secrets; print(secrets.token_urlsafe(48))'` and set it in the "
            "environment or in .env."
        )


def require_at_most(name: str, value: Decimal, limit_name: str, limit: Decimal) -> None:
    """Refuse a setting that exceeds the one that bounds it.

    :raises ImproperlyConfigured: naming both.
    """
    if value > limit:
        raise ImproperlyConfigured(
            f"{name} must be at most {limit_name}; they are {value} and {limit}. "
            "Lower the first or raise the second, in the environment or in .env."
        )
