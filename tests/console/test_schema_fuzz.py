"""Every operation of the OpenAPI document, asked with made-up and with wrong values, answers as the document says."""

import itertools
import json

import pytest
import schemathesis
from django.conf import settings as project
from django.core.cache import cache, caches
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, settings
from rest_framework_simplejwt.tokens import AccessToken
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from optionsengine.wsgi import application
from signals.authentication import signature_of
from tests import factories

pytestmark = pytest.mark.django_db
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CRON_SECRET = "k3yOfTheCronDrill-7731"
HMAC_SECRET = "k3yOfTheWebhookDrill-7731"

schema = schemathesis.openapi.from_dict(SchemaGenerator().get_schema(public=True))
schema.app = application


@pytest.fixture(autouse=True)
def _one_connection():
    """Keep the test's connection over its requests, as Django's own client does: its rows are committed nowhere."""
    for moment in (request_started, request_finished):
        moment.disconnect(close_old_connections)
    yield
    for moment in (request_started, request_finished):
        moment.connect(close_old_connections)


@pytest.fixture
def known():
    """One row of every kind, by the route that shows it."""
    caches["shared"].clear()
    cache.clear()
    entry = factories.full_life(closed=True)
    held = factories.position()
    order = entry.orders.first()
    return {
        "signals": entry.pk,
        "orders": order.pk,
        "trades": order.trades.first().pk,
        "positions": held.pk,
        "token": str(AccessToken.for_user(factories.operator())),
    }


@schema.parametrize()
@settings(max_examples=8, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_it_answers_as_the_document_says(case, known, settings):
    settings.CRON_SECRET, settings.HMAC_SECRET = CRON_SECRET, HMAC_SECRET
    asked = known.setdefault("count", itertools.count())
    number = next(asked)
    cache.clear()
    caches["shared"].clear()
    kind = case.path.removeprefix("/api/v1/").partition("/")[0]
    if number % 2 and "id" in case.path_parameters and kind in known:
        case.path_parameters["id"] = str(known[kind])
    headers = {} if number % 7 == 6 else {"Authorization": f"Bearer {known['token']}"}
    if "cron" in case.path and number % 2:
        headers = {"x-cron-secret": CRON_SECRET}
    if case.path.startswith(("/webhook", "/api/webhooks")) and isinstance(case.body, (dict, str)) and number % 7 != 6:
        headers["x-webhook-signature"] = signature_of(HMAC_SECRET, _sent(case))
    case.call_and_validate(headers=headers, checks=CHECKS)


def _sent(case):
    """The bytes of the body as they will be sent."""
    prepared = case.as_transport_kwargs()
    if "json" in prepared:
        return json.dumps(prepared["json"]).encode()
    data = prepared.get("data") or b""
    return data if isinstance(data, bytes) else str(data).encode()


def test_the_webhook_is_in_the_document():
    assert {"/webhook", "/webhook/s/{slug}", "/webhook/t/{token}", "/webhook/test"} <= set(schema.raw_schema["paths"])
    assert project.REST_FRAMEWORK["DEFAULT_SCHEMA_CLASS"].endswith("ErrorsSchema")
