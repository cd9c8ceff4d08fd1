"""What a sender is told, and how an event stores it."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from signals.data import IntakeRejected
from signals.enums import IntakeCode

_HTTP_STATUS = {
    IntakeCode.NOT_FOUND: 404,
    IntakeCode.METHOD_NOT_ALLOWED: 405,
    IntakeCode.PAYLOAD_TOO_LARGE: 413,
    IntakeCode.UNAUTHORIZED: 401,
    IntakeCode.THROTTLED: 429,
    IntakeCode.UNAVAILABLE: 503,
}
_IGNORED = (IntakeCode.NOT_ACTIONABLE, IntakeCode.SUPERSEDED)
_STATUS = {IntakeCode.THROTTLED: "THROTTLED", IntakeCode.UNAVAILABLE: "UNAVAILABLE"}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: HTTP status, the word for it, and what else the table of the contract gives it."""

    http: int
    status: str
    event_id: UUID | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def stored(self) -> dict[str, Any]:
        """Return the part that stays the same however often it is told."""
        return {"http": self.http, "status": self.status, **self.extra}

    @classmethod
    def restored(cls, stored: dict[str, Any], event_id: UUID) -> "Answer":
        """Return the answer an event stored."""
        extra = {key: value for key, value in stored.items() if key not in ("http", "status")}
        return cls(stored["http"], stored["status"], event_id, extra)


def answer_refused(refusal: IntakeRejected, event_id: UUID | None = None) -> Answer:
    """Return the answer to a refused request; one that was understood but asks for no trade is ignored with 200."""
    code = refusal.code
    if code in _IGNORED:
        return Answer(200, "IGNORED", event_id, {"reason": code.value})
    http = _HTTP_STATUS.get(code, 400)
    extra = {"code": code.value, "error": refusal.message, "details": refusal.details}
    return Answer(http, _STATUS.get(code, "REJECTED"), event_id, extra)


def answer_failed(event_id: UUID | None = None) -> Answer:
    """Return the answer where the engine itself failed; the event's row holds the trace, or else the log."""
    what = "webhook_event_id" if event_id else "request_id"
    error = f"the alert could not be processed; quote {what} to whoever runs the engine"
    return Answer(500, "ERROR", event_id, {"code": IntakeCode.INTERNAL_ERROR.value, "error": error})


def answer_queued(event_id: UUID) -> Answer:
    """Return the answer to a request that is stored and will be finished by recovery."""
    return Answer(202, "QUEUED", event_id)


def answer_unavailable() -> Answer:
    """Return the answer to a request that could be stored nowhere."""
    return answer_refused(IntakeRejected(IntakeCode.UNAVAILABLE, "the alert could not be stored; send it again"))
