"""A person closes everything: no entry is left working, and every real position gets its exit order."""

import logging
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from optionsengine.core.enums import Intent, Mode
from optionsengine.ops.enums import TradingStatus
from optionsengine.ops.services import trading_state_reduce
from optionsengine.pipeline.flatten_entries import entries_end
from orders.enums import LIVE
from orders.models import Order
from orders.services import orders_expire
from positions.models import Position
from positions.selectors import positions_watched
from positions.services import position_flatten

logger = logging.getLogger(__name__)
_REAL = Q(mode__in=Mode.real(), is_test=False)


@dataclass(frozen=True, slots=True)
class FlattenedPosition:
    """One position that was to be closed: its exit order, or why it has none."""

    position_id: UUID
    option_symbol: str
    quantity: int
    client_order_id: str = ""
    exit_reason: str = ""
    error: str = ""


@dataclass(slots=True)
class FlattenReport:
    """What a person's flatten did.

    `signals_ended` were approved without an order, or waited for a person; `entries_cancelled` were orders already.
    `ordered` got their exit order by it, `in_progress` had one that works already, `failed` could not be asked.
    `entries_in_flight` were being sent when it came: what they buy is not closed by it.
    """

    status: TradingStatus
    signals_ended: int = 0
    entries_cancelled: int = 0
    entries_in_flight: int = 0
    ordered: list[FlattenedPosition] = field(default_factory=list)
    in_progress: list[FlattenedPosition] = field(default_factory=list)
    failed: list[FlattenedPosition] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left for another try."""
        return not self.failed and not self.entries_in_flight

    @property
    def message(self) -> str:
        """The report in words, with what to do next."""
        said = (
            f"{len(self.ordered)} exit orders written, {len(self.in_progress)} were working already, "
            f"{self.entries_cancelled} entries cancelled, {self.signals_ended} signals ended; "
            f"trading is {self.status.value}"
        )
        if self.failed:
            said += f"; {len(self.failed)} positions FAILED: read the log, then flatten again"
        if self.entries_in_flight:
            said += (
                f"; {self.entries_in_flight} entries are on their way: flatten again in a minute to close their fills"
            )
        return said


def flatten(*, actor: str, reason: str, at: datetime, with_shadow: bool = False) -> FlattenReport:
    """Stop new entries and close every real position at the market, each in a transaction of its own.

    The trading state becomes REDUCING, unless a person's HALTED is in force, in which these exits are sent too. May be
    called any number of times: an exit order that works is left to work. Nothing that was decided before it buys when
    somebody sets ACTIVE again: what is approved or waits for a person is ended, too. Shadow positions follow their
    rules unless `with_shadow`; test positions are never touched.
    """
    report = FlattenReport(status=trading_state_reduce(reason=f"flatten: {reason}"[:200], at=at))
    report.signals_ended = entries_end(actor=actor, reason=reason, at=at, with_shadow=with_shadow)
    while ended := orders_expire(at=at, flattened_by=actor):
        report.entries_cancelled += len(ended)
    wanted = _REAL | Q(mode=Mode.SHADOW, is_test=False) if with_shadow else _REAL
    report.entries_in_flight = Order.objects.filter(wanted, intent=Intent.ENTRY, status__in=LIVE).count()
    for position in positions_watched().filter(wanted).order_by("pk"):
        _position_close(position, report, actor=actor, reason=reason, at=at)
    logger.warning("flatten by %s (%s): %s", actor, reason, report.message)
    return report


def _position_close(position: Position, report: FlattenReport, *, actor: str, reason: str, at: datetime) -> None:
    row = position.pk, position.option_symbol, position.quantity
    try:
        outcome = position_flatten(position_id=position.pk, actor=actor, reason=reason, at=at)
    except Exception as error:
        # one position that cannot be closed must not keep the others open
        logger.exception("flattening position %s failed", position.pk)
        report.failed.append(FlattenedPosition(*row, error=f"{type(error).__name__}: {error}"[:200]))
        return
    if outcome is None:
        return
    order, is_ours = outcome
    told = report.ordered if is_ours else report.in_progress
    told.append(FlattenedPosition(*row, client_order_id=order.client_order_id, exit_reason=order.exit_reason))
