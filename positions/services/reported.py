"""The profit a sender says its exit made, against what our positions made."""

from datetime import datetime

from django.db.models import QuerySet

from optionsengine.core.enums import Mode
from optionsengine.ops.enums import AlertLevel
from optionsengine.ops.services import alert_raise
from orders.models import Order
from positions.models import Position
from positions.selectors import reported_pnl_get
from signals.enums import SignalStatus
from signals.models import Signal


def reporting_signals_lock(exits: QuerySet[Order]) -> None:
    """Lock the exit signals behind one position's exit orders that report a profit: the last close sees the others.

    Call it before any other lock is taken: whoever applies an exit signal holds it before it wants its entries.
    """
    reporting = Signal.objects.filter(pk__in=exits.values("exit_signal"), reported_pnl__isnull=False)
    list(reporting.select_for_update(no_key=True, of=("self",)).order_by("pk"))


def position_reported_compare(*, position: Position, at: datetime) -> None:
    """Compare what was reported of the exits that closed this position; call it where its close is booked."""
    if position.mode == Mode.SHADOW:
        return
    exits = Order.objects.filter(entry_order=position.entry_order_id).values("exit_signal")
    # one that still looks for positions to close is compared when it has done so
    done = Signal.objects.filter(pk__in=exits, reported_pnl__isnull=False, status=SignalStatus.EXECUTED)
    for signal in done.order_by("pk"):
        reported_pnl_compare(signal=signal, at=at)


def reported_pnl_compare(*, signal: Signal, at: datetime) -> None:
    """Alert if the sender's profit is not that of the positions the exit closed; nothing while one of them is open."""
    compared = reported_pnl_get(signal)
    if compared is None or compared.ours is None or not compared.differs:
        return
    alert_raise(
        cause=f"pnl_mismatch:{signal.pk}",
        level=AlertLevel.WARNING,
        message=f"The sender reports a profit of ${compared.reported} for its exit of {signal.symbol}, our positions "
        f"made ${compared.ours}. Compare the fills on the page of exit signal {signal.pk} with the sender's.",
        at=at,
    )
