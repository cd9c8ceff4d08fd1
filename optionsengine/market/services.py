"""What stores the market's messages."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from optionsengine.market.enums import FeedKind
from optionsengine.market.models import FeedTick


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
