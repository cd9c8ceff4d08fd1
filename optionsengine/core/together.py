"""Group commit: what arrives while the last group is worked on makes the next one."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Generic, TypeVar

logger = logging.getLogger(__name__)

BUSY = 4  # a group of so many is a rush
LINGER_SECONDS = 0.008

Item = TypeVar("Item")
Result = TypeVar("Result")


class Together(Generic[Item, Result]):
    """Calls `work` with all items that wait, at most `most` of them, on one thread, and gives each caller its result.

    An item that comes alone waits for nobody. In a rush, after a group of `BUSY` or more, the next group waits until
    it is as large, at most `LINGER_SECONDS`: senders that wait for their answers come back together, and a larger
    group costs each of them less. `work` returns one result an item, in their order. Nobody waits for a group longer
    than `seconds`. When no item waits any more, `rest` is called on the same thread. For one event loop.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        most: int,
        seconds: float = 60.0,
        rest: Callable[[], None] = lambda: None,
    ) -> None:
        self._work = work
        self._rest = rest
        self._most = most
        self._seconds = seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="together")
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._running: asyncio.Task[None] | None = None
        self._size = 0
        self._is_large = asyncio.Event()

    async def __call__(self, item: Item) -> Result:
        """Return the item's result.

        :raises TimeoutError: after `seconds`; what `work` still does goes on.
        :raises Exception: what `work` raised for its group.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if len(self._waiting) >= self._size:
            self._is_large.set()
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._take(group)
                if len(group) >= BUSY:
                    await self._linger(len(group))
                if not self._waiting:
                    await self._take_rest()
        finally:
            self._running = None

    async def _take(self, group: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._seconds):
                results = await loop.run_in_executor(self._thread, self._work, [item for item, _ in group])
            for (_, future), result in zip(group, results, strict=True):
                if not future.done():  # its caller may have gone
                    future.set_result(result)
        except Exception as error:  # noqa: BLE001 - each caller raises it
            for _, future in group:
                if not future.done():
                    future.set_exception(error)

    async def _take_rest(self) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await asyncio.get_running_loop().run_in_executor(self._thread, self._rest)
        except Exception:
            logger.exception("what was left to do after a group failed")

    async def _linger(self, size: int) -> None:
        if len(self._waiting) >= size:
            return
        self._size = size
        self._is_large.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                await self._is_large.wait()
