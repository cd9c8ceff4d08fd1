"""What reads the recorded volatilities."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from optionsengine.market import calendar
from optionsengine.market.models import IvDay
from optionsengine.market.volatility import MAX_DAYS

KEPT = timedelta(days=366)  # a year of sessions; an older day says nothing about today's rank


@dataclass(frozen=True, slots=True)
class IvHistory:
    """The volatilities of the days before today, newest first, and whether today's is recorded already."""

    before: tuple[float, ...]
    has_today: bool


def iv_history_get(symbol: str, at: datetime, *, is_simulated: bool) -> IvHistory:
    """Return the recorded days of `symbol` within the last year, at most 252 before today's."""
    today = calendar.new_york_day(at)
    rows = (
        IvDay.objects.filter(
            symbol=symbol, is_simulated=is_simulated, session_date__gt=today - KEPT, session_date__lte=today
        )
        .order_by("-session_date")
        .values_list("session_date", "atm_iv")[: MAX_DAYS + 1]
    )
    before = tuple(volatility for day, volatility in rows if day < today)
    return IvHistory(before[:MAX_DAYS], has_today=len(before) < len(rows))
