from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_DNS, uuid5

import pytest

from signals.authentication import (
    Credentials,
    authenticate,
    client_ip,
    signature_of,
    standard_signature_of,
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
        ("::ffff:10.0.0.1", "198.51.100.1", ["10.0.0.1"], "198.51.100.1"),
        ("10.0.0.1", "::ffff:198.51.100.1", ["::ffff:10.0.0.1"], "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, ::ffff:10.0.0.2", ["10.0.0.0/8"], "198.51.100.1"),
        ("::ffff:203.0.113.9", "198.51.100.1", ["10.0.0.0/8"], "203.0.113.9"),
        ("203.0.113.9", "10.0.0.1", ["10.0.0.0/8"], "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1, nonsense", ["10.0.0.1"], None),
        ("10.0.0.1", "198.51.100.1:443", ["10.0.0.1"], None),
        ("fe80::1%eth0", "", [], "fe80::1"),
        ("fe80::1%eth0", "2001:db8::7", ["fe80::/10"], "2001:db8::7"),
    ],
)
def test_forwarded_addresses_are_believed_from_trusted_proxies_only(peer, forwarded, trusted, expected):
    assert client_ip(peer, forwarded, trusted) == expected


# --- which source judges: path, token in the path, token in the body, default, environment ----------------------------

ENVIRONMENT = "the-environment-s-0123456789"
BY_ENVIRONMENT = signature_of(ENVIRONMENT, BODY)
ROW_SECRET = "the-default-row-s-0123456789"
BY_ROW = signature_of(ROW_SECRET, BODY)
OFFERS = {
    "nothing": {},
    "hmac": {"signature": GOOD},
    "row": {"signature": BY_ROW},
    "environment": {"signature": BY_ENVIRONMENT},
    "token": {"tokens": (TOKEN,)},
    "unknown token": {"tokens": ("junk",)},
    "token and hmac": {"tokens": (TOKEN,), "signature": GOOD},
    "unknown token and row": {"tokens": ("junk",), "signature": BY_ROW},
    "unknown token and environment": {"tokens": ("junk",), "signature": BY_ENVIRONMENT},
    "standard": {
        "standard_id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "standard_timestamp": "1770303600",
        "standard_signature": "v1,zyWVzX/FJk8gdClTlgAXJOiFzb73ETbi9PoQcziHR1c=",
    },
}
PATHS = {
    "": {},
    "desk": {"slug": "desk"},
    "tv": {"slug": "tv"},
    "std": {"slug": "std"},
    "off": {"slug": "off"},
    "nobody": {"slug": "nobody"},
    "t/good": {"path_token": TOKEN},
    "t/off": {"path_token": "token-of-a-disabled-source"},
    "t/junk": {"path_token": "junk"},
}
# path → offer → who is let in; every other offer on that path is refused
TOLD = {
    "": {
        "token": "tv",
        "token and hmac": "tv",
        "row": "row",
        "unknown token and row": "row",
        "environment": "environment",
        "unknown token and environment": "environment",
    },
    "desk": {"hmac": "desk", "token and hmac": "desk"},
    "tv": {"token": "tv", "token and hmac": "tv"},
    "std": {"standard": "std"},
    "off": {},
    "nobody": {},
    "t/good": dict.fromkeys(OFFERS, "tv"),
    "t/off": {},
    "t/junk": {},
}


