"""Who sent a request: one source, judged in the one way that source signs. There is no downgrade."""

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from signals.data import IntakeRejected, SourceFacts
from signals.enums import IntakeCode, SourceMode

TIMESTAMP_TOLERANCE_SECONDS = 300
FAILURES_PER_MINUTE = 60
_TIMESTAMP = re.compile(r"[0-9]{1,13}")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request offers: raw body, tokens found in it, the source its path names, its signature headers."""

    body: bytes
    tokens: tuple[str, ...] = ()
    slug: str = ""
    path_token: str = ""
    signature: str = ""
    timestamp: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The sender: `source` None is the environment's; `authenticated` False is development without a secret."""

    source: SourceFacts | None
    authenticated: bool


def unauthorized() -> IntakeRejected:
    """Return the one refusal for every failure, so that an answer tells an attacker nothing."""
    return IntakeRejected(IntakeCode.UNAUTHORIZED, "sign the request, or send the token, as its source requires")


def token_hash(token: str) -> str:
    """Return what is stored of a token: its SHA-256 as hex digits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def signature_of(secret: str, signed: bytes) -> str:
    """Return the HMAC-SHA256 of `signed` as lower-case hex digits."""
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _equal(left: str, right: str) -> bool:
    # bytes, because compare_digest raises on text that is not ASCII
    return hmac.compare_digest(left.encode("utf-8", "replace"), right.encode("utf-8", "replace"))


def _is_signed(credentials: Credentials, secret: str, *, requires_timestamp: bool, at: datetime) -> bool:
    signed = credentials.body
    if credentials.timestamp or requires_timestamp:
        if not _TIMESTAMP.fullmatch(credentials.timestamp):
            return False
        number = int(credentials.timestamp)
        seconds = number / 1000 if number >= 10**12 else number
        if abs(at.timestamp() - seconds) > TIMESTAMP_TOLERANCE_SECONDS:
            return False
        if requires_timestamp:
            signed = credentials.timestamp.encode() + b"." + signed
    signature = credentials.signature.strip().lower().removeprefix("sha256=")
    return _equal(signature, signature_of(secret, signed))


def _by_token(sources: Sequence[SourceFacts], tokens: Sequence[str], at: datetime) -> SourceFacts | None:
    """Return the source that holds one of `tokens`; looks at every one, so that time tells nothing."""
    hashes = [token_hash(token) for token in tokens]
    found = None
    for source in sources:
        for secret in source.secrets if source.mode == SourceMode.TOKEN else ():
            for hashed in hashes:
                if _equal(secret.token_hash, hashed) and secret.holds(at):
                    found = source
    return found


def _judge(source: SourceFacts, credentials: Credentials, at: datetime) -> Verdict:
    if source.mode == SourceMode.TOKEN:
        is_genuine = _by_token([source], credentials.tokens, at) is not None
    else:
        is_genuine = any(
            _is_signed(credentials, secret.secret, requires_timestamp=source.requires_timestamp, at=at)
            for secret in source.secrets
            if secret.holds(at)
        )
    if not (is_genuine and source.is_enabled):
        raise unauthorized()
    return Verdict(source, True)


def authenticate(
    credentials: Credentials,
    *,
    sources: Sequence[SourceFacts],
    default_secret: str,
    unsigned_allowed: bool,
    at: datetime,
) -> Verdict:
    """Return who sent the request: the source its path names, else the one whose token it carries, else the default.

    `default_secret` stands for the default source where no row does. Without either, a request is let through
    unauthenticated if `unsigned_allowed`, unless it carries a token that no token source knows.

    :raises IntakeRejected: `UNAUTHORIZED`, the same for every cause.
    """
    if credentials.slug:
        named = next((source for source in sources if source.slug == credentials.slug), None)
        if named is None:
            raise unauthorized()
        return _judge(named, credentials, at)
    enabled = [source for source in sources if source.is_enabled]
    if credentials.path_token:
        holder = _by_token(enabled, [credentials.path_token], at)
        if holder is None:
            raise unauthorized()
        return Verdict(holder, True)
    holder = _by_token(enabled, credentials.tokens, at)
    if holder is not None:
        return Verdict(holder, True)
    is_unknown = bool(credentials.tokens) and any(source.mode == SourceMode.TOKEN for source in enabled)
    default = next((source for source in sources if source.is_default), None)
    if default is not None:
        return _judge(default, credentials, at)
    if default_secret:
        if not _is_signed(credentials, default_secret, requires_timestamp=False, at=at):
            raise unauthorized()
        return Verdict(None, True)
    if is_unknown or not unsigned_allowed:
        raise unauthorized()
    return Verdict(None, False)


def client_ip(peer: str, forwarded_for: str, trusted_proxies: Sequence[str]) -> str | None:
    """Return the client's address: the peer's, or the last forwarded one that no trusted proxy added.

    `trusted_proxies` are addresses or networks. Returns None where there is no readable address.
    """
    networks = [ipaddress.ip_network(proxy, strict=False) for proxy in trusted_proxies]
    chain = [*(part.strip() for part in forwarded_for.split(",") if part.strip()), peer.strip()]
    while True:
        try:
            address = ipaddress.ip_address(chain.pop())
        except ValueError:
            return None
        if not chain or not any(address in network for network in networks):
            return str(address)
