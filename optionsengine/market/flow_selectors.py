"""What reads the prints that feeds sent."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Max, Q, Sum

from optionsengine.market.enums import FeedKind
from optionsengine.market.flow import (
    MAX_PRINTS,
    STRONG_PREMIUM,
    STRONG_SIZE,
    WINDOW,
    FlowSummary,
    FlowTotals,
    flow_summarise,
)
from optionsengine.market.models import FeedTick

_STRONG = Q(is_unusual=True) | Q(premium__gte=STRONG_PREMIUM) | Q(size__gte=STRONG_SIZE)
_LEANS = {
    "long": Q(sentiment="BULLISH") | Q(sentiment="NEUTRAL", option_type="CALL") & _STRONG,
    "short": Q(sentiment="BEARISH") | Q(sentiment="NEUTRAL", option_type="PUT") & _STRONG,
}


def _sum(column: str, condition: Q) -> Sum:
    return Sum(column, filter=condition, default=Decimal(0))


def flow_is_told(symbol: str, at: datetime, window: timedelta = WINDOW) -> bool:
    """Tell whether any print of `symbol` may count at `at`: a look at the index, far cheaper than adding them up."""
    return FeedTick.objects.filter(
        kind=FeedKind.FLOW, symbol=symbol, observed_at__gt=at - window, observed_at__lte=at
    ).exists()


def flow_summary_get(
    symbol: str, at: datetime, window: timedelta = WINDOW, *, limit: int = MAX_PRINTS
) -> FlowSummary | None:
    """Return what the option prints of `symbol` in the `window` up to `at` say; None when there were none.

    A print counts when it was observed after `at` − `window` and not after `at`, and had arrived by `at`. One query
    over the index by kind, symbol and time; only the newest `limit` prints are added up.

    :raises ValueError: for a window or limit that is not above zero.
    """
    if window <= timedelta(0) or limit <= 0:
        raise ValueError("give a window and a limit above zero")
    start_at = at - window
    prints = FeedTick.objects.filter(
        kind=FeedKind.FLOW, symbol=symbol, observed_at__gt=start_at, observed_at__lte=at, created_at__lte=at
    ).order_by("-observed_at")[:limit]
    row = prints.aggregate(
        prints=Count("pk"),
        unusual_prints=Count("pk", filter=Q(is_unusual=True)),
        call_premium=_sum("premium", Q(option_type="CALL")),
        put_premium=_sum("premium", Q(option_type="PUT")),
        call_volume=_sum("size", Q(option_type="CALL")),
        put_volume=_sum("size", Q(option_type="PUT")),
        bullish_premium=_sum("premium", Q(sentiment="BULLISH")),
        bearish_premium=_sum("premium", Q(sentiment="BEARISH")),
        neutral_premium=_sum("premium", Q(sentiment="NEUTRAL")),
        long_premium=_sum("premium", _LEANS["long"]),
        short_premium=_sum("premium", _LEANS["short"]),
        newest_at=Max("observed_at"),
    )
    if row["prints"] == 0:
        return None
    return flow_summarise(
        FlowTotals(**row), symbol=symbol, start_at=start_at, end_at=at, is_capped=row["prints"] >= limit
    )
