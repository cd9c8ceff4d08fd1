"""The API's document: every answer an operation may give, and by hand the webhook, no view of the framework's."""

from typing import Any, Literal

from django.db.models import Model
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from optionsengine.pipeline.answers import answer_refused
from signals.data import IntakeRejected
from signals.enums import IntakeCode

JSON = "application/json"
_SAID = {
    400: "The request cannot be read or a field of it makes no sense.",
    401: "No login, or one that is not valid.",
    403: "This needs another role.",
    404: "There is nothing at this address.",
    409: "Refused as things stand; the code says why.",
    415: "Send application/json.",
    429: "Too many attempts; wait a minute.",
    503: "Something this needs is away for the moment.",
}


class ErrorDetailSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="dotted path")
    message = serializers.CharField()


class ErrorSerializer(serializers.Serializer[Any]):
    """What every error of the API looks like."""

    code = serializers.CharField()
    error = serializers.CharField()
    details = ErrorDetailSerializer(many=True)


class ErrorsSchema(AutoSchema):
    """The framework's description with the errors in it that it does not know of."""

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status in self._errors():
            said = self._get_response_for_code(ErrorSerializer, str(status))  # type: ignore[no-untyped-call]
            bodies.setdefault(str(status), {**said, "description": _SAID[status]})
        return bodies

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        if isinstance(field, serializers.ChoiceField) and _may_be_blank(field):
            field.allow_blank = True  # which the framework forgets of a field that is only read
        return super()._map_serializer_field(field, direction, bypass_extensions)  # type: ignore[no-untyped-call]

    def _errors(self) -> list[int]:
        is_open = not self.view.permission_classes
        found = {400, 401, 503}
        if not is_open:
            found.add(403)
        if "{" in self.path or self._is_list_view() or getattr(self.view, "may_find_nothing", False):
            found.add(404)
        if self.method in ("POST", "PUT", "PATCH"):
            found.add(415)
        if self.view.throttle_classes:
            found.add(429)
        if self.method == "POST" and getattr(self.view, "action", "") in {"close", "replay", "approve", "reject"}:
            found.add(409)
        return sorted(found)


def _may_be_blank(field: Any) -> bool:
    model: type[Model] | None = getattr(getattr(field.parent, "Meta", None), "model", None)
    if model is None:
        return False
    return any(column.name == field.source and column.blank for column in model._meta.fields)


# --- the webhook ------------------------------------------------------------------------------------------------------

_COMMON = {
    "request_id": {"type": "string", "description": "the sender's x-request-id, or a new one"},
    "webhook_event_id": {"type": "string", "format": "uuid", "nullable": True, "description": "the stored request"},
    "processing_time_ms": {"type": "number"},
    "authenticated": {"type": "boolean", "description": "only in development without a secret, and then false"},
}
_UUID = {"type": "string", "format": "uuid"}
_DETAILS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
        "required": ["field", "message"],
    },
}


def _component(words: list[str], required: tuple[str, ...] = (), **properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"status": {"type": "string", "enum": words}, **_COMMON, **properties},
        "required": ["status", "request_id", "webhook_event_id", "processing_time_ms", *required],
    }


def _refused(http: int, word: str) -> dict[str, Any]:
    codes = [code.value for code in IntakeCode if answer_refused(IntakeRejected(code, "")).http == http]
    code = {"type": "string", "enum": codes}
    return _component([word], ("code", "error", "details"), code=code, error={"type": "string"}, details=_DETAILS)


def _components() -> dict[str, Any]:
    intent = {"type": "string", "enum": ["entry", "exit"]}
    variant = {"type": "string", "enum": ["A", "B"], "description": "the engine whose decision is real"}
    return {
        "WebhookAccepted": _component(
            ["ACCEPTED"],
            ("signal_id", "is_test", "intent"),
            signal_id=_UUID,
            is_test={"type": "boolean"},
            intent=intent,
            experiment_id=_UUID,
            variant=variant,
        ),
        "WebhookDone": _component(
            ["ACCEPTED", "DUPLICATE", "OUT_OF_ORDER", "OK", "CONTEXT_SAVED", "IGNORED"],
            signal_id={**_UUID, "description": "DUPLICATE: the first one's"},
            event_id={"type": "string", "description": "of a bias event"},
            symbol={"type": "string"},
            reason={"type": "string", "description": "why it is IGNORED"},
        ),
        "WebhookQueued": _component(["QUEUED"]),
        "WebhookRejected": _refused(400, "REJECTED"),
        "WebhookUnauthorized": _refused(401, "REJECTED"),
        "WebhookUnknown": _refused(404, "REJECTED"),
        "WebhookTooLarge": _refused(413, "REJECTED"),
        "WebhookThrottled": _refused(429, "THROTTLED"),
        "WebhookUnavailable": _refused(503, "UNAVAILABLE"),
        "WebhookFailed": _component(["ERROR"], ("code", "error"), code={"type": "string"}, error={"type": "string"}),
        "Alert": {
            "type": "object",
            "description": "The fields of a plain alert. Other families have their own; all that is not known is kept.",
            "additionalProperties": True,
            "properties": {
                "symbol": {"type": "string", "description": "or ticker", "example": "SPY"},
                "direction": {"type": "string", "description": "the side: long or short, in any usual word"},
                "action": {
                    "type": "string",
                    "description": "CLOSE, EXIT or FLATTEN closes; BUY and SELL tell the side",
                },
                "timeframe": {"type": "string", "description": "the bar: 30s, 5m, 1h, 1d, 1w, 1M; a number is minutes"},
                "timestamp": {"description": "the bar's opening: seconds, milliseconds or ISO 8601", "nullable": True},
                "price": {"description": "dollars", "nullable": True},
                "confidence": {"description": "0 to 100", "nullable": True},
                "quantity": {"description": "the most contracts, 1 to 1000", "nullable": True},
                "strike": {"description": "dollars", "nullable": True},
                "expiration": {"type": "string", "description": "YYYY-MM-DD"},
                "is_test": {"description": "true keeps it out of limits and statistics", "nullable": True},
                "id": {"description": "the sender's own; the same twice counts once", "nullable": True},
                "secret": {"type": "string", "description": "the token of a token source; blanked before it is stored"},
            },
            "example": {"symbol": "SPY", "direction": "long", "timeframe": "5m", "confidence": 85},
        },
    }


