"""Every error of the API in one shape: `{code, error, details}`."""

import logging
from collections.abc import Iterator
from typing import Any

from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from optionsengine.core.errors import Refusal, Transient
from optionsengine.core.retry import is_transient

logger = logging.getLogger(__name__)

_SAID = {
    "not_authenticated": "Log in: send `Authorization: Bearer <token>` from /api/auth/token/, or a session.",
    "token_not_valid": "This token is not valid or has run out: get another from /api/auth/token/.",
    "not_found": "There is nothing at this address.",
}


def answer_error(error: Exception, context: dict[str, Any]) -> Response:
    """Answer an exception of a view: a `Refusal` with 409, a database that is away with 503, any other with 500.

    The framework's own are answered with theirs.
    """
    if isinstance(error, Refusal):
        set_rollback()
        body = _body(
            error.code.value, error.message, [{"field": k, "message": str(v)} for k, v in error.context.items()]
        )
        return Response(body, status=status.HTTP_409_CONFLICT)
    if isinstance(error, Transient) or is_transient(error):
        set_rollback()
        body = _body("UNAVAILABLE", "Something this needs is away for the moment; try again in a minute.")
        return Response(body, status=status.HTTP_503_SERVICE_UNAVAILABLE)
    answer = exception_handler(error, context)
    if answer is None:
        set_rollback()
        logger.error("a view of the API raised", exc_info=error)
        body = _body("INTERNAL_ERROR", "This failed on our side; the log has the trace.")
        return Response(body, status=status.HTTP_500_INTERNAL_SERVER_ERROR)
    if isinstance(error, exceptions.ValidationError):
        details = list(_fields(error.detail, ""))
        answer.data = _body("INVALID_FIELD", "; ".join(f"{d['field']}: {d['message']}" for d in details), details)
        return answer
    code = _code_of(error)
    answer.data = _body(code.upper(), _SAID.get(code, _message_of(error)))
    return answer


def _body(code: str, error: str, details: list[dict[str, str]] | None = None) -> dict[str, Any]:
    return {"code": code, "error": error, "details": details or []}


def _code_of(error: Exception) -> str:
    if isinstance(error, exceptions.APIException):
        codes = error.get_codes()
        if isinstance(codes, dict):
            return str(codes.get("code", error.default_code))
        return str(codes) if isinstance(codes, str) else error.default_code
    # Django's own Http404 and PermissionDenied, which the framework answers as its own
    return "not_found" if type(error).__name__ == "Http404" else "permission_denied"


def _message_of(error: Exception) -> str:
    detail = getattr(error, "detail", None)
    if isinstance(detail, dict):
        return str(detail.get("detail", detail))
    return str(detail or error or "You may not do this.")


def _fields(detail: Any, field: str) -> Iterator[dict[str, str]]:
    """Flatten nested errors to dotted paths."""
    if isinstance(detail, dict):
        for name, below in detail.items():
            yield from _fields(below, f"{field}.{name}" if field else str(name))
    elif isinstance(detail, list):
        for below in detail:
            yield from _fields(below, field)
    else:
        yield {"field": field, "message": str(detail)}
