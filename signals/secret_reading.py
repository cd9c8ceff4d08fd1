"""Reads a secret or token that a sender dictates: strong enough, and written as its mode can use it. Pure."""

import base64
import re

from optionsengine.core.secret_rule import secret_fault
from signals.authentication import STANDARD_PREFIX
from signals.enums import SourceMode

MAX_LENGTH = 200
MIN_HMAC_LENGTH = 16
STANDARD_KEY_BYTES = (24, 64)  # by the specification
# how many characters make 128 bits, by what the token is written in: digits, hexadecimal, letters of one case, any
_TOKEN_LENGTHS = ((r"[0-9]+", 39), (r"[0-9a-f]+|[0-9A-F]+", 32), (r"[0-9a-z]+|[0-9A-Z]+", 25), (r".*", 22))
_TOKEN = re.compile(r"[A-Za-z0-9._~+=-]+")
_OR_FRESH = "Or leave it empty for a fresh one."


def secret_read(mode: SourceMode, text: str) -> str:
    """Return the secret as it is stored.

    :raises ValueError: saying what it must be, without repeating it.
    """
    secret = text.strip()
    if len(secret) > MAX_LENGTH:
        raise ValueError(f"Give at most {MAX_LENGTH} characters. {_OR_FRESH}")
    if mode == SourceMode.STANDARD:
        return _standard_read(secret)
    minimum = MIN_HMAC_LENGTH
    if mode == SourceMode.TOKEN:
        if not _TOKEN.fullmatch(secret):
            raise ValueError(f"Use letters, digits and . _ ~ + = - only. {_OR_FRESH}")
        minimum = next(length for shape, length in _TOKEN_LENGTHS if re.fullmatch(shape, secret))
    elif not secret.isprintable():
        raise ValueError(f"Use characters that can be seen. {_OR_FRESH}")
    return _unguessable(secret, minimum)


def _standard_read(secret: str) -> str:
    fewest, most = STANDARD_KEY_BYTES
    key = secret.removeprefix(STANDARD_PREFIX)
    try:
        size = len(base64.b64decode(key, validate=True))
    except ValueError:
        size = 0
    if not fewest <= size <= most:
        raise ValueError(
            f"Give {STANDARD_PREFIX} and {fewest} to {most} bytes in base64, as the sender shows it. {_OR_FRESH}"
        )
    _unguessable(key, MIN_HMAC_LENGTH)
    return STANDARD_PREFIX + key


def _unguessable(secret: str, minimum: int) -> str:
    fault = secret_fault(secret, minimum=minimum)
    if fault:
        raise ValueError(f"Give a random text of at least {minimum} characters; it {fault}. {_OR_FRESH}")
    return secret
