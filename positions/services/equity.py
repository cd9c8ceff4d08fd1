"""Writes down what the account is worth as a day begins: what the day lost is measured from it."""

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db.models import Case, F, Sum, Value, When
from django.db.models.functions import Coalesce

from optionsengine.core.enums import Mode
from optionsengine.core.retry import database_retried
from optionsengine.core.values import cents
from optionsengine.market import calendar
from positions.enums import PositionStatus
from positions.models import EquitySnapshot, Position
from positions.selectors import day_began_at


@database_retried
def equity_snapshot_take(*, at: datetime) -> None:
    """Write the equity that the date in New York began with, once a date: call it before anything of the day is booked.

    It is the starting equity with the results of all real positions, open ones as of their last marks. What was opened
    since midnight is left out: its result is the day's own, however late the first pass of the day comes.
    """
    day = calendar.new_york_day(at)
    if EquitySnapshot.objects.filter(new_york_date=day).exists():
        return
    older = Position.objects.filter(mode__in=Mode.real(), is_test=False, created_at__lt=day_began_at(at))
    unrealized = Case(
        When(status=PositionStatus.CLOSED, then=Value(Decimal(0))), default=Coalesce(F("unrealized_pnl"), Decimal(0))
    )
    sums = older.aggregate(results=Sum(F("realized_pnl") + unrealized))
    equity = cents(settings.PAPER_STARTING_EQUITY + (sums["results"] or 0))
    # two first passes at once say the same; whoever comes second leaves what is there
    EquitySnapshot.objects.bulk_create(
        [EquitySnapshot(new_york_date=day, equity=equity, created_at=at)], ignore_conflicts=True
    )
