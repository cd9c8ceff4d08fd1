"""The breaker that all processes share: it opens at exactly five failures, and one caller tries after a minute."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from optionsengine.ops.breakers import (
    BreakerState,
    breaker_admit,
    breaker_fail,
    breaker_release,
    breaker_succeed,
    breakers_list,
)
from optionsengine.ops.models import Alert, CircuitBreaker
from tests.factories.clock import AT

pytestmark = pytest.mark.django_db

NAME = "market:alpaca"


def fail(times=1, **options):
    for _ in range(times):
        breaker_fail(NAME, error="server failed", at=AT, **options)


def state():
    [view] = breakers_list()
    return view.state, view.failures


def wait(seconds):
    """Let time pass for the breaker: its own moments move into the past."""
    past = {"retry_at": F("retry_at") - timedelta(seconds=seconds), "opened_at": F("opened_at")}
    CircuitBreaker.objects.update(**past)
    CircuitBreaker.objects.exclude(probe_until=None).update(probe_until=F("probe_until") - timedelta(seconds=seconds))


def open_seconds():
    row = CircuitBreaker.objects.get()
    return (row.retry_at - row.opened_at).total_seconds()


def test_one_that_never_failed_lets_everybody_in():
    assert breaker_admit(NAME) is True
    assert breakers_list() == []


@pytest.mark.parametrize(("failures", "expected"), [(4, BreakerState.CLOSED), (5, BreakerState.OPEN)])
def test_it_opens_at_exactly_five_failures_in_a_row(failures, expected):
    fail(failures)
    assert state() == (expected, failures)
    assert breaker_admit(NAME) is (expected == BreakerState.CLOSED)
    assert Alert.objects.filter(cause=f"breaker:{NAME}", resolved_at=None).exists() is (failures == 5)


def test_a_success_starts_the_count_again():
    fail(4)
    breaker_succeed(NAME, at=AT)
    fail(4)
    assert state() == (BreakerState.CLOSED, 4)


@pytest.mark.parametrize(("seconds", "is_let_in"), [(59, False), (60, True)])
def test_after_a_minute_one_caller_may_try(seconds, is_let_in):
    fail(5)
    wait(seconds)
    assert breaker_admit(NAME) is is_let_in
    assert breaker_admit(NAME) is False


def test_the_try_of_one_that_died_is_free_again():
    fail(5)
    wait(60)
    assert breaker_admit(NAME) is True
    wait(16)
    assert breaker_admit(NAME) is True


def test_a_try_that_found_nothing_out_is_given_back():
    fail(5)
    wait(60)
    assert breaker_admit(NAME) is True
    breaker_release(NAME)
    assert breaker_admit(NAME) is True
    assert state() == (BreakerState.HALF_OPEN, 5)


def test_a_try_that_succeeds_closes_it_and_resolves_its_alert():
    fail(5)
    wait(60)
    breaker_admit(NAME)
    breaker_succeed(NAME, at=AT)
    assert state() == (BreakerState.CLOSED, 0)
    assert breaker_admit(NAME) is True
    assert Alert.objects.get(cause=f"breaker:{NAME}").resolved_at == AT


def test_a_try_that_fails_opens_it_for_another_minute():
    fail(5)
    wait(61)
    breaker_admit(NAME)
    fail()
    assert state() == (BreakerState.OPEN, 6)
    left = CircuitBreaker.objects.get().retry_at - timezone.now()
    assert timedelta(seconds=58) < left <= timedelta(seconds=60)
    wait(60)
    assert breaker_admit(NAME) is True


def test_a_late_failure_of_an_earlier_call_prolongs_nothing():
    fail(5)
    before = CircuitBreaker.objects.get().retry_at
    fail()
    assert CircuitBreaker.objects.get().retry_at == before


@pytest.mark.parametrize("before", [0, 3, 5])
def test_a_refusal_opens_it_for_half_an_hour_at_once(before):
    fail(before)
    fail(open_seconds=1800)
    assert state() == (BreakerState.OPEN, before + 1)
    assert open_seconds() == pytest.approx(1800, abs=1)


def test_it_is_one_for_each_name():
    fail(5)
    assert breaker_admit("market:twelvedata") is True


@pytest.mark.django_db(transaction=True)
def test_of_many_processes_exactly_one_tries_and_every_failure_counts():
    def admit(_):
        try:
            return breaker_admit(NAME)
        finally:
            connection.close()

    def count(_):
        try:
            fail()
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count, range(4)))
        assert state() == (BreakerState.CLOSED, 4)
        fail()
        wait(60)
        assert sorted(threads.map(admit, range(16))) == [False] * 15 + [True]
