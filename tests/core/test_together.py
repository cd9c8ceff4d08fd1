"""What arrives while a group is worked on makes the next group, and each caller gets its own result."""

import asyncio
import threading

import pytest

from optionsengine.core import together as module
from optionsengine.core.together import BUSY, Together


class Work:
    """Doubles each item; waits with every group until the test lets it go on, and notes what it was given."""

    def __init__(self):
        self.groups = []
        self.begun = threading.Event()
        self.may_end = threading.Event()

    def __call__(self, items):
        self.groups.append(list(items))
        self.begun.set()
        assert self.may_end.wait(20)
        if "bad" in items:
            raise ValueError("a bad one")
        return [item * 2 for item in items]


@pytest.fixture
def work():
    return Work()


async def begun(work):
    """Wait on another thread, so that the loop goes on."""
    await asyncio.to_thread(work.begun.wait, 20)


def test_an_item_that_comes_alone_waits_for_nobody(work):
    work.may_end.set()

    async def alone():
        group = Together(work, most=8)
        return [await group(1), await group(2)]

    assert asyncio.run(alone()) == [2, 4]
    assert work.groups == [[1], [2]]


def test_what_arrives_meanwhile_is_the_next_group_in_its_order(work):
    async def rush():
        group = Together(work, most=8)
        first = asyncio.create_task(group(1))
        await begun(work)
        rest = [asyncio.create_task(group(item)) for item in (2, 3, 4)]
        await asyncio.sleep(0)
        work.may_end.set()
        return await asyncio.gather(first, *rest)

    assert asyncio.run(rush()) == [2, 4, 6, 8]
    assert work.groups == [[1], [2, 3, 4]]


def test_a_group_is_never_larger_than_allowed(work):
    work.may_end.set()

    async def many():
        group = Together(work, most=3)
        return await asyncio.gather(*(group(item) for item in range(7)))

    assert asyncio.run(many()) == [0, 2, 4, 6, 8, 10, 12]
    assert work.groups == [[0, 1, 2], [3, 4, 5], [6]]


def test_an_error_is_that_of_its_group_only(work):
    work.may_end.set()

    async def mixed():
        group = Together(work, most=2)
        return await asyncio.gather(*(group(item) for item in ("a", "bad", "c")), return_exceptions=True)

    first, second, third = asyncio.run(mixed())
    assert (str(first), str(second), third) == ("a bad one", "a bad one", "cc")


def test_nobody_waits_for_a_group_that_hangs(work):
    async def hangs():
        group = Together(work, most=8, seconds=0)
        with pytest.raises(TimeoutError):
            await group(1)
        work.may_end.set()

    asyncio.run(hangs())


def test_a_caller_that_goes_leaves_the_others_their_results(work):
    async def one_goes():
        group = Together(work, most=8)
        callers = [asyncio.create_task(group(item)) for item in (1, 2)]
        await begun(work)
        callers[0].cancel()
        await asyncio.sleep(0)
        work.may_end.set()
        return await asyncio.gather(*callers, return_exceptions=True)

    gone, result = asyncio.run(one_goes())
    assert isinstance(gone, asyncio.CancelledError)
    assert result == 4


def test_in_a_rush_the_next_group_waits_until_it_is_as_large(work, monkeypatch):
    monkeypatch.setattr(module, "LINGER_SECONDS", 3600)
    work.may_end.set()

    async def rush():
        group = Together(work, most=64)
        await asyncio.gather(*(group(item) for item in range(BUSY)))
        back = [asyncio.create_task(group(item)) for item in range(BUSY - 1)]
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(work.groups) == 1
        await asyncio.gather(*back, group(BUSY))

    asyncio.run(rush())
    assert [len(group) for group in work.groups] == [BUSY, BUSY]


def test_it_does_not_wait_for_ever(work, monkeypatch):
    monkeypatch.setattr(module, "LINGER_SECONDS", 0)
    work.may_end.set()

    async def rush():
        group = Together(work, most=64)
        await asyncio.gather(*(group(item) for item in range(BUSY)))
        return await group("alone")

    assert asyncio.run(rush()) == "alonealone"
    assert [len(group) for group in work.groups] == [BUSY, 1]


def test_when_nobody_waits_any_more_it_rests_once_on_the_same_thread(work):
    rested = []

    async def rush():
        group = Together(work, most=8, rest=lambda: rested.append((threading.current_thread().name, len(work.groups))))
        first = asyncio.create_task(group(1))
        await begun(work)
        second = asyncio.create_task(group(2))
        await asyncio.sleep(0)
        work.may_end.set()
        results = await asyncio.gather(first, second)
        while group._running is not None:
            await asyncio.sleep(0)
        return results

    assert asyncio.run(rush()) == [2, 4]
    [(thread, groups)] = rested
    assert thread.startswith("together")
    assert groups == 2


def test_a_failing_rest_stops_nobody(work, caplog):
    work.may_end.set()

    def fail():
        raise ValueError("no rest")

    async def twice():
        group = Together(work, most=8, rest=fail)
        return [await group(1), await group(2)]

    assert asyncio.run(twice()) == [2, 4]
    assert "what was left to do after a group failed" in caplog.text
