"""Standard Webhooks, by values signed with openssl outside this code."""

from datetime import timedelta

import pytest

from signals.authentication import secret_make, standard_signature_of
from signals.data import SecretFacts
from signals.enums import SourceMode
from tests.signals.test_authentication import AT, judge, refused, source

BODY = b'{"symbol":"SPY"}'
KEY, ID, STAMP = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1770303600"
GOOD = "v1,zyWVzX/FJk8gdClTlgAXJOiFzb73ETbi9PoQcziHR1c="
OTHER_KEY, OTHER_ID = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_two"
OTHER = "v1,wJdYJe7PH8w4rSPzFx9PMdkCgD9NTMKXkVLo+wiBBi8="


def standard(*keys, **changes):
    facts = [SecretFacts(key, "", AT - timedelta(days=1), None) for key in keys or (KEY,)]
    return source("desk", SourceMode.STANDARD, *facts, **changes)


def headers(**changes):
    return {"standard_id": ID, "standard_timestamp": STAMP, "standard_signature": GOOD, "slug": "desk", **changes}


@pytest.mark.parametrize(
    ("key", "message_id", "stamp", "body", "signature"),
    [
        (KEY, ID, "1614265330", b'{"test": 2432232314}', "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        (KEY, ID, STAMP, BODY, GOOD),
        (KEY.removeprefix("whsec_"), ID, STAMP, BODY, GOOD),
        (OTHER_KEY, OTHER_ID, STAMP, BODY, OTHER),
    ],
)
def test_a_signature_is_that_of_the_specification(key, message_id, stamp, body, signature):
    assert standard_signature_of(key, message_id, stamp, body) == signature


@pytest.mark.parametrize(
    "signature",
    [GOOD, f"v1,AAAA {GOOD}", f"{GOOD} v1,AAAA", f"  {GOOD}\t{OTHER} ", f"v1a,{GOOD[3:]} v2,x {GOOD}", f"é {GOOD}"],
)
def test_one_good_signature_among_several_is_enough(signature):
    desk = standard()
    assert judge(desk, **headers(standard_signature=signature)).source is desk


@pytest.mark.parametrize(
    "changes",
    [
        {"standard_signature": ""},
        {"standard_signature": GOOD[3:]},
        {"standard_signature": f"v1a,{GOOD[3:]}"},
        {"standard_signature": f"v2,{GOOD[3:]}"},
        {"standard_signature": GOOD.replace("v1,", "V1,")},
        {"standard_signature": GOOD[:-1]},
        {"standard_signature": GOOD + "A"},
        {"standard_signature": GOOD.swapcase()},
        {"standard_signature": GOOD.replace(",", ", ")},
        {"standard_signature": OTHER},
        {"standard_signature": "\ud800"},
        {"standard_id": ""},
        {"standard_id": ID + "x"},
        {"standard_id": "\ud800"},
        {"standard_timestamp": ""},
        {"standard_timestamp": str(int(STAMP) + 1)},
        {"standard_timestamp": STAMP + "000"},
        {"standard_timestamp": STAMP + ".0"},
        {"standard_timestamp": "٣"},
        {"standard_timestamp": "-" + STAMP},
        {"body": BODY + b" "},
    ],
)
def test_anything_else_is_refused(changes):
    refused(standard(), default="a-default-of-the-environment", unsigned=True, **headers(**changes))


@pytest.mark.parametrize(
    ("seconds", "is_in_time"), [(0, True), (300, True), (-300, True), (300.001, False), (-300.001, False)]
)
def test_a_signature_lives_300_seconds(seconds, is_in_time):
    desk, at = standard(), AT + timedelta(seconds=seconds)
    if is_in_time:
        assert judge(desk, at=at, **headers()).source is desk
    else:
        refused(desk, at=at, **headers())


def test_each_of_several_secrets_is_good():
    both = standard(OTHER_KEY, KEY)
    assert judge(both, **headers()).source is both
    assert judge(both, **headers(standard_id=OTHER_ID, standard_signature=OTHER)).source is both


@pytest.mark.parametrize("key", ["whsec_???", "whsec_A", "whsec_é"])
def test_a_secret_that_is_no_base64_lets_nobody_in(key):
    refused(standard(key), **headers())


def test_a_fresh_secret_has_256_bits_and_signs():
    fresh = {secret_make(SourceMode.STANDARD) for _ in range(5)}
    assert len(fresh) == 5
    for key in fresh:
        assert (key[:6], len(key)) == ("whsec_", 50)
        desk = standard(key)
        signature = standard_signature_of(key, ID, STAMP, BODY)
        assert judge(desk, **headers(standard_signature=signature)).source is desk
