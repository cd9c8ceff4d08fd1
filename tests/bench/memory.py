"""How much memory the web server holds after whatever was measured before."""

from pathlib import Path

from tests.bench.machine import Machine
from tests.bench.report import Figures

KEYS = ("rss_mb",)


def measure(machine: Machine) -> Figures:
    """Add up what the web server's processes hold, a shared page divided among those that share it."""
    kilobytes = sum(_proportional_kb(pid) for pid in machine.web.pids())
    figures = Figures()
    figures.add("rss_mb", kilobytes / 1024, "web server with its workers, proportional set size")
    return figures


def _proportional_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
