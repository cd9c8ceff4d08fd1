"""Tables for people, by rich; colour only on a terminal."""

from rich.console import Console
from rich.table import Table


def print_table(*tables: Table) -> None:
    """Print tables to standard output at the terminal's width (100 columns where there is none)."""
    console = Console(width=None if Console().is_terminal else 100)
    for table in tables:
        console.print(table)
