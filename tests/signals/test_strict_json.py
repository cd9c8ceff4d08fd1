import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.data import IntakeRejected
from signals.enums import IntakeCode
from signals.strict_json import MAX_DEPTH, MAX_VALUES, parse_object


def nested(depth):
    """An object nested `depth` levels deep."""
    return b'{"a":' * depth + b"1" + b"}" * depth


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"symbol":"SPY"}', {"symbol": "SPY"}),
        (b' {"a": [1, -2.5, true, null]} ', {"a": [1, -2.5, True, None]}),
        (b'{"a":1e12}', {"a": 1e12}),
        (b'{"a":1E-12}', {"a": 1e-12}),
        (b'{"a":' + b"9" * 50 + b"}", {"a": int("9" * 50)}),
        (b'{"a":{"k":1},"b":{"k":2}}', {"a": {"k": 1}, "b": {"k": 2}}),
        ('{"a":"é😀"}'.encode(), {"a": "é😀"}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "😀"}),
        (b'{"a":"\\\\u0000"}', {"a": "\\u0000"}),
        (b'{"a":"[[[[[[[[[[[[[[[[[[[[\\"[[["}', {"a": '[[[[[[[[[[[[[[[[[[[["[[['}),
    ],
)
def test_good_objects_are_read(body, expected):
    assert parse_object(body) == expected


def test_nesting_and_size_are_read_to_the_limit():
    assert len(parse_object(b'{"a":[' + b"1," * MAX_VALUES + b"1]}")["a"]) == MAX_VALUES + 1
    assert parse_object(b'{"a":"' + b"," * (MAX_VALUES + 1) + b'"}')
    assert json.dumps(parse_object(nested(MAX_DEPTH))).encode() == nested(MAX_DEPTH).replace(b":", b": ")


BAD = {
    "empty": b"",
    "text": b"symbol=SPY",
    "array": b"[1]",
    "string": b'"SPY"',
    "null": b"null",
    "number": b"1",
    "duplicate key": b'{"a":1,"a":1}',
    "duplicate key inside": b'{"b":[{"a":1,"a":2}]}',
    "duplicate key by escape": b'{"a":1,"\\u0061":2}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":Infinity}',
    "-Infinity": b'{"a":-Infinity}',
    "exponent 13": b'{"a":1e13}',
    "exponent -13": b'{"a":1e-13}',
    "exponent of a million": b'{"a":1e1000000}',
    "overlong integer": b'{"a":' + b"9" * 51 + b"}",
    "5000 digits": b'{"a":' + b"9" * 5000 + b"}",
    "5000 decimals": b'{"a":0.' + b"1" * 5000 + b"}",
    "too deep": nested(MAX_DEPTH + 1),
    "too much": b'{"a":[' + b"1," * (MAX_VALUES + 1) + b"1]}",
    "NUL escaped": b'{"a":"\\u0000"}',
    "NUL in a key": b'{"\\u0000":1}',
    "NUL raw": b'{"a":"\x00"}',
    "NUL after": b'{"a":1}\x00',
    "lone high surrogate": b'{"a":"\\ud800"}',
    "lone low surrogate": b'{"a":["\\udc00"]}',
    "not UTF-8": b'{"a":"\xff"}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"a":1}',
    "newline in a text": b'{"a":"b\nc"}',
    "trailing text": b'{"a":1}{"b":2}',
    "trailing comma": b'{"a":1,}',
    "cut short": b'{"a":"b',
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
def test_bad_bodies_are_refused(body):
    with pytest.raises(IntakeRejected) as refused:
        parse_object(body)
    assert refused.value.code == IntakeCode.INVALID_JSON


@pytest.mark.parametrize(
    "body",
    [b"[" * 131072, b'"' * 131072, b'\\"' * 65536, b"[]" * 65536, b'{"a":' + b"9" * 131000 + b"}", b'{"a":"' * 20000],
    ids=["brackets", "quotes", "escaped quotes", "pairs", "digits", "open texts"],
)
def test_the_largest_bad_bodies_are_refused_at_once(body):
    fastest = min(_seconds_to_refuse(body) for _ in range(3))
    assert fastest < 0.05


def _seconds_to_refuse(body):
    started = time.perf_counter()
    with pytest.raises(IntakeRejected):
        parse_object(body)
    return time.perf_counter() - started


TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=100)
@given(st.dictionaries(st.text("xyz", max_size=4), JSON, max_size=4), st.booleans())
def test_what_json_writes_is_read_back(value, ascii_only):
    assert parse_object(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@settings(max_examples=200)
@given(st.binary(max_size=60))
def test_any_bytes_give_an_object_or_a_refusal(body):
    assert _outcome(body) in (dict, IntakeCode.INVALID_JSON)


def _outcome(body):
    try:
        return type(parse_object(body))
    except IntakeRejected as refused:
        return refused.code
