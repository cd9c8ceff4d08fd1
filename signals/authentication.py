"""Who sent a request: one source, judged in the one way that source signs. There is no downgrade."""

import base64
import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from signals.data import IntakeRejected, SourceFacts
from signals.enums import IntakeCode, SourceMode

TIMESTAMP_TOLERANCE_SECONDS = 300
FAILURES_PER_MINUTE = 60
STANDARD_PREFIX = "whsec_"
_TIMESTAMP = re.compile(r"[0-9]{1,13}")
_STANDARD_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_STANDARD_VERSION = "v1,"

_PROOFS = {
    SourceMode.TOKEN: "No token was sent, or none",
    SourceMode.STANDARD: "webhook-id, webhook-timestamp (within 300 s) and webhook-signature are no proof by a secret",
    SourceMode.HMAC: "The signature (and its time, where the source signs it, within 300 s) is not made with a secret",
}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request offers: raw body, tokens found in it, the source its path names, its headers, its address.

    `standard_*` are the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`.
    """

    body: bytes
    tokens: tuple[str, ...] = ()
    slug: str = ""
    path_token: str = ""
    signature: str = ""
    timestamp: str = ""
    standard_id: str = ""
    standard_timestamp: str = ""
    standard_signature: str = ""
    ip: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The sender: `source` None is the environment's; `authenticated` False is development without a secret."""

    source: SourceFacts | None
    authenticated: bool


def unauthorized(private: str) -> IntakeRejected:
    """Return the one refusal for every failure, so that an answer tells an attacker nothing; `private` tells the owner.

    Nothing that was sent is in it: it may be a secret in the wrong place.
    """
    said = "sign the request, or send the token, as its source requires"
    return IntakeRejected(IntakeCode.UNAUTHORIZED, said, private=private)


def token_hash(token: str) -> str:
    """Return what is stored of a token: its SHA-256 as hex digits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def secret_make(mode: SourceMode) -> str:
    """Return a fresh secret or token of 256 random bits, as senders of this mode expect it written."""
    if mode == SourceMode.STANDARD:
        return STANDARD_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_urlsafe(32)


def signature_of(secret: str, signed: bytes) -> str:
    """Return the HMAC-SHA256 of `signed` as lower-case hex digits."""
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def standard_signature_of(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """Return the Standard Webhooks signature of `id.timestamp.body`, `v1,` and base64, by its specification 1.0.

    `secret` is `whsec_` and the key in base64, `timestamp` whole seconds.

    :raises ValueError: if the secret is not base64.
    """
    key = base64.b64decode(secret.removeprefix(STANDARD_PREFIX), validate=True)
    signed = f"{message_id}.{timestamp}.".encode("utf-8", "surrogatepass") + body
    return _STANDARD_VERSION + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _equal(left: str, right: str) -> bool:
    # bytes, because compare_digest raises on text that is not ASCII
    return hmac.compare_digest(left.encode("utf-8", "replace"), right.encode("utf-8", "replace"))


def _is_near(seconds: float, at: datetime) -> bool:
    return abs(at.timestamp() - seconds) <= TIMESTAMP_TOLERANCE_SECONDS


def _is_signed(credentials: Credentials, secret: str, *, requires_timestamp: bool, at: datetime) -> bool:
    signed = credentials.body
    if credentials.timestamp or requires_timestamp:
        if not _TIMESTAMP.fullmatch(credentials.timestamp):
            return False
        number = int(credentials.timestamp)
        if not _is_near(number / 1000 if number >= 10**12 else number, at):
            return False
        if requires_timestamp:
            signed = credentials.timestamp.encode() + b"." + signed
    signature = credentials.signature.strip().lower().removeprefix("sha256=")
    return _equal(signature, signature_of(secret, signed))


def _is_standard_signed(credentials: Credentials, secret: str, *, at: datetime) -> bool:
    timestamp = credentials.standard_timestamp
    if not (credentials.standard_id and _STANDARD_TIMESTAMP.fullmatch(timestamp) and _is_near(int(timestamp), at)):
        return False
    try:
        expected = standard_signature_of(secret, credentials.standard_id, timestamp, credentials.body)
    except ValueError:
        return False
    return any(_equal(offered, expected) for offered in credentials.standard_signature.split())


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


def _is_genuine(source: SourceFacts, credentials: Credentials, at: datetime) -> bool:
    if source.mode == SourceMode.TOKEN:
        return _by_token([source], [*credentials.tokens, credentials.path_token], at) is not None
    held = [row.secret for row in source.secrets if row.holds(at)]
    if source.mode == SourceMode.STANDARD:
        return any(_is_standard_signed(credentials, secret, at=at) for secret in held)
    needs = source.requires_timestamp
    return any(_is_signed(credentials, secret, requires_timestamp=needs, at=at) for secret in held)


def _judge(source: SourceFacts, credentials: Credentials, at: datetime) -> Verdict:
    if not _is_genuine(source, credentials, at):
        raise unauthorized(f"{_PROOFS[source.mode]} of the source {source.slug} that holds now")
    if not source.is_enabled:
        raise unauthorized(f"The source {source.slug} is switched off.")
    if not _may_send(source, credentials.ip):
        raise unauthorized(
            f"The proof of the source {source.slug} is right, and {credentials.ip or 'its address'} is not one of its "
            "allowed addresses. Behind a proxy that must be in TRUSTED_PROXIES."
        )
    return Verdict(source, True)


def _may_send(source: SourceFacts, ip: str | None) -> bool:
    """Whether the allow-list has the address; where there is a list, an address nobody could read is not on it."""
    if not source.allowed_networks:
        return True
    try:
        return ip is not None and address_in(address_read(ip), source.allowed_networks)
    except ValueError:
        return False


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
            raise unauthorized("No source has the name that stands in the path.")
        return _judge(named, credentials, at)
    enabled = [source for source in sources if source.is_enabled]
    if credentials.path_token:
        holder = _by_token(enabled, [credentials.path_token], at)
        if holder is None:
            raise unauthorized("The token in the path is that of no source that is switched on, or holds no longer.")
        return _judge(holder, credentials, at)
    holder = _by_token(enabled, credentials.tokens, at)
    if holder is not None:
        return _judge(holder, credentials, at)
    is_unknown = bool(credentials.tokens) and any(source.mode == SourceMode.TOKEN for source in enabled)
    default = next((source for source in sources if source.is_default), None)
    if default is not None:
        return _judge(default, credentials, at)
    if default_secret:
        if not _is_signed(credentials, default_secret, requires_timestamp=False, at=at):
            raise unauthorized(
                "The token in the body is of no source that is switched on, and nothing is signed with HMAC_SECRET."
                if credentials.tokens
                else "The signature, of the raw body, is not made with HMAC_SECRET."
            )
        return Verdict(None, True)
    if is_unknown or not unsigned_allowed:
        raise unauthorized(
            "The token in the body is that of no source that is switched on, or holds no longer."
            if is_unknown
            else "There is no source to judge it by: set HMAC_SECRET, or make a source and post to its address."
        )
    return Verdict(None, False)


def address_read(text: str) -> Address:
    """Return the address, an IPv4 one written inside IPv6 (`::ffff:192.0.2.1`) as IPv4, without a zone.

    :raises ValueError: if it is none.
    """
    address = ipaddress.ip_address(text.strip().partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def network_read(text: str) -> Network:
    """Return the network, or that of the one address, an IPv4 one written inside IPv6 as IPv4.

    :raises ValueError: if it is none.
    """
    network = ipaddress.ip_network(text.strip(), strict=False)
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return ipaddress.IPv4Network((mapped, network.prefixlen - 96))
    return network


@lru_cache(maxsize=1024)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(network_read(text) for text in texts)


def address_in(address: Address, networks: Sequence[str]) -> bool:
    """Return whether one of `networks`, addresses or networks as text, holds the address.

    :raises ValueError: if one of them is neither.
    """
    return any(address in network for network in _networks(tuple(networks)))


def client_ip(peer: str, forwarded_for: str, trusted_proxies: Sequence[str]) -> str | None:
    """Return the client's address: the peer's, or the last forwarded one that no trusted proxy added.

    `trusted_proxies` are addresses or networks. Returns None where there is no readable address.
    """
    chain = [*(part.strip() for part in forwarded_for.split(",") if part.strip()), peer]
    while True:
        try:
            address = address_read(chain.pop())
        except ValueError:
            return None
        if not chain or not address_in(address, trusted_proxies):
            return str(address)
