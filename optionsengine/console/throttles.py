"""Guessing passwords is slow: logins are counted per address and per name, over every process."""

import hashlib
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from rest_framework.throttling import SimpleRateThrottle

from signals.authentication import client_ip


class LoginAddressThrottle(SimpleRateThrottle):
    """Ten attempts a minute from one address."""

    scope = "login"
    cache = caches["shared"]

    def get_cache_key(self, request: Any, view: Any) -> str:
        return f"login:address:{_address_of(request)}"


class CronFailureThrottle(SimpleRateThrottle):
    """Sixty wrong secrets a minute from one address."""

    scope = "cron"
    cache = caches["shared"]

    def get_cache_key(self, request: Any, view: Any) -> str:
        return f"cron:address:{_address_of(request)}"


class LoginNameThrottle(SimpleRateThrottle):
    """Ten attempts a minute on one name, from wherever."""

    scope = "login"
    cache = caches["shared"]

    def get_cache_key(self, request: Any, view: Any) -> str | None:
        name = _name_of(request)
        # hashed, because a cache key has limits that a name has not
        return f"login:name:{hashlib.sha256(name.encode()).hexdigest()}" if name else None


def _address_of(request: Any) -> str:
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    return client_ip(request.META.get("REMOTE_ADDR", ""), forwarded, settings.TRUSTED_PROXIES) or "unknown"


def _name_of(request: Any) -> str:
    try:
        sent = request.POST if isinstance(request, HttpRequest) else request.data
        return str(sent.get("username", "")).strip().lower()
    except (AttributeError, RequestDataTooBig):  # a body that is no mapping carries no name
        return ""


def login_is_throttled(request: HttpRequest) -> bool:
    """Count one attempt of a form login and tell whether it is one too many."""
    asked: Any = request
    by_address = LoginAddressThrottle().allow_request(asked, asked)
    by_name = LoginNameThrottle().allow_request(asked, asked)
    return not (by_address and by_name)
