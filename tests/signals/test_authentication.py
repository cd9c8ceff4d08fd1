from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_DNS, uuid5

import pytest

from signals.authentication import (
    Credentials,
    authenticate,
    client_ip,
    signature_of,
    token_hash,
)
from signals.data import IntakeRejected, SecretFacts, SourceFacts
from signals.enums import IntakeCode, SourceMode

AT = datetime(2026, 2, 5, 15, 0, tzinfo=UTC)
SECRET, TOKEN = "shared-secret-0123456789", "token-0123456789abcdef"
BODY = b'{"symbol":"SPY"}'


def source(slug, mode, *secrets, **changes):
    facts = {
        "requires_timestamp": False,
        "allowed_networks": (),
        "reads_id": True,
        "ids_only": False,
        "is_enabled": True,
        "is_default": False,
    }
    return SourceFacts(pk=uuid5(NAMESPACE_DNS, slug), slug=slug, mode=mode, secrets=secrets, **facts | changes)


def hmac_source(slug="desk", **changes):
    return source(slug, SourceMode.HMAC, SecretFacts(SECRET, "", AT, None), **changes)


def token_source(slug="tv", token=TOKEN, **changes):
    return source(slug, SourceMode.TOKEN, SecretFacts("", token_hash(token), AT, None), **changes)


def judge(*sources, default="", unsigned=False, at=AT, **offered):
    return authenticate(
        Credentials(**{"body": BODY, **offered}),
        sources=sources,
        default_secret=default,
        unsigned_allowed=unsigned,
        at=at,
    )


def refused(*sources, **arguments):
    with pytest.raises(IntakeRejected) as refusal:
        judge(*sources, **arguments)
    assert refusal.value.code == IntakeCode.UNAUTHORIZED
    return str(refusal.value)


GOOD = signature_of(SECRET, BODY)


@pytest.mark.parametrize("signature", [GOOD, GOOD.upper(), f"sha256={GOOD}", f" {GOOD} "])
def test_the_default_secret_judges_a_signature(signature):
    verdict = judge(default=SECRET, signature=signature)
    assert (verdict.source, verdict.authenticated) == (None, True)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "00",
        GOOD[:-1],
        GOOD + "0",
        f"sha1={GOOD}",
        signature_of("another", BODY),
        signature_of(SECRET, BODY + b" "),
        "é",
        "\ud800",
    ],
)
def test_any_other_signature_is_refused(signature):
    refused(default=SECRET, signature=signature, unsigned=True)


def test_without_a_secret_only_development_lets_a_request_through():
    assert judge(unsigned=True).authenticated is False
    refused(unsigned=False)


def test_every_refusal_reads_the_same():
    texts = {
        refused(default=SECRET),
        refused(slug="nobody"),
        refused(token_source(), tokens=("wrong",)),
        refused(path_token="wrong"),
        refused(hmac_source(is_enabled=False), slug="desk", signature=GOOD),
    }
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("offset", "is_accepted"),
    [(0, True), (300, True), (-300, True), (300.001, False), (-300.001, False), (86400, False)],
)
def test_a_timestamp_header_lives_300_seconds(offset, is_accepted):
    arguments = {
        "default": SECRET,
        "signature": GOOD,
        "timestamp": str(int(AT.timestamp())),
        "at": AT + timedelta(seconds=offset),
    }
    if is_accepted:
        assert judge(**arguments).authenticated
    else:
        refused(**arguments)


@pytest.mark.parametrize("timestamp", ["soon", "-1", "1e9", "٣", "1" * 14, " 1770303600", "17703036.5"])
def test_an_unreadable_timestamp_is_refused(timestamp):
    refused(default=SECRET, signature=GOOD, timestamp=timestamp)


