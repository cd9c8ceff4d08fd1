"""The address a scheduler outside calls: its secret, its switch, its answer."""

import pytest
from django.core.cache import caches
from django.db import OperationalError, connection

from optionsengine.core import clock
from optionsengine.ops.models import JobRun
from optionsengine.pipeline.checks import check_cron_secret
from optionsengine.pipeline.enums import Stage
from tests import factories

pytestmark = pytest.mark.django_db
SECRET = "k3yOfTheCronDrill-7731"
PATHS = ("/api/v1/cron/process-queue/", "/api/cron/process-queue", "/api/cron/process-queue/")


@pytest.fixture(autouse=True)
def _cron(settings):
    settings.CRON_SECRET = SECRET
    caches["shared"].clear()


def ask(client, path=PATHS[0], **headers):
    with clock.frozen(factories.AT):
        return client.post(path, **headers)


def refused(response, http, code):
    assert (response.status_code, response.json()["code"]) == (http, code)
    assert set(response.json()) == {"code", "error", "details"}
    assert not JobRun.objects.exists()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("headers", [{"HTTP_AUTHORIZATION": f"Bearer {SECRET}"}, {"HTTP_X_CRON_SECRET": SECRET}])
def test_the_secret_runs_one_pass_of_every_stage(client, path, headers):
    response = ask(client, path, **headers)
    assert response.status_code == 200, response.content
    nothing = {"claimed": 0, "done": 0, "deferred": 0, "refused": 0, "failed": 0}
    assert response.json() == {
        "success": True,
        "stages": {stage.value: nothing for stage in Stage},
        "message": f"{len(Stage)} stages ran, 0 rows failed",
    }
    assert JobRun.objects.count() == len(Stage)


@pytest.mark.parametrize("error", [ValueError("boom"), OperationalError("canceling statement due to lock timeout")])
def test_a_stage_that_fails_stops_no_other_and_is_told(client, error):
    def fail(execute, sql, params, many, context):
        if "webhook_events" in sql:  # what the first stage looks for
            raise error
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        response = ask(client, HTTP_X_CRON_SECRET=SECRET)
    assert (response.status_code, response.json()["code"]) == (500, "STAGES_FAILED")
    errors = dict(JobRun.objects.values_list("job", "error"))
    assert len(errors) == len(Stage)
    assert [job for job, error in errors.items() if error] == ["recover_inbox"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"HTTP_AUTHORIZATION": "Bearer "},
        {"HTTP_AUTHORIZATION": SECRET},
        {"HTTP_AUTHORIZATION": f"Basic {SECRET}"},
        {"HTTP_AUTHORIZATION": f"Bearer {SECRET}x"},
        {"HTTP_X_CRON_SECRET": "é" * 20},
        {"HTTP_AUTHORIZATION": "Bearer wrong", "HTTP_X_CRON_SECRET": SECRET},
    ],
)
def test_any_other_is_refused(client, headers):
    refused(ask(client, **headers), 401, "UNAUTHORIZED")


def test_a_login_does_not_stand_for_the_secret(client):
    client.force_login(factories.superuser())
    refused(ask(client), 401, "UNAUTHORIZED")


def test_without_a_secret_it_is_not_available(client, settings):
    settings.CRON_SECRET = ""
    refused(ask(client), 503, "CRON_SECRET_UNSET")
    refused(ask(client, HTTP_AUTHORIZATION="Bearer "), 503, "CRON_SECRET_UNSET")


def test_switched_off_there_is_nothing_at_the_address(client, settings):
    settings.ENABLE_CRON_PROCESSING = False
    refused(ask(client, HTTP_X_CRON_SECRET=SECRET), 404, "NOT_FOUND")


def test_failures_are_throttled_and_the_secret_never_is(client):
    for _ in range(60):
        assert ask(client, HTTP_X_CRON_SECRET="wrong").status_code == 401
    throttled = ask(client, HTTP_X_CRON_SECRET="wrong")
    refused(throttled, 429, "THROTTLED")
    assert int(throttled["Retry-After"]) > 0
    assert ask(client, HTTP_X_CRON_SECRET=SECRET).status_code == 200


def test_it_is_called_by_post_only(client):
    assert client.get(PATHS[0], HTTP_X_CRON_SECRET=SECRET).status_code == 405
    assert not JobRun.objects.exists()


@pytest.mark.parametrize(
    ("secret", "debug", "stops"),
    [
        (SECRET, False, False),
        ("", False, False),
        ("short", False, True),
        ("changeme-changeme", False, True),
        ("short", True, False),
    ],
)
def test_a_secret_that_could_be_guessed_stops_a_start_in_deployment(settings, secret, debug, stops):
    settings.CRON_SECRET, settings.DEBUG = secret, debug
    assert [error.id for error in check_cron_secret(None)] == (["pipeline.E002"] if stops else [])
