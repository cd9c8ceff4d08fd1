"""A test alert through the real intake, signed as its source requires."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from optionsengine.core import ids
from optionsengine.core.errors import Transient
from optionsengine.pipeline.answers import Answer, answer_refused
from optionsengine.pipeline.intake import Incoming, request_receive
from signals.authentication import signature_of, standard_signature_of
from signals.data import IntakeRejected
from signals.enums import IntakeCode, SourceMode
from signals.models import WebhookSource
from signals.selectors import secret_holding

TIMEFRAME = "5m"
USER_AGENT = "optionsengine test alert"


@dataclass(frozen=True, slots=True)
class Trial:
    """What the intake answered, and the address the alert was judged to come from."""

    answer: Answer
    ip: str | None


def trial_send(
    *, source: WebhookSource, symbol: str, direction: str, token: str, ip: str | None, at: datetime
) -> Trial:
    """Post an entry alert with `is_test` as the source's sender would, and return the answer; it is traded as a test.

    `token` is a token source's own; the others are signed with the newest secret that holds. An allow-list is met by
    its first address, because its sender's is not `ip`, the person's.
    """
    body = {"symbol": symbol, "direction": direction, "timeframe": TIMEFRAME, "confidence": 85, "is_test": True}
    if source.mode == SourceMode.TOKEN:
        body["secret"] = token
    raw = json.dumps(body).encode()
    if source.allowed_networks:
        ip = source.allowed_networks[0].partition("/")[0]
    incoming = Incoming(
        body=raw,
        path=f"/webhook/s/{source.slug}",
        slug=source.slug,
        content_type="application/json",
        user_agent=USER_AGENT,
        ip=ip,
    )
    try:
        return Trial(request_receive(replace(incoming, **_headers(source, raw, at)), at=at), ip)
    except Transient:
        refusal = IntakeRejected(IntakeCode.UNAVAILABLE, "the alert could not be stored; send it again")
        return Trial(answer_refused(refusal), ip)


def _headers(source: WebhookSource, raw: bytes, at: datetime) -> dict[str, Any]:
    secret = secret_holding(source_id=source.pk, at=at)
    stamp = str(int(at.timestamp()))
    if source.mode == SourceMode.STANDARD and secret:
        message_id = f"msg_{ids.new_id().hex}"
        return {
            "standard_id": message_id,
            "standard_timestamp": stamp,
            "standard_signature": standard_signature_of(secret, message_id, stamp, raw),
        }
    if source.mode == SourceMode.HMAC and source.requires_timestamp:
        return {"timestamp": stamp, "signature": signature_of(secret, f"{stamp}.".encode() + raw)}
    return {"signature": signature_of(secret, raw)} if source.mode == SourceMode.HMAC else {}
