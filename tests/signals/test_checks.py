import pytest

from signals.checks import hmac_secret_check, trusted_proxies_check

GOOD = "Zk3q9vT1xW7bR5nM2cY8"


WEAK = [
    ("abc", "has 3"),
    (GOOD[:15], "has 15"),
    ("PLACEHOLDER-0123456789", "is a placeholder"),
    ("change-me-in-production", "is a placeholder"),
    ("your-secret-goes-here-now", "is a placeholder"),
    ("aaaaaaaaaaaaaaaaaaaaaaaa", "is a placeholder"),
    ("0123456789" * 3, "is a placeholder"),
]


@pytest.mark.parametrize(("secret", "fault"), [("", "is empty"), *WEAK])
def test_a_weak_secret_stops_the_start_outside_development(settings, secret, fault):
    settings.DEBUG, settings.HMAC_SECRET = False, secret
    (error,) = hmac_secret_check(None)
    assert (error.id, error.is_serious()) == ("signals.E001", True)
    assert error.msg == f"HMAC_SECRET must be a random text of at least 16 characters while DEBUG is off; it {fault}."
    assert "Set HMAC_SECRET" in error.hint
    assert secret == "" or secret not in error.msg + error.hint


@pytest.mark.parametrize(("secret", "fault"), WEAK)
def test_development_is_warned_of_a_weak_secret_and_starts(settings, secret, fault):
    settings.DEBUG, settings.HMAC_SECRET = True, secret
    (warning,) = hmac_secret_check(None)
    assert (warning.id, warning.is_serious()) == ("signals.W001", False)
    assert f"; it {fault}. " in warning.msg
    assert secret not in warning.msg + warning.hint


def test_development_needs_none(settings):
    settings.DEBUG, settings.HMAC_SECRET = True, ""
    assert hmac_secret_check(None) == []


@pytest.mark.parametrize("is_debug", [True, False])
@pytest.mark.parametrize("secret", [GOOD, GOOD[:16]])
def test_a_good_secret_passes(settings, secret, is_debug):
    settings.DEBUG, settings.HMAC_SECRET = is_debug, secret
    assert hmac_secret_check(None) == []


def test_an_unreadable_proxy_stops_the_start(settings):
    settings.TRUSTED_PROXIES = ["10.0.0.1", "192.168.0.0/16", "2001:db8::/32", "proxy.internal", "10.0.0.1/99"]
    errors = trusted_proxies_check(None)
    assert [(error.id, error.msg.split("'")[1]) for error in errors] == [
        ("signals.E002", "proxy.internal"),
        ("signals.E002", "10.0.0.1/99"),
    ]
    settings.TRUSTED_PROXIES = []
    assert trusted_proxies_check(None) == []
