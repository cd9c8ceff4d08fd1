"""What Prometheus scrapes: the breakers as all processes see them."""

import pytest
from django.db import connection
from prometheus_client.parser import text_string_to_metric_families

from optionsengine.ops.breakers import breaker_fail
from tests.factories import AT


def scraped(client):
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(response.content.decode())
    return {(sample.name, sample.labels.get("name")): sample.value for family in families for sample in family.samples}


@pytest.mark.django_db
def test_breakers_without_a_login(client):
    assert scraped(client) == {}
    for _ in range(4):
        breaker_fail("market:alpaca", error="its server failed", at=AT)
    breaker_fail("market:marketdata", error="forbidden", at=AT, open_seconds=1800)
    assert scraped(client) == {
        ("optionsengine_breaker_state", "market:alpaca"): 0,
        ("optionsengine_breaker_failures", "market:alpaca"): 4,
        ("optionsengine_breaker_state", "market:marketdata"): 2,
        ("optionsengine_breaker_failures", "market:marketdata"): 1,
    }


@pytest.mark.django_db
def test_it_is_read_only(client):
    assert client.post("/metrics").status_code == 405


@pytest.mark.django_db(transaction=True)
def test_without_the_table_it_says_that_it_cannot_tell(client):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE circuit_breakers RENAME TO hidden")
    try:
        assert client.get("/metrics").status_code == 503
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE hidden RENAME TO circuit_breakers")
