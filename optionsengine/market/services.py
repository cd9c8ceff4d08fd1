"""What stores the market's messages, and the bars that were read."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from optionsengine.market.data import Bar, Timeframe
from optionsengine.market.enums import FeedKind
from optionsengine.market.models import FeedTick, StoredBar


def bars_store(*, symbol: str, timeframe: Timeframe, bars: Sequence[Bar], at: datetime) -> None:
    """Keep the bars, oldest first, that are not kept already."""
    if not bars:
        return
    span = StoredBar.objects.filter(symbol=symbol, timeframe=timeframe, at__gte=bars[0].at, at__lte=bars[-1].at)
    kept = set(span.values_list("at", flat=True))
    StoredBar.objects.bulk_create(
        (
            StoredBar(
                created_at=at,
                symbol=symbol,
                timeframe=timeframe,
                at=bar.at,
                open=bar.open,
                high=bar.high,
                low=bar.low,
                close=bar.close,
                volume=bar.volume,
                source=bar.source,
            )
            for bar in bars
            if bar.at not in kept
        ),
        batch_size=1000,
        ignore_conflicts=True,  # another process may have read the same
    )


def feed_tick_save(
    *,
    event_id: UUID,
    kind: FeedKind,
    symbol: str,
    observed_at: datetime,
    data: Mapping[str, Any],
    at: datetime,
    price: Decimal | None = None,
    option_type: str = "",
    strike: Decimal | None = None,
    expiry: str = "",
    premium: Decimal | None = None,
    size: Decimal | None = None,
    sentiment: str = "",
    is_unusual: bool = False,
) -> None:
    """Store one message of a feed, once per request that brought it."""
    FeedTick.objects.create(
        created_at=at,
        event_id=event_id,
        kind=kind,
        symbol=symbol,
        observed_at=observed_at,
        price=price,
        option_type=option_type,
        strike=strike,
        expiry=expiry,
        premium=premium,
        size=size,
        sentiment=sentiment,
        is_unusual=is_unusual,
        data=dict(data),
    )