_ANSWERS = {
    201: ("WebhookAccepted", "An entry or exit signal was stored; the engine works on it."),
    200: ("WebhookDone", "Understood, and nothing new to trade: the status says which."),
    202: ("WebhookQueued", "Stored; the database is away and it is read once that is back."),
    400: ("WebhookRejected", "Refused; the code says why, `details` which fields."),
    401: ("WebhookUnauthorized", "No source knows this signature or token; every cause gets this one answer."),
    404: ("WebhookUnknown", "Nothing is at this address."),
    413: ("WebhookTooLarge", "The body is over 128 KiB."),
    429: ("WebhookThrottled", "Too many failed authentications in a minute from this address."),
    500: ("WebhookFailed", "The engine itself failed; the stored request holds the trace."),
    503: ("WebhookUnavailable", "The alert could be stored nowhere; send it again."),
}
_ROUTES = {
    "/webhook": "An alert, of the source whose token it carries or else the default one",
    "/webhook/s/{slug}": "An alert of the source with this name",
    "/webhook/t/{token}": "An alert of the source with this token; the path is masked in logs",
    "/api/webhooks/tradingview": "The same as /webhook",
    "/api/webhooks/mtf-bias": "The same as /webhook",
    "/api/webhooks/flow": "An options flow feed",
    "/api/webhooks/price": "A price feed",
    "/api/webhooks/chain": "An option chain feed",
}


def _operation(path: str, summary: str) -> dict[str, Any]:
    alert = {"schema": {"$ref": "#/components/schemas/Alert"}}
    answers = {
        str(http): {"description": said, "content": {JSON: {"schema": {"$ref": f"#/components/schemas/{name}"}}}}
        for http, (name, said) in _ANSWERS.items()
    }
    operation: dict[str, Any] = {
        "operationId": "webhook" + path.removeprefix("/webhook").replace("/api/webhooks", "").replace("/", "_"),
        "summary": summary,
        "description": "Signed in `x-webhook-signature`, by Standard Webhooks, or with a token, as its source says. "
        "TradingView sends the same JSON as text/plain.",
        "tags": ["webhook"],
        "security": [{"webhookSignature": []}, {}],
        "requestBody": {"required": True, "content": {JSON: alert, "text/plain": {"schema": {"type": "string"}}}},
        "responses": answers,
    }
    names = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
    if names:
        operation["parameters"] = [
            {
                "in": "path",
                "name": name,
                "required": True,
                "schema": {"type": "string", "pattern": "^[-A-Za-z0-9_]{1,50}$"},
            }
            for name in names
        ]
    return operation


def webhook_describe(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the webhook's routes to a finished document; a hook of drf-spectacular."""
    result["components"]["schemas"].update(_components())
    result["components"]["securitySchemes"]["webhookSignature"] = {
        "type": "apiKey",
        "in": "header",
        "name": "x-webhook-signature",
        "description": "hex HMAC-SHA256 of the raw body, with or without sha256= before it",
    }
    for path, summary in _ROUTES.items():
        result["paths"][path] = {"post": _operation(path, summary)}
    reachable = {
        "type": "object",
        "properties": {name: {"type": "string"} for name in ("status", "message", "timestamp")},
        "required": ["status", "message", "timestamp"],
    }
    result["paths"]["/webhook/test"] = {
        "get": {
            "operationId": "webhook_test",
            "summary": "Tells that the webhook is reachable",
            "tags": ["webhook"],
            "security": [{}],
            "responses": {"200": {"description": "It is.", "content": {JSON: {"schema": reachable}}}},
        }
    }
    return result
