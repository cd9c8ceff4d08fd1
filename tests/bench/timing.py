"""How long a piece of work takes on the wall clock."""

import time
from collections.abc import Callable

from tests.bench.arithmetic import median


def milliseconds(work: Callable[[], object], tries: int) -> float:
    """Return the median of `tries` runs in milliseconds."""
    times: list[float] = []
    for _ in range(tries):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return median(times)