@pytest.mark.parametrize("has_row", [True, False])
@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize("path", PATHS)
def test_one_source_judges_and_no_other_way_leads_round_it(path, offer, has_row):
    sources = [
        hmac_source(),
        token_source(),
        source("std", SourceMode.STANDARD, SecretFacts("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "", AT, None)),
        token_source("off", "token-of-a-disabled-source", is_enabled=False),
    ]
    if has_row:
        sources.append(source("row", SourceMode.HMAC, SecretFacts(ROW_SECRET, "", AT, None), is_default=True))
    expected = TOLD[path].get(offer)
    if expected == ("environment" if has_row else "row"):
        expected = None
    arguments = {"default": ENVIRONMENT, "unsigned": True, **PATHS[path], **OFFERS[offer]}
    if expected is None:
        refused(*sources, **arguments)
    else:
        verdict = judge(*sources, **arguments)
        assert verdict.authenticated
        assert (verdict.source.slug if verdict.source else "environment") == expected


# --- when a secret holds ----------------------------------------------------------------------------------------------

TICK = timedelta(microseconds=1)
START, END = AT, AT + timedelta(hours=24)


@pytest.mark.parametrize(
    ("at", "holds"),
    [(START - TICK, False), (START, True), (START + TICK, True), (END - TICK, True), (END, True), (END + TICK, False)],
)
@pytest.mark.parametrize("mode", SourceMode)
def test_a_secret_holds_from_its_first_to_its_last_moment(mode, at, holds):
    key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    if mode == SourceMode.TOKEN:
        row, offer = SecretFacts("", token_hash(TOKEN), START, END), {"tokens": (TOKEN,)}
    elif mode == SourceMode.HMAC:
        row, offer = SecretFacts(SECRET, "", START, END), {"signature": GOOD}
    else:
        stamp = str(int(at.timestamp()))
        row = SecretFacts(key, "", START, END)
        offer = {
            "standard_id": "msg_1",
            "standard_timestamp": stamp,
            "standard_signature": standard_signature_of(key, "msg_1", stamp, BODY),
        }
    sender = source("desk", mode, row)
    if holds:
        assert judge(sender, slug="desk", at=at, **offer).source is sender
    else:
        refused(sender, slug="desk", at=at, unsigned=True, **offer)


# --- where a source may send from -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allowed", "ip", "may"),
    [
        ((), None, True),
        ((), "203.0.113.9", True),
        (("52.89.214.238",), "52.89.214.238", True),
        (("52.89.214.238",), "52.89.214.237", False),
        (("52.89.214.238",), "52.89.214.239", False),
        (("52.89.214.238",), None, False),
        (("52.89.214.238",), "nonsense", False),
        (("52.89.214.238",), "::ffff:52.89.214.238", True),
        (("::ffff:52.89.214.238",), "52.89.214.238", True),
        (("34.212.75.30", "52.89.214.238"), "52.89.214.238", True),
        (("10.0.0.0/24",), "10.0.0.0", True),
        (("10.0.0.0/24",), "10.0.0.255", True),
        (("10.0.0.0/24",), "10.0.1.0", False),
        (("10.0.0.0/24",), "::ffff:10.0.0.7", True),
        (("::ffff:10.0.0.0/120",), "10.0.0.255", True),
        (("::ffff:10.0.0.0/120",), "10.0.1.0", False),
        (("2001:db8::/64",), "2001:db8::ffff", True),
        (("2001:db8::/64",), "2001:db8:0:1::", False),
        (("2001:db8::1",), "2001:0db8:0:0::0001", True),
        (("::/0",), "203.0.113.9", False),
        (("fe80::1",), "fe80::1%eth0", True),
    ],
)
@pytest.mark.parametrize("way", ["slug", "default", "body token", "path token"])
def test_an_allow_list_is_judged_whatever_way_the_source_is_found(allowed, ip, may, way):
    if way in ("slug", "default"):
        sender = hmac_source(allowed_networks=allowed, is_default=way == "default")
        offer = {"signature": GOOD, "slug": "desk" if way == "slug" else ""}
    else:
        sender = token_source(allowed_networks=allowed)
        offer = {"tokens": (TOKEN,)} if way == "body token" else {"path_token": TOKEN}
    if may:
        assert judge(sender, ip=ip, **offer).source is sender
    else:
        refused(sender, ip=ip, default=SECRET, unsigned=True, **offer)


def test_an_allowed_address_is_no_signature():
    refused(hmac_source(allowed_networks=("10.0.0.1",)), slug="desk", ip="10.0.0.1", unsigned=True)
