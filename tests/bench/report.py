"""What a measurement hands back, and how it is printed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.table import Table

from tests.bench.arithmetic import rounded


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    name: str
    value: float
    note: str
    each: tuple[float, ...] = ()


@dataclass(slots=True)
class Figures:
    """Figures by name, and lines of the table. A remark is shown and is no figure."""

    values: dict[str, float] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)

    def add(self, name: str, value: float, note: str, each: Sequence[float] = ()) -> None:
        self.values[name] = value
        self.lines.append(Line(name, value, note, tuple(each)))

    def remark(self, name: str, value: float, note: str, each: Sequence[float] = ()) -> None:
        self.lines.append(Line(f"  {name}", value, note, tuple(each)))


def table_of(lines: Sequence[Line], title: str) -> Table:
    """Return the lines as a table; `each` are the rounds a median was taken of."""
    table = Table(title=title)
    table.add_column("figure", no_wrap=True)
    table.add_column("value", justify="right")
    table.add_column("what")
    table.add_column("rounds")
    for line in lines:
        table.add_row(line.name, f"{rounded(line.value):g}", line.note, " ".join(f"{rounded(v):g}" for v in line.each))
    return table
