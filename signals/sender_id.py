"""The sender's own id of an alert. Pure."""

import hashlib
from collections.abc import Mapping
from typing import Any

from signals.fields import field_read, is_given

BARE_ID = "id"
SOURCES = ("event_id", "signal_id", BARE_ID, "journal.signal_id", "meta.event_id")
MAX_LENGTH = 200


def sender_event_id(body: Mapping[str, Any], header_id: str, *, reads_id: bool = True) -> str:
    """Return the `webhook-id` header or the body's first id, empty if there is none; an overlong one as its SHA-256.

    Without `reads_id` the field `id` is passed over: some senders repeat a constant there.
    """
    values = [header_id, *(field_read(body, path) for path in SOURCES if reads_id or path != "id")]
    for value in values:
        if is_given(value) and isinstance(value, str | int) and not isinstance(value, bool):
            text = str(value).strip()
            return text if len(text) <= MAX_LENGTH else hashlib.sha256(text.encode()).hexdigest()
    return ""
