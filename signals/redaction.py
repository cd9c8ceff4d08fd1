"""Secrets of a body: found for authentication, and blanked before anything is stored or logged. Pure."""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from signals.data import IntakeRejected
from signals.strict_json import parse_object

MARK = "[redacted]"
TOKEN_KEY = "secret"  # noqa: S105 - the name of the key, not a secret
# what a secret's name ends in, one rule for bodies that parse and those that do not; behind a set of its first letters,
# because the engine passes over a body many times faster by a set
_NAME = (
    r"[stpa](?:(?<=s)ecret(?:[-_ ]?key)?|(?<=t)oken|(?<=p)ass(?:phrase|wd|word)|(?<=p)rivate[-_ ]?key|"
    r"(?<=a)uthorization|(?<=a)(?:pi|ccess)[-_ ]?key)"
)
MIN_LITERAL = 8  # a shorter literal would blank ordinary words
MAX_SECRETS = 32  # each is looked for in the whole body; a body with more is no alert, and nothing of it is kept

# possessive throughout: no body makes it read anything twice
_SECRET = re.compile(
    rb"""(?P<key>""" + _NAME.encode() + rb""")(?P<close>\s*+["']?\s*+[:=]\s*+)"""
    rb"""(?P<value>"[^"\\]*+(?:\\.[^"\\]*+)*+"?|'[^']*+'?|[{\[].*+|"""
    rb"""(?:(?:basic|bearer|digest|token)\s++)?[^\s,;&}\]"']++)""",
    re.IGNORECASE | re.DOTALL,
)
_SECRET_NAME = re.compile(_NAME + r"\s*\Z", re.IGNORECASE)
# a part of every such name: bytes are found many times faster than an expression
_NAME_PARTS = (b"secret", b"token", b"pass", b"private", b"authorization", b"api", b"access")
_NAMED = re.compile(_NAME.encode(), re.IGNORECASE)
_NAME_PART = re.compile(rb"[\w.\x80-\xff-]")
_ESCAPED = re.compile(rb"\\u00([2-7][0-9a-fA-F])")


@dataclass(frozen=True, slots=True)
class Redacted:
    """A body without its secrets, and what it says then if it is a JSON object."""

    body: bytes
    parsed: dict[str, Any] | None = None


def _is_secret_key(key: str) -> bool:
    return _SECRET_NAME.search(key) is not None


def _secret_values(value: dict[str, Any] | list[Any]) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (item for key, item in value.items() if isinstance(item, str) and _is_secret_key(key))
        value = list(value.values())
    for item in value:
        if isinstance(item, dict | list):
            yield from _secret_values(item)


def _scrub(text: str, literals: Collection[str]) -> str:
    for literal in literals if len(text) >= MIN_LITERAL else ():
        text = text.replace(literal, MARK)
    return text


def _blank(value: Any, literals: Collection[str]) -> Any:
    if isinstance(value, str):
        return _scrub(value, literals)
    if isinstance(value, dict):
        return {
            _scrub(key, literals): MARK if _is_secret_key(key) else _blank(item, literals)
            for key, item in value.items()
        }
    if isinstance(value, list):
        # most items of a long list are short texts or numbers, in which no literal fits
        return [_blank(item, literals) if isinstance(item, dict | list) or _is_long(item) else item for item in value]
    return value


def _is_long(value: Any) -> bool:
    return isinstance(value, str) and len(value) >= MIN_LITERAL


def _before(match: re.Match[bytes], length: int) -> bytes:
    """Return the byte `length` before the match; empty at the body's beginning."""
    start = match.start() - length
    return match.string[start : start + 1] if start >= 0 else b""


def _quote_before(match: re.Match[bytes]) -> bytes:
    before = _before(match, 1)
    return before if before in (b'"', b"'") else b""


def _is_token(match: re.Match[bytes]) -> bool:
    """Only a name that is `secret` as a whole holds a sender's token: `client_secret` is somebody else's."""
    before = _before(match, 1 + len(_quote_before(match)))
    return match["key"].lower() == TOKEN_KEY.encode() and not _NAME_PART.fullmatch(before)


def _blank_match(match: re.Match[bytes]) -> bytes:
    quote = match["value"][:1] if match["value"][:1] in (b'"', b"'") else _quote_before(match)
    return match["key"] + match["close"] + quote + MARK.encode() + quote


