"""Invariant 14: no secret in a table. Searches what came from outside for the secrets this installation holds."""

from django.conf import settings
from django.db import connection

from signals.models import WebhookSecret

# where text from outside, or an error that may quote it, is kept
_TEXTS = {
    "webhook_events": "encode(body, 'escape') || headers::text || answer::text || error || path || user_agent",
    "signals": "payload::text",
    "market_contexts_received": "data::text",
    "bias_state_history": "state::text",
    "feed_ticks": "data::text || expiry",
    "job_runs": "error",
    "alerts": "message",
}
# a token is stored as its hash only, so it is looked for by shape: a `secret` in a body that is not blanked
_UNBLANKED = r"""
    SELECT id::text FROM webhook_events WHERE encode(body, 'escape') ~* '"secret"\s*:\s*"(?!\[redacted\]")'
"""


def secrets_find() -> tuple[int, list[tuple[str, str]]]:
    """Return how many rows were searched, and (key, what is wrong) of each that holds a secret."""
    known = {settings.HMAC_SECRET, *WebhookSecret.objects.exclude(secret="").values_list("secret", flat=True)}
    broken: list[tuple[str, str]] = []
    with connection.cursor() as cursor:
        rows = 0
        for table, text in _TEXTS.items():
            cursor.execute(f"SELECT count(*) FROM {table}")
            rows += int(cursor.fetchone()[0])
            for secret in known - {""}:
                cursor.execute(f"SELECT id::text FROM {table} WHERE position(%s IN {text}) > 0", [secret])
                broken += [(key, f"{table} holds a configured secret") for (key,) in cursor.fetchall()]
        cursor.execute(_UNBLANKED)
        broken += [(key, "has a secret that is not blanked") for (key,) in cursor.fetchall()]
    return rows, broken
