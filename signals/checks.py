"""What must be set before requests are taken outside development, and what development is warned of."""

import ipaddress
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from optionsengine.core.secret_rule import secret_fault

MIN_SECRET_LENGTH = 16
_HINT = "Set HMAC_SECRET to a random text, for example the output of `openssl rand -hex 32`, and sign requests with it."


@register("security")
def hmac_secret_check(app_configs: Sequence[Any] | None, **options: Any) -> list[CheckMessage]:
    """Stop a start with DEBUG off whose webhook anybody could sign for; in development only a weak secret is told."""
    fault = secret_fault(settings.HMAC_SECRET, minimum=MIN_SECRET_LENGTH)
    must = f"HMAC_SECRET must be a random text of at least {MIN_SECRET_LENGTH} characters"
    if not fault or (settings.DEBUG and not settings.HMAC_SECRET):
        return []
    if settings.DEBUG:
        said = f"{must}; it {fault}. A start with DEBUG off would refuse it."
        return [Warning(said, hint=_HINT, id="signals.W001")]
    return [Error(f"{must} while DEBUG is off; it {fault}.", hint=_HINT, id="signals.E001")]


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
