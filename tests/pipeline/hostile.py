"""Requests made to hurt: what the drill of faults 37-40 sends, in process and over a socket."""

import json
from dataclasses import dataclass, field

GOOD = {"symbol": "SPY", "direction": "long", "timeframe": "5m"}
RED = "\x1b[31mSPY\r\n2026-02-05 ERROR forged line"


@dataclass(frozen=True)
class Attack:
    """One request and the answer it must get; `signed` False leaves its own signature header as it is."""

    name: str
    body: bytes
    http: int
    code: str
    headers: dict[str, str] = field(default_factory=dict)
    signed: bool = True

    def __str__(self):
        return self.name


def _written(text):
    """A good alert with one member more, as text that `json` would not write."""
    return (json.dumps(GOOD)[:-1] + ", " + text + "}").encode()


def _with(**changes):
    return json.dumps({**GOOD, **changes}).encode()


_LONG = b'{"symbol": "SPY", "note": "' + b"a" * 130_000 + b'"}'

_SECRETS = ", ".join(f'"x{number}secret": "abcdefgh{number:02}"' for number in range(30))
_MANY = ('{"symbol": "!", ' + _SECRETS + ', "a": ["\\u0041"' + ', ""' * 9_900 + "]}").encode()
_TOO_MANY = ('{"symbol": "!", ' + _SECRETS + ', "a": ["\\u0041"' + ', ""' * 30_000 + "]}").encode()
_FORGED = {"x-webhook-signature": "0" * 64}

ATTACKS = [
    Attack("30 secrets to look for in 10,000 texts", _MANY, 400, "INVALID_SYMBOL"),
    Attack("30 secrets to look for in 30,000 texts", _TOO_MANY, 400, "INVALID_JSON"),
    Attack("30 secrets in 10,000 texts, forged", _MANY, 401, "UNAUTHORIZED", _FORGED, signed=False),
    Attack("9,900 empty objects", b'{"symbol": "!", "a": [' + b"{}, " * 9_900 + b"1]}", 400, "INVALID_SYMBOL"),
    Attack("40,000 empty objects", b'{"symbol": "!", "a": [' + b"{}," * 40_000 + b"1]}", 400, "INVALID_JSON"),
    Attack(
        "120,000 backslashes, forged", b'{"secret": "' + b"\\" * 120_000, 401, "UNAUTHORIZED", _FORGED, signed=False
    ),
    Attack("100,000 opening brackets, forged", b"[" * 100_000, 401, "UNAUTHORIZED", _FORGED, signed=False),
    Attack("100,000 opening brackets", b"[" * 100_000, 400, "INVALID_JSON"),
    Attack("65,000 nested objects", b'{"":' * 26_000 + b"1" + b"}" * 26_000, 400, "INVALID_JSON"),
    Attack("17 levels", _written('"a": ' + "[" * 16 + "1" + "]" * 16), 400, "INVALID_JSON"),
    Attack("integer of 5,000 digits", _written('"price": ' + "9" * 5_000), 400, "INVALID_JSON"),
    Attack("integer of 130,000 digits", b"9" * 130_000, 400, "INVALID_JSON"),
    Attack("fraction of 120,000 digits", _written('"price": 0.' + "9" * 120_000), 400, "INVALID_JSON"),
    Attack("1e1000000", _written('"price": 1e1000000'), 400, "INVALID_JSON"),
    Attack("exponent of 120,000 digits", _written('"price": 1e' + "9" * 120_000), 400, "INVALID_JSON"),
    Attack("price of 1e400 in quotes", _with(price="1e400"), 400, "INVALID_FIELD"),
    Attack("price of 120,000 digits in quotes", _with(price="9" * 120_000), 400, "INVALID_FIELD"),
    Attack("10 MB", b" " * 10_000_000, 413, "PAYLOAD_TOO_LARGE"),
    Attack("one byte over the cap", b" " * (128 * 1024 + 1), 413, "PAYLOAD_TOO_LARGE"),
    Attack("NaN", _written('"price": NaN'), 400, "INVALID_JSON"),
    Attack("-Infinity", _written('"price": -Infinity'), 400, "INVALID_JSON"),
    Attack("duplicate keys", _written('"symbol": "QQQ"'), 400, "INVALID_JSON"),
    Attack("12,000 duplicate keys", b"{" + b'"a": 1, ' * 12_000 + b'"a": 1}', 400, "INVALID_JSON"),
    Attack("NUL in a text", _written('"note": "\\u0000"'), 400, "INVALID_JSON"),
    Attack("raw NUL", b"\x00" * 1_000, 400, "INVALID_JSON"),
    Attack("lone surrogate", _written('"note": "\\ud800"'), 400, "INVALID_JSON"),
    Attack("bad UTF-8", b"\xff\xfe" * 60_000, 400, "INVALID_JSON"),
    Attack("120,000 backslashes", b'{"a": "' + b"\\" * 120_000, 400, "INVALID_JSON"),
    Attack("120,000 quotes", b'"' * 120_000, 400, "INVALID_JSON"),
    Attack("15,000 times a secret's name", b'"secret:' * 15_000, 400, "INVALID_JSON"),
    Attack("a secret of 120,000 characters, cut off", b'{"secret": "' + b"a" * 120_000, 400, "INVALID_JSON"),
    Attack("40,000 secrets that are one letter", b'{"secret": a, ' * 9_000, 400, "INVALID_JSON"),
    Attack(
        "4,000 different secrets",
        b'{"a": [' + b", ".join(b'{"secret": "%010d"}' % number for number in range(4_000)) + b"]}",
        400,
        "INVALID_JSON",
    ),
    Attack(
        "4,000 different secrets, cut off",
        b"[" + b", ".join(b'{"secret": "%010d"}' % number for number in range(4_000)),
        400,
        "INVALID_JSON",
    ),
    Attack("25,000 escapes, cut off", b'{"secret": "\\u0041\\u0042' * 5_000, 400, "INVALID_JSON"),
    Attack("60,000 blanks in a symbol", _with(symbol=" " * 60_000 + "!"), 400, "INVALID_SYMBOL"),
    Attack("a symbol of 120,000 letters", _with(symbol="A" * 120_000), 400, "INVALID_SYMBOL"),
    Attack("60,000 colons in a symbol", _with(symbol=":" * 60_000), 400, "INVALID_SYMBOL"),
    Attack("CRLF and ANSI in a ticker", _with(symbol=RED), 400, "INVALID_SYMBOL"),
    Attack("a timeframe of 120,000 digits", _with(timeframe="1" * 120_000 + "m"), 400, "INVALID_TIMEFRAME"),
    Attack("a timestamp of 120,000 digits", _with(timestamp="1" * 120_000), 400, "INVALID_FIELD"),
    Attack("an expiration of 120,000 digits", _with(expiration="2" * 120_000), 400, "INVALID_FIELD"),
    Attack("non-ASCII signature", _with(), 401, "UNAUTHORIZED", {"x-webhook-signature": "é" * 64}, signed=False),
    Attack("signature of 8,000 bytes", _with(), 401, "UNAUTHORIZED", {"x-webhook-signature": "0" * 8_000}, False),
    Attack("ANSI in the user agent", _with(symbol="!"), 400, "INVALID_SYMBOL", {"user-agent": "\x1b[31mred"}),
    Attack("signed body that is long", _LONG, 400, "MISSING_TIMEFRAME"),
]
