"""Token buckets that all processes share: what is taken, refilled, given back, blocked and believed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F

from optionsengine.market.limits import Rate, limit_block, limit_note, limit_take
from optionsengine.market.models import ProviderLimit

pytestmark = pytest.mark.django_db

MINUTE, DAY = Rate(8, "minute", 60), Rate(20, "day", 86400)
NAME = "twelvedata"


def take(count, rates=(MINUTE,), **options):
    return [limit_take(NAME, rates, **options) for _ in range(count)]


def tokens(window="minute"):
    return ProviderLimit.objects.get(name=f"{NAME}/{window}").tokens


def wait(seconds):
    ProviderLimit.objects.update(
        refilled_at=F("refilled_at") - timedelta(seconds=seconds),
        blocked_until=F("blocked_until") - timedelta(seconds=seconds),
    )


def test_a_full_bucket_holds_its_number_of_calls():
    assert take(9) == [""] * 8 + ["minute"]


@pytest.mark.parametrize(("seconds", "more"), [(7, 0), (8, 1), (15, 2), (60, 8), (3600, 8)])
def test_it_refills_evenly_and_never_over_its_number(seconds, more):
    take(8)
    wait(seconds)
    assert take(more + 1) == [""] * more + ["minute"]


def test_of_two_windows_both_must_have_one_left():
    assert take(8, (DAY, MINUTE)) == [""] * 8
    assert take(1, (DAY, MINUTE)) == ["minute"]
    assert tokens("day") == pytest.approx(12, abs=0.01)
    for _ in range(2):
        wait(60)
        take(8, (DAY, MINUTE))
    assert take(1, (DAY, MINUTE)) == ["day"]
    assert tokens("minute") == pytest.approx(4, abs=0.1)  # what the minute still had is given back


def test_a_dear_call_takes_what_it_costs_or_nothing():
    assert take(1, cost=6) == [""]
    assert take(1, cost=3) == ["minute"]
    assert take(1, cost=2) == [""]


def test_a_call_dearer_than_the_bucket_takes_the_whole_bucket():
    assert take(1, cost=100) == [""]
    assert tokens() == 0


@pytest.mark.parametrize(("seconds", "expected"), [(29, "minute"), (30, "")])
def test_a_provider_that_asks_for_a_pause_gets_it(seconds, expected):
    limit_block(NAME, [DAY, MINUTE], seconds=30)
    wait(seconds)
    assert take(1, (DAY, MINUTE)) == [expected]


def test_a_longer_pause_is_not_cut_short_by_a_shorter_one():
    limit_block(NAME, [MINUTE], seconds=90)
    limit_block(NAME, [MINUTE], seconds=10)
    wait(60)
    assert take(1) == ["minute"]


@pytest.mark.parametrize(("limit", "remaining", "left"), [(8, 2, 2), (8, 8, 7), (100, 2, 7), (8, 0, 0)])
def test_the_provider_is_believed_if_it_says_that_less_is_left(limit, remaining, left):
    take(1)
    limit_note(NAME, [MINUTE, DAY], limit=limit, remaining=remaining)
    assert take(left + 1) == [""] * left + ["minute"]


@pytest.mark.django_db(transaction=True)
def test_many_processes_together_take_no_more_than_there_is():
    def one(_):
        try:
            return limit_take(NAME, [MINUTE, DAY])
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(one, range(24))) == [""] * 8 + ["minute"] * 16
