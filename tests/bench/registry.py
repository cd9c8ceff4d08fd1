"""Which file measures which figures, in the order they are taken."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.bench import backlog, ingest, memory, pricing, selection
from tests.bench.machine import Machine
from tests.bench.report import Figures


@dataclass(frozen=True, slots=True)
class Part:
    """One measurement; `keys` are the figures it adds, each of which `make bench ONLY=…` may name."""

    name: str
    keys: tuple[str, ...]
    measure: Callable[[Machine], Figures]


PARTS = (
    Part("ingest", ingest.KEYS, ingest.measure),
    Part("backlog", backlog.KEYS, backlog.measure),
    Part("pricing", pricing.KEYS, pricing.measure),
    Part("selection", selection.KEYS, selection.measure),
    Part("memory", memory.KEYS, memory.measure),
)


def parts_named(only: str) -> tuple[Part, ...]:
    """Return the part that has this name or adds this figure; every part for an empty text.

    :raises LookupError: if there is none; the message lists what there is.
    """
    found = tuple(part for part in PARTS if not only or only == part.name or only in part.keys)
    if not found:
        known = [word for part in PARTS for word in (part.name, *part.keys)]
        raise LookupError(f"nothing is called {only!r}; there is {', '.join(known)}")
    return found
