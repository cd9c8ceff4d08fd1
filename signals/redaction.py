"""Secrets of a body: found for authentication, and blanked before anything is stored or logged. Pure."""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from signals.data import IntakeRejected
from signals.strict_json import parse_object

MARK = "[redacted]"
TOKEN_KEY = "secret"  # noqa: S105 - the name of the key, not a secret
# what a secret's name ends in, one rule for bodies that parse and bodies that do not
_NAME = r"(?:secret|passphrase|passwd|password|token|authorization|(?:api|private|secret|access)[-_ ]?key)"
MIN_LITERAL = 8  # a shorter literal would blank ordinary words

# possessive throughout: no body makes it read anything twice
_SECRET = re.compile(
    rb"""(?P<open>["']?)(?P<key>""" + _NAME.encode() + rb""")(?P<close>\s*+["']?\s*+[:=]\s*+)"""
    rb"""(?P<value>"[^"\\]*+(?:\\.[^"\\]*+)*+"?|'[^']*+'?|[{\[].*+|"""
    rb"""(?:(?:basic|bearer|digest|token)\s++)?[^\s,;&}\]"']++)""",
    re.IGNORECASE | re.DOTALL,
)
_SECRET_NAME = re.compile(_NAME + r"\s*\Z", re.IGNORECASE)
_NAME_PART = re.compile(rb"[\w.\x80-\xff-]")
_ESCAPED = re.compile(rb"\\u00([2-7][0-9a-fA-F])")


@dataclass(frozen=True, slots=True)
class Redacted:
    """A body without its secrets, and the tokens that stood in its `secret`."""

    body: bytes
    tokens: tuple[str, ...]


def _is_secret_key(key: str) -> bool:
    return _SECRET_NAME.search(key) is not None


def _secret_values(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if _is_secret_key(key) and isinstance(item, str):
                yield item
            yield from _secret_values(item)
    elif isinstance(value, list):
        for item in value:
            yield from _secret_values(item)


def _scrub(text: str, literals: Collection[str]) -> str:
    for literal in literals:
        text = text.replace(literal, MARK)
    return text


def _blank(value: Any, literals: Collection[str]) -> Any:
    if isinstance(value, dict):
        return {
            _scrub(key, literals): MARK if _is_secret_key(key) else _blank(item, literals)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_blank(item, literals) for item in value]
    return _scrub(value, literals) if isinstance(value, str) else value


def _is_token(match: re.Match[bytes]) -> bool:
    """Only a name that is `secret` as a whole holds a sender's token: `client_secret` is somebody else's."""
    start = match.start("key")
    return match["key"].lower() == TOKEN_KEY.encode() and not _NAME_PART.fullmatch(
        match.string[max(start - 1, 0) : start]
    )


def _blank_match(match: re.Match[bytes]) -> bytes:
    quote = match["value"][:1] if match["value"][:1] in (b'"', b"'") else match["open"]
    return match["open"] + match["key"] + match["close"] + quote + MARK.encode() + quote


def _blank_bytes(body: bytes, literals: Collection[str]) -> bytes:
    blanked = _SECRET.sub(_blank_match, body)
    for literal in literals:
        for written in {literal, json.dumps(literal)[1:-1]}:
            blanked = blanked.replace(written.encode("utf-8", "surrogatepass"), MARK.encode())
    return blanked


def literals_of(values: Collection[str]) -> list[str]:
    """Return those of `values` that are blanked wherever they stand, longest first."""
    return sorted({value for value in values if len(value) >= MIN_LITERAL}, key=len, reverse=True)


def text_redact(text: str, known: Collection[str]) -> str:
    """Return a header's text with the `known` secrets blanked."""
    return _scrub(text, literals_of(known))


def body_redact(body: bytes, known: Collection[str] = ()) -> Redacted:
    """Return the body with every secret blanked, and the tokens found in `secret`.

    `known` are secrets that must not survive wherever they stand. A body that parses still means the same afterwards,
    its secrets aside; one that does not is blanked as text. A body without secrets is returned byte for byte.
    """
    try:
        parsed = parse_object(body)
    except IntakeRejected:
        unescaped = _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), body)
        if len(_SECRET.findall(unescaped)) != len(_SECRET.findall(body)):
            body = unescaped  # a key was written with escapes
        found = [match["value"].strip(b"\"'") for match in _SECRET.finditer(body) if _is_token(match)]
        tokens = tuple(value.decode("utf-8", "replace") for value in found)
        return Redacted(_blank_bytes(body, literals_of([*known, *tokens])), tokens)
    token = parsed.get(TOKEN_KEY)
    tokens = (token,) if isinstance(token, str) else ()
    literals = literals_of([*known, *_secret_values(parsed)])
    meant = _blank(parsed, literals)
    if meant == parsed:
        return Redacted(body, tokens)
    blanked = _blank_bytes(body, literals)
    try:
        is_same = parse_object(blanked) == meant
    except IntakeRejected:
        is_same = False
    return Redacted(blanked if is_same else json.dumps(meant, ensure_ascii=False).encode(), tokens)