def test_a_source_that_requires_it_signs_the_timestamp_with_the_body():
    source = hmac_source(requires_timestamp=True)
    stamp = str(int(AT.timestamp()))
    bound = signature_of(SECRET, f"{stamp}.".encode() + BODY)
    assert judge(source, slug="desk", signature=bound, timestamp=stamp).source is source
    milliseconds = stamp + "000"
    bound_ms = signature_of(SECRET, f"{milliseconds}.".encode() + BODY)
    assert judge(source, slug="desk", signature=bound_ms, timestamp=milliseconds).source is source
    refused(source, slug="desk", signature=GOOD, timestamp=stamp)
    refused(source, slug="desk", signature=bound)
    refused(source, slug="desk", signature=bound, timestamp=str(int(stamp) + 1))


def test_the_path_names_the_source_and_nothing_overrides_it():
    desk, tv = hmac_source(), token_source()
    assert judge(desk, tv, slug="desk", signature=GOOD).source is desk
    assert judge(desk, tv, slug="tv", tokens=(TOKEN,)).source is tv
    assert judge(desk, tv, path_token=TOKEN).source is tv
    refused(desk, tv, slug="desk", tokens=(TOKEN,))
    refused(desk, tv, slug="tv", signature=GOOD)
    refused(desk, tv, slug="nobody", signature=GOOD, tokens=(TOKEN,), default=SECRET, unsigned=True)
    refused(desk, tv, path_token="wrong", signature=GOOD, default=SECRET)


def test_a_token_in_the_body_names_its_source():
    first, second = token_source("one", "token-one-012345"), token_source("two", "token-two-012345")
    assert judge(first, second, tokens=("token-two-012345",)).source is second
    assert judge(first, second, tokens=("junk", "token-one-012345")).source is first


def test_an_unknown_token_needs_the_default_source_s_signature():
    tv, row = token_source(), hmac_source(is_default=True)
    assert judge(tv, tokens=("junk",), default=SECRET, signature=GOOD).source is None
    assert judge(tv, row, tokens=("junk",), default="another-secret-012", signature=GOOD).source is row
    for signature in ("", "00", signature_of("another", BODY)):
        refused(tv, tokens=("junk",), default=SECRET, signature=signature, unsigned=True)
        refused(tv, row, tokens=("junk",), signature=signature, unsigned=True)
    refused(tv, tokens=("junk",), unsigned=True)
    refused(tv, tokens=("junk",), signature=GOOD, unsigned=True)
    refused(token_source(is_default=True), tokens=("junk",), default=SECRET, signature=GOOD, unsigned=True)


def test_a_token_without_token_sources_is_not_judged():
    assert judge(tokens=("junk",), unsigned=True).authenticated is False
    assert judge(hmac_source(), tokens=("junk",), default=SECRET, signature=GOOD).authenticated


def test_a_disabled_source_lets_nobody_in_and_is_no_way_round():
    gone = token_source(is_enabled=False)
    refused(gone, path_token=TOKEN)
    refused(gone, slug="tv", tokens=(TOKEN,))
    refused(hmac_source(is_default=True, is_enabled=False), signature=GOOD, default=SECRET, unsigned=True)


def test_the_default_row_stands_before_the_environment():
    row = hmac_source(is_default=True)
    assert judge(row, default="another-secret-012", signature=GOOD).source is row
    refused(row, default="another-secret-012", signature=signature_of("another-secret-012", BODY))


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "expected"),
    [
        ("203.0.113.9", "", [], "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", [], "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", ["10.0.0.1"], "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1", ["10.0.0.1"], "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", ["10.0.0.0/8"], "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", ["10.0.0.0/8"], "10.0.0.3"),
        ("10.0.0.1", "", ["10.0.0.1"], "10.0.0.1"),
        ("10.0.0.1", "nonsense", ["10.0.0.1"], None),
        ("::1", "2001:db8::7", ["::1"], "2001:db8::7"),
        ("", "", [], None),
        ("unix:", "198.51.100.1", [], None),
    ],
)
def test_forwarded_addresses_are_believed_from_trusted_proxies_only(peer, forwarded, trusted, expected):
    assert client_ip(peer, forwarded, trusted) == expected
