"""The breaker of one process: opens at the first failure, lets one try after its pause."""

import time_machine

from optionsengine.core.breaker import LocalBreaker


def test_it_is_closed_until_a_call_fails():
    breaker = LocalBreaker(60)
    assert breaker.allows()
    assert breaker.allows()
    assert not breaker.is_open


def test_after_a_failure_nobody_may_try():
    breaker = LocalBreaker(60)
    breaker.failed()
    assert breaker.is_open
    assert not breaker.allows()


def test_after_its_pause_one_may_try_and_the_others_wait_for_what_comes_of_it():
    breaker = LocalBreaker(60)
    breaker.failed()
    breaker.seconds, breaker._next_try = 60, 0.0
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    assert breaker.is_open
    breaker.succeeded()
    assert [breaker.allows() for _ in range(3)] == [True, True, True]


def test_the_wall_clock_says_nothing():
    breaker = LocalBreaker(60)
    breaker.failed()
    with time_machine.travel("2040-01-01"):
        assert not breaker.allows()
