"""Readers of the environment that fail loudly: the name, what it must be, and what it was."""

from decimal import Decimal, InvalidOperation
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")


def _refuse(name: str, must: str, raw: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} must be {must}; it is {raw!r}. Set it in the environment or in .env.")


def text(name: str, default: str = "") -> str:
    return str(env.str(name, default=default)).strip()


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
