"""The types of which the validated bodies of bias, gamma and feeds are made.

Words are read in any case, plain decimals in quotes as numbers; no NaN or Infinity passes.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from signals.fields import field_read, placeholder_fault
from signals.numbers import number_read


def number_of(value: Any) -> float:
    """Return a number as float."""
    number = number_read(value)
    if number is None:
        raise ValueError("send a number")
    return float(number)


def whole_of(value: Any) -> int:
    """Return a whole number."""
    number = number_read(value)
    if number is None or number != int(number):
        raise ValueError("send a whole number")
    return int(number)


def flag_of(value: Any) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise ValueError("send true or false")
    return value


def text_of(value: Any) -> str:
    """Return a text that says something, trimmed."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("send a text")
    return value.strip()


def text_or_null(value: Any) -> Any:
    """Return a null as the empty text."""
    return "" if value is None else value


def word_upper(value: Any) -> Any:
    """Return a word trimmed and in upper case."""
    return value.strip().upper() if isinstance(value, str) else value


def null_or_number(value: Any) -> float | None:
    """Return a number as float, or None."""
    return None if value is None else number_of(value)


def not_empty(value: Any) -> Any:
    """Return a list with something in it."""
    # before its members are read: a length bound would also count the faulty ones as missing
    if value == []:
        raise ValueError("send at least one")
    return value


Number = Annotated[float, BeforeValidator(number_of)]
Percent = Annotated[float, BeforeValidator(number_of), Field(ge=0, le=100)]
Fraction = Annotated[float, BeforeValidator(number_of), Field(ge=0, le=1)]
Level = Annotated[float | None, BeforeValidator(null_or_number)]
Flag = Annotated[bool, BeforeValidator(flag_of)]
Text = Annotated[str, BeforeValidator(text_of), Field(max_length=200)]

BiasWord = Annotated[Literal["BULLISH", "BEARISH", "NEUTRAL"], BeforeValidator(word_upper)]
Volatility = Annotated[Literal["EXPANDING", "CONTRACTING", "NORMAL"], BeforeValidator(word_upper)]


class Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


Payload = TypeVar("Payload", bound=Block)
Faults = list[tuple[str, str]]


def payload_faults(kind: type[Payload], body: Mapping[str, Any]) -> tuple[Payload | None, Faults]:
    """Return the validated body and no faults, or None and each fault as (dotted path, what is wrong)."""
    try:
        return kind.model_validate(body), []
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        paths = [".".join(str(part) for part in fault["loc"]) for fault in faults]
        messages = [
            placeholder_fault(field_read(body, path)) or fault["msg"].removeprefix("Value error, ")
            for path, fault in zip(paths, faults, strict=True)
        ]
        return None, list(zip(paths, messages, strict=True))
