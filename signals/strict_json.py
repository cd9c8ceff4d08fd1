"""The one JSON parser of the intake: it refuses what two readers could understand differently."""

import json
import re
from typing import Any

from signals.data import IntakeRejected
from signals.enums import IntakeCode
from signals.fields import placeholder_fault

MAX_DEPTH = 16
MAX_VALUES = 10_000
MAX_EXPONENT = 12
MAX_NUMBER_LENGTH = 50

# possessive, and the closing quote optional, so that no body makes the scan go back over what it has read
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_UNFIT = re.compile("[\x00\ud800-\udfff]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def _refuse(message: str) -> IntakeRejected:
    return IntakeRejected(IntakeCode.INVALID_JSON, f'{message}. Send one JSON object, for example {{"symbol": "SPY"}}.')


def _check_shape(body: bytes) -> None:
    bare = _STRING.sub(b"", body)
    if bare.count(b",") > MAX_VALUES:
        raise _refuse(f"the body holds more than {MAX_VALUES} values")
    depth = 0
    for bracket in bare.translate(None, _NOT_BRACKETS):
        if bracket in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise _refuse(f"the body nests deeper than {MAX_DEPTH} levels")
        else:
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _refuse("a key appears twice in one object")
    return result


def _integer(literal: str) -> int:
    if len(literal) > MAX_NUMBER_LENGTH:
        raise _refuse(f"a number has more than {MAX_NUMBER_LENGTH} digits")
    return int(literal)


def _float(literal: str) -> float:
    _, _, exponent = literal.lower().partition("e")
    if len(literal) > MAX_NUMBER_LENGTH:
        raise _refuse(f"a number has more than {MAX_NUMBER_LENGTH} digits")
    if exponent and abs(int(exponent)) > MAX_EXPONENT:
        raise _refuse(f"a number's exponent is beyond {MAX_EXPONENT}")
    return float(literal)


def _constant(literal: str) -> Any:
    raise _refuse(f"{literal} is not a number")


def _check_text(value: Any) -> None:
    if isinstance(value, str):
        unfit = _UNFIT.search(value) if value else None
        if unfit:
            what = "a NUL character" if unfit[0] == "\x00" else "half of a surrogate pair"
            raise _refuse(f"a text holds {what}")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_text(key)
            _check_text(item)
    elif isinstance(value, list):
        for item in value:
            _check_text(item)


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that `body` holds, numbers as int or finite float.

    :raises IntakeRejected: `INVALID_JSON` for bad UTF-8, NUL, lone surrogates, duplicate keys, NaN or Infinity,
        nesting over `MAX_DEPTH`, more than `MAX_VALUES` values, an exponent over `MAX_EXPONENT`, an overlong number,
        or anything but an object.
    """
    _check_shape(body)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise _refuse("the body is not UTF-8") from None
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
        )
    except ValueError:
        raise _refuse(placeholder_fault(text) or "the body is not valid JSON") from None
    if not isinstance(value, dict):
        raise _refuse("the body is not an object")
    if b"\\u" in body or b"\x00" in body:
        _check_text(value)
    return value