def _blank_bytes(body: bytes, matches: Iterable[re.Match[bytes]], literals: Collection[str]) -> bytes:
    """Blank `matches`, which are of this very body, and the literals wherever they stand."""
    parts: list[bytes] = []
    end = 0
    for match in matches:
        parts += (body[end : match.start()], _blank_match(match))
        end = match.end()
    blanked = b"".join([*parts, body[end:]])
    for literal in literals:
        for written in {literal, json.dumps(literal)[1:-1]}:
            blanked = blanked.replace(written.encode("utf-8", "surrogatepass"), MARK.encode())
    return blanked


def literals_of(values: Collection[str]) -> list[str]:
    """Return those of `values` that are blanked wherever they stand, longest first."""
    return sorted({value for value in values if len(value) >= MIN_LITERAL}, key=len, reverse=True)


def texts_redact(texts: Iterable[str], known: Collection[str]) -> list[str]:
    """Return headers' texts with the `known` secrets blanked."""
    literals = literals_of(known)
    return [_scrub(text, literals) for text in texts]


def _may_hold_secret(body: bytes, known: Collection[str]) -> bool:
    """Tell by its bytes whether a body has to be looked through. One of plain ASCII says every text as it stands."""
    is_plain = body.isascii() and b"\\" not in body
    return (
        not is_plain
        or _is_named(body)
        or any(one.encode("utf-8", "surrogatepass") in body for one in literals_of(known))
    )


def _is_named(body: bytes) -> bool:
    lowered = body.lower()
    return any(part in lowered for part in _NAME_PARTS) and _NAMED.search(body) is not None


def tokens_read(body: bytes) -> tuple[str, ...]:
    """Return what stands in a body's `secret`, for authentication, without the work of blanking anything."""
    if body.isascii() and b"\\" not in body and TOKEN_KEY.encode() not in body.lower():
        return ()
    try:
        token = parse_object(body).get(TOKEN_KEY)
    except IntakeRejected:
        return _text_tokens(_text_find(body)[1])
    return (token,) if isinstance(token, str) else ()


def body_redact(body: bytes, known: Collection[str] = ()) -> Redacted:
    """Return the body with every secret blanked.

    `known` are secrets that must not survive wherever they stand. A body that parses still means the same afterwards,
    its secrets aside; one that does not is blanked as text. A body without secrets is returned byte for byte.
    """
    try:
        parsed = parse_object(body)
    except IntakeRejected:
        return _redact_text(body, known)
    if not _may_hold_secret(body, known):
        return Redacted(body, parsed)
    theirs = literals_of(list(_secret_values(parsed)))
    if len(theirs) > MAX_SECRETS:
        return Redacted(MARK.encode())
    literals = literals_of([*known, *theirs])
    meant = _blank(parsed, literals)
    if meant == parsed:
        return Redacted(body, parsed)
    matches = _matches(body)
    blanked = _blank_bytes(body, matches, literals) if len(matches) <= MAX_SECRETS else b""
    try:
        is_same = parse_object(blanked) == meant
    except IntakeRejected:
        is_same = False
    return Redacted(blanked if is_same else json.dumps(meant, ensure_ascii=False).encode(), meant)


def _matches(body: bytes) -> list[re.Match[bytes]]:
    """Return what looks like a secret, up to one more than is still looked at."""
    return list(islice(_SECRET.finditer(body), MAX_SECRETS + 1))


def _redact_text(body: bytes, known: Collection[str]) -> Redacted:
    """Blank a body that does not parse. It is searched once: this is what a body made to hurt pays for."""
    body, found = _text_find(body)
    if len(found) > MAX_SECRETS:
        return Redacted(MARK.encode())
    return Redacted(_blank_bytes(body, found, literals_of([*known, *_text_tokens(found)])))


def _text_find(body: bytes) -> tuple[bytes, list[re.Match[bytes]]]:
    """Return what looks like a secret in a body that does not parse, and the body, unescaped if a key was escaped."""
    found = _matches(body)
    if _ESCAPED.search(body):
        unescaped = _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), body)
        also = _matches(unescaped)
        if len(also) != len(found):
            return unescaped, also
    return body, found


def _text_tokens(found: Collection[re.Match[bytes]]) -> tuple[str, ...]:
    values = [match["value"].strip(b"\"'") for match in islice(found, MAX_SECRETS) if _is_token(match)]
    return tuple(value.decode("utf-8", "replace") for value in values)
