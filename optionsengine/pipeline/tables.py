"""What the pipeline's commands show to people, as tables."""

from typing import Any

from rich.table import Table

from optionsengine.ops.data import StageReport
from optionsengine.pipeline.enums import Stage
from optionsengine.pipeline.funnel import Funnel
from optionsengine.pipeline.reconcile import InvariantResult


def invariants_table(results: list[InvariantResult]) -> Table:
    table = Table(title="Invariants")
    for heading, justify in (("#", "right"), ("invariant", "left"), ("rows", "right"), ("broken", "right")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for result in results:
        broken = str(result.broken) if not result.broken else f"[red]{result.broken}[/red]"
        table.add_row(str(result.number), result.name, str(result.rows), broken)
        for key, what in result.examples:
            table.add_row("", f"  {key}: {what}", "", "")
    return table


def stages_table(reports: dict[Stage, StageReport]) -> Table:
    table = Table(title="One pass of the pipeline")
    table.add_column("stage")
    for heading in ("claimed", "done", "deferred", "refused", "failed"):
        table.add_column(heading, justify="right")
    for stage, report in reports.items():
        table.add_row(stage.value, *(str(count) for count in report.counts().values()))
    return table


def funnel_tables(funnel: Funnel) -> list[Table]:
    """The funnel and the P&L, as two tables."""
    return [_funnel(funnel), _pnl(funnel.pnl)]


def _funnel(funnel: Funnel) -> Table:
    table = Table(title="From alert to trade", show_header=False)
    table.add_column("what")
    table.add_column("count", justify="right")

    def section(title: str, total: int, parts: dict[str, int]) -> None:
        table.add_row(f"[bold]{title}[/bold]", f"[bold]{total}[/bold]")
        for name, count in parts.items():
            table.add_row(f"    {name}", str(count))

    intake, gates = funnel.intake, funnel.gates
    section("requests received", intake["received"], {})
    section(
        "  of them accepted",
        intake["accepted"],
        {
            "entry signals": intake["entry_signals"],
            "exit signals": intake["exit_signals"],
            "bias events and market context": intake["accepted"] - intake["entry_signals"] - intake["exit_signals"],
        },
    )
    section("  duplicates", intake["duplicate"], {})
    section("  ignored (pings, context, not actionable)", intake["ignored"], {})
    section("  rejected", intake["rejected"], intake["rejected_by_code"])
    table.add_section()
    section(
        "entry signals decided",
        gates["signals_decided"],
        {f"now {k}": v for k, v in gates["signals_by_status"].items()},
    )
    section("decision rounds refused, by gate", sum(gates["refused"].values()), gates["refused"])
    section("decision rounds deferred, by gate", sum(gates["deferred"].values()), gates["deferred"])
    table.add_section()
    for name, group in funnel.orders.items():
        parts = {key: value for key, value in group.items() if key not in ("made", "contracts")}
        section(f"orders: {name}", group["made"], parts)
    table.add_section()
    positions = funnel.positions
    section("positions opened", positions["opened"], {"still open": positions["open"]})
    section("positions closed, by reason", positions["closed"], positions["closed_by_reason"])
    return table


def _pnl(rows: list[dict[str, Any]]) -> Table:
    table = Table(title="P&L in dollars, commissions included (simulated prices)")
    table.add_column("engine")
    table.add_column("mode")
    for heading in ("closed", "wins", "open", "realized", "unrealized", "commissions"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    return table
