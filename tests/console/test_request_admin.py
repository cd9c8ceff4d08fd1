"""Requests in the admin: who may have one read again, what its page shows, and what a replay says."""

from datetime import timedelta

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client
from django.urls import reverse

from optionsengine.core import clock
from signals.models import Signal, WebhookEvent
from tests import factories
from tests.factories.people import person
from tests.pipeline.intake_client import AT, SECRET, alert, post

pytestmark = pytest.mark.django_db
LIST = reverse("admin:signals_webhookevent_changelist")


@pytest.fixture(autouse=True)
def _secret(settings):
    settings.HMAC_SECRET = SECRET


def page(row):
    return reverse("admin:signals_webhookevent_change", args=(row.pk,))


def act(row):
    return reverse("admin:signals_webhookevent_act", args=(row.pk, "replay"))


@pytest.fixture
def login():
    def as_role(role):
        client = Client()
        client.force_login(person(role))
        return client

    return as_role


def stale():
    """An alert that came too late, because the clock of its host was wrong."""
    return WebhookEvent.objects.get(pk=post(alert(timestamp="2026-02-05T13:00:00Z")).json()["webhook_event_id"])


def test_an_operator_replays_after_a_question(login, settings):
    row = stale()
    settings.SIGNAL_MAX_AGE_SECONDS = 86400
    client = login("operator")
    asked = client.get(act(row)).content.decode()
    assert "as if it had just come in" in asked
    row.refresh_from_db()
    assert (row.status, row.replays) == ("rejected", 0)
    with clock.frozen(AT + timedelta(hours=1)):
        answer = client.post(act(row), {"confirmed": "1"}, follow=True).content.decode()
    row.refresh_from_db()
    assert (row.status, row.replays) == ("accepted", 1)
    assert "was read again" in answer
    signal = Signal.objects.get()
    assert reverse("admin:signals_signal_change", args=(signal.pk,)) in answer


def test_a_viewer_looks_and_may_not_replay(login):
    row = stale()
    client = login("viewer")
    shown = client.get(page(row))
    assert shown.status_code == 200
    assert "STALE_TIMESTAMP" in shown.content.decode()
    assert act(row) not in shown.content.decode()
    assert client.post(act(row), {"confirmed": "1"}).status_code == 403
    row.refresh_from_db()
    assert row.replays == 0


def test_many_are_asked_about_and_each_answers_for_itself(login, settings):
    late, unknown = (
        stale(),
        WebhookEvent.objects.get(pk=post(alert(), signed=False, secret="").json()["webhook_event_id"]),
    )
    settings.SIGNAL_MAX_AGE_SECONDS = 86400
    client = login("operator")
    chosen = {"action": "replay", ACTION_CHECKBOX_NAME: [late.pk, unknown.pk]}
    assert "as if it had just come in" in client.post(LIST, chosen).content.decode()
    assert not Signal.objects.exists()
    with clock.frozen(AT):
        said = client.post(LIST, chosen | {"confirmed": "1"}, follow=True).content.decode()
    assert "NOT_AUTHENTICATED" in said
    assert Signal.objects.get().event_id == late.pk
    unknown.refresh_from_db()
    assert (unknown.status, unknown.replays) == ("rejected", 0)


def test_an_accepted_request_offers_no_replay_and_refuses_one(login):
    post(alert())
    row = WebhookEvent.objects.get()
    client = login("operator")
    assert act(row) not in client.get(page(row)).content.decode()
    said = client.post(act(row), {"confirmed": "1"}, follow=True).content.decode()
    assert "already accepted" in said
    assert Signal.objects.count() == 1


def test_a_duplicate_names_the_signal_it_repeats(login):
    post(alert())
    again = WebhookEvent.objects.get(pk=post(alert()).json()["webhook_event_id"])
    shown = login("viewer").get(page(again)).content.decode()
    assert "repeats <a" in shown
    assert reverse("admin:signals_signal_change", args=(Signal.objects.get().pk,)) in shown


def test_a_page_shows_body_answer_and_trace_and_escapes_them(login):
    row = factories.webhook_event(
        status="failed",
        code="INTERNAL_ERROR",
        error="Traceback <b>boom</b>",
        body=b'{"symbol": "<script>"}',
        answer={"http": 500, "status": "ERROR"},
    )
    shown = login("viewer").get(page(row)).content.decode()
    assert "Traceback &lt;b&gt;boom" in shown
    assert "&lt;script&gt;" in shown
    assert "<script>&quot;" not in shown
    assert "ERROR" in shown


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 2),
        ({"status__exact": "failed"}, 1),
        ({"family__exact": "context"}, 1),
        ({"authenticated__exact": "0"}, 1),
        ({"created_at__gte": "2026-02-05 00:00:00+00:00"}, 2),
        ({"created_at__gte": "2026-12-31 00:00:00+00:00"}, 0),
    ],
)
def test_the_list_is_filtered(login, query, count):
    factories.webhook_event(status="failed", authenticated=False)
    factories.webhook_event(family="context")
    shown = login("viewer").get(LIST, query)
    assert shown.status_code == 200
    assert len(shown.context["cl"].result_list) == count
