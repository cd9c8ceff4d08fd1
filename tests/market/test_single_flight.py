"""One answer for all who ask the same: one fetches, the others wait, a failure is shared for a moment."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.cache import caches
from django.db import connection

from optionsengine.market.data import MarketError
from optionsengine.market.enums import MarketProblem
from optionsengine.market.single_flight import CACHE, fetch_once
from tests.factories.clock import AT

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _empty():
    caches[CACHE].clear()


class Fetch:
    """Counts its calls, and answers with their number or fails."""

    def __init__(self, error=None):
        self.calls, self.error = 0, error

    def __call__(self):
        self.calls += 1
        if self.error:
            raise self.error
        return self.calls


def ask(fetch, *parts, seconds=0, lifetime=30):
    return fetch_once("test", *(parts or ("SPY",)), at=AT + timedelta(seconds=seconds), lifetime=lifetime, fetch=fetch)


@pytest.mark.parametrize(("seconds", "calls"), [(0, 1), (29.9, 1), (30, 2), (-29.9, 1), (-30, 2)])
def test_an_answer_counts_for_its_lifetime(seconds, calls):
    fetch = Fetch()
    assert ask(fetch) == 1
    assert ask(fetch, seconds=seconds) == calls
    assert fetch.calls == calls


def test_other_questions_have_other_answers():
    fetch = Fetch()
    assert [ask(fetch, "SPY", "5m"), ask(fetch, "SPY", "1h"), ask(fetch, "SPY", "5m")] == [1, 2, 1]


@pytest.mark.parametrize(("seconds", "calls"), [(1.9, 1), (2, 2)])
def test_a_failure_is_shared_for_two_seconds(seconds, calls):
    fetch = Fetch(MarketError(MarketProblem.UNAVAILABLE, "nobody answers"))
    for after in (0, seconds):
        with pytest.raises(MarketError) as failed:
            ask(fetch, seconds=after)
        assert (failed.value.code, failed.value.message) == (MarketProblem.UNAVAILABLE, "nobody answers")
    assert fetch.calls == calls


def test_any_other_error_is_the_callers_own_and_holds_nobody_up():
    with pytest.raises(ZeroDivisionError):
        ask(Fetch(ZeroDivisionError()))
    assert ask(Fetch()) == 1


def test_fifty_at_once_fetch_once():
    calls, may_answer, has_begun = [], threading.Event(), threading.Event()

    def fetch():
        calls.append(1)
        has_begun.set()
        assert may_answer.wait(20)
        return "the answer"

    def one(number):
        try:
            return ask(fetch, seconds=number / 100)
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as threads:
        asked = [threads.submit(one, number) for number in range(50)]
        assert has_begun.wait(20)
        may_answer.set()
        assert [each.result() for each in asked] == ["the answer"] * 50
    assert len(calls) == 1
