"""What must be set before requests are taken outside development."""

import ipaddress
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

MIN_SECRET_LENGTH = 16
PLACEHOLDERS = ("placeholder", "change", "your-", "your_", "replace", "example", "xxxx", "secret")


def secret_fault(secret: str) -> str:
    """Return what is wrong with a shared secret, or an empty text. Pure."""
    if not secret:
        return "is not set"
    if len(secret) < MIN_SECRET_LENGTH:
        return f"is shorter than {MIN_SECRET_LENGTH} characters"
    if secret.lower().startswith(PLACEHOLDERS) or len(set(secret)) < 6:
        return "is a placeholder"
    return ""


@register("security")
def hmac_secret_check(app_configs: Sequence[Any] | None, **options: Any) -> list[CheckMessage]:
    """Stop a start with DEBUG off whose webhook anybody could sign for."""
    fault = "" if settings.DEBUG else secret_fault(settings.HMAC_SECRET)
    if not fault:
        return []
    return [
        Error(
            f"HMAC_SECRET {fault}, and DEBUG is off.",
            hint="Set HMAC_SECRET to a random text, for example the output of `openssl rand -hex 32`, "
            "and sign requests with it.",
            id="signals.E001",
        )
    ]


@register("security")
def trusted_proxies_check(app_configs: Sequence[Any] | None, **options: Any) -> list[CheckMessage]:
    """Stop a start whose proxies could not be compared with the address of any request."""
    errors: list[CheckMessage] = []
    for proxy in settings.TRUSTED_PROXIES:
        try:
            ipaddress.ip_network(proxy, strict=False)
        except ValueError:
            errors.append(
                Error(
                    f"TRUSTED_PROXIES holds {proxy!r}, which is neither an address nor a network.",
                    hint="Set it to a comma-separated list such as 10.0.0.1,192.168.0.0/16.",
                    id="signals.E002",
                )
            )
    return errors
