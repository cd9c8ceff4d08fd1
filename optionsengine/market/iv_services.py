"""What records the volatility of each day."""

from datetime import date, datetime, timedelta

from optionsengine.core.enums import Right
from optionsengine.market import calendar
from optionsengine.market.iv_selectors import KEPT
from optionsengine.market.models import IV_LIMIT, IvDay
from optionsengine.market.providers.simulated import SimulatedProvider
from optionsengine.market.smile import LEVEL_DAYS, smile_of

_BEFORE_CLOSE = timedelta(minutes=30)
_EITHER_SIDE_DAYS = 8.0  # a week and a holiday: an expiration before the thirtieth day, and one after it


def iv_day_record(*, symbol: str, at: datetime, atm_iv: float, is_simulated: bool) -> None:
    """Keep `atm_iv` (a fraction a year) as the symbol's of today unless today has one, and drop what is over a year
    old. A volatility beyond all reason is not kept."""
    if not 0 < atm_iv < IV_LIMIT:
        return
    today = calendar.new_york_day(at)
    _store(symbol, {today: atm_iv}, at=at, is_simulated=is_simulated)
    IvDay.objects.filter(symbol=symbol, is_simulated=is_simulated, session_date__lte=today - KEPT).delete()


def iv_days_backfill(*, symbol: str, provider: SimulatedProvider, at: datetime, days: int) -> int:
    """Record the volatilities of the `days` sessions before today out of the simulated market's own past.

    So that a fresh database on simulated prices has a rank at once; a real market's past is not asked for. Returns how
    many days were added.
    """
    today = calendar.new_york_day(at)
    found: dict[date, float] = {}
    for back in range(1, days + 1):
        day = calendar.add_sessions(today, -back)
        moment = calendar.session_bounds(day)[1] - _BEFORE_CLOSE
        reach = LEVEL_DAYS - _EITHER_SIDE_DAYS, LEVEL_DAYS + _EITHER_SIDE_DAYS
        chain = provider.chain(symbol, moment, *reach, Right.CALL)
        level = smile_of(chain.quotes, spot=chain.spot, at=moment).atm_iv
        if level is not None:
            found[day] = level
    return _store(symbol, found, at=at, is_simulated=True)


def _store(symbol: str, volatilities: dict[date, float], *, at: datetime, is_simulated: bool) -> int:
    kept = IvDay.objects.filter(symbol=symbol, is_simulated=is_simulated, session_date__in=volatilities)
    known = set(kept.values_list("session_date", flat=True))
    rows = [
        IvDay(created_at=at, symbol=symbol, session_date=day, is_simulated=is_simulated, atm_iv=volatility)
        for day, volatility in volatilities.items()
        if day not in known
    ]
    IvDay.objects.bulk_create(rows, ignore_conflicts=True)  # another process may have seen the same day
    return len(rows)
