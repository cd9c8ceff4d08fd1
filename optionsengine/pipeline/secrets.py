"""Invariant 14: no secret in the inbox. Searches every stored request for the secrets this installation holds."""

from django.conf import settings
from django.db import connection

from signals.models import WebhookSource

_SEARCH = """
    SELECT id::text FROM webhook_events
    WHERE position(convert_to(%(secret)s, 'UTF8') IN body) > 0
       OR position(%(secret)s IN headers::text || answer::text || error || path || user_agent) > 0
"""
# a token is stored as its hash only, so it is looked for by shape: a `secret` in a body that is not blanked
_UNBLANKED = r"""
    SELECT id::text FROM webhook_events WHERE encode(body, 'escape') ~* '"secret"\s*:\s*"(?!\[redacted\]")'
"""


def secrets_find() -> tuple[int, list[tuple[str, str]]]:
    """Return how many stored requests were searched, and (key, what is wrong) of each that holds a secret."""
    known = {settings.HMAC_SECRET, *WebhookSource.objects.exclude(secret="").values_list("secret", flat=True)}
    broken: list[tuple[str, str]] = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM webhook_events")
        rows = int(cursor.fetchone()[0])
        for secret in known - {""}:
            cursor.execute(_SEARCH, {"secret": secret})
            broken += [(key, "holds a configured secret") for (key,) in cursor.fetchall()]
        cursor.execute(_UNBLANKED)
        broken += [(key, "has a secret that is not blanked") for (key,) in cursor.fetchall()]
    return rows, broken
