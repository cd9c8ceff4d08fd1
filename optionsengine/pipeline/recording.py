"""A recorded day: one JSON object a line, played through the real URL with the clock set by the recording.

Each line: `at` (when it arrived), `path`, `body` (the exact text sent), and `sign`: `hmac` (signed with the default
source's secret), `token` (the text `<token>` in the body is replaced), `forged` (a wrong signature) or `none`.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.test import Client

TOKEN_MARK = "<token>"  # noqa: S105 - the mark the recording has in its place


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    at: datetime
    path: str
    body: str
    sign: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the recording's senders sign with in this database."""

    hmac_secret: str
    token: str


def recording_read(path: Path) -> Iterator[RecordedRequest]:
    """Read a recording in the order of its lines.

    :raises ValueError: naming the line that is not a recorded request.
    """
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
                yield RecordedRequest(datetime.fromisoformat(row["at"]), row["path"], row["body"], row["sign"])
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{path.name} line {number} is not a recorded request: {error}") from error


def request_send(client: Client, request: RecordedRequest, credentials: Credentials) -> int:
    """Post one recorded request through URL, middleware and view; returns the HTTP status."""
    body = request.body.replace(TOKEN_MARK, credentials.token) if request.sign == "token" else request.body
    headers = {}
    if request.sign in ("hmac", "forged"):
        key = credentials.hmac_secret if request.sign == "hmac" else "somebody else's secret"
        headers["x-webhook-signature"] = hmac.new(key.encode(), body.encode(), hashlib.sha256).hexdigest()
    response = client.post(request.path, data=body.encode(), content_type="application/json", headers=headers)
    return response.status_code
