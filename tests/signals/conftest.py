import time

import pytest


@pytest.fixture
def benchmark_seconds():
    """The best of three runs, so that a busy machine does not fail a test about the shape of an algorithm."""

    def measure(run):
        times = []
        for _ in range(3):
            started = time.perf_counter()
            run()
            times.append(time.perf_counter() - started)
        return min(times)

    return measure
