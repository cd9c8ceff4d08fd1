"""One run: every part asked for, on one machine with one PostgreSQL."""

import os
import platform
import sys

from django.conf import settings

from optionsengine.core.tables import print_table
from tests.bench.arithmetic import last_line
from tests.bench.load import BenchError
from tests.bench.machine import Machine
from tests.bench.registry import parts_named
from tests.bench.report import Line, table_of


def bench_run(only: str) -> int:
    """Measure, print, and return the exit code."""
    try:
        parts = parts_named(only)
    except LookupError as error:
        print(error.args[0], file=sys.stderr)
        return 2
    folder = settings.BASE_DIR / ".local" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    machine = Machine(folder)
    before = os.getloadavg()[0]
    values: dict[str, float] = {}
    lines: list[Line] = []
    try:
        for part in parts:
            figures = part.measure(machine)
            values |= figures.values
            lines += figures.lines
    except BenchError as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    finally:
        machine.close()
    cores = os.cpu_count()
    title = f"{cores} cores, {platform.machine()}; load average before {before:.2f}, after {os.getloadavg()[0]:.2f}"
    print_table(table_of(lines, title))
    if only in values:
        values = {only: values[only]}
    print(last_line(values))
    return 0
