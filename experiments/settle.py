"""Rounding facts once, so that they survive JSON exactly and take little room. Pure."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar

DIGITS = 6
MAX_TEXT = 40
PRICE = Decimal("0.0001")

Record = TypeVar("Record")


@lru_cache(maxsize=4096)  # a chain writes its few hundred prices over and over
def price_exact(amount: Decimal) -> Decimal:
    """Return the amount to four decimals without trailing zeros, so that its text is short and always the same."""
    rounded = amount.quantize(PRICE)
    whole = rounded.to_integral_value() + 0  # adding zero turns −0, whose text is not that of 0, into 0
    return whole if whole == rounded else rounded.normalize()


def number_exact(value: float, digits: int) -> float:
    """Return the number to `digits` places, without the negative zero that JSON columns lose."""
    return round(float(value), digits) + 0.0


def settled(record: Record) -> Record:
    """Return a frozen dataclass with every number in it rounded: floats to six places, decimals to four.

    Texts are cut at 40 characters, mappings sorted by key; what lies in it in tuples, mappings and dataclasses too.
    """
    return _settled(record)  # type: ignore[no-any-return]  # each kind comes back as itself


def _settled(value: Any) -> Any:
    match value:
        case None | bool() | int() | Enum():
            return value
        case float():
            return number_exact(value, DIGITS)
        case Decimal():
            return price_exact(value)
        case str():
            return value[:MAX_TEXT]
        case tuple():
            return tuple(_settled(each) for each in value)
        case Mapping():
            return {key: _settled(value[key]) for key in sorted(value, key=str)}
        case _ if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{each.name: _settled(getattr(value, each.name)) for each in fields(value)})
        case _:
            return value
