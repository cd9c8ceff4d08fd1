"""Stored bars and volatilities."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from optionsengine.market.models import IvDay, StoredBar
from tests.factories.clock import AT


def stored_bar(*, number: int = 0, **values: Any) -> StoredBar:
    """The `number`-th bar of five minutes from `AT` on."""
    defaults = {
        "symbol": "SPY",
        "timeframe": "5m",
        "at": AT + timedelta(minutes=5 * number),
        "open": Decimal("600.00"),
        "high": Decimal("600.75"),
        "low": Decimal("599.50"),
        "close": Decimal("600.25"),
        "volume": 120_000,
        "source": "alpaca",
        "created_at": AT,
    }
    return StoredBar.objects.create(**(defaults | values))


def iv_day(*, number: int = 0, **values: Any) -> IvDay:
    """The volatility of the day `number` days before `AT`."""
    defaults = {
        "symbol": "SPY",
        "session_date": (AT - timedelta(days=number)).date(),
        "is_simulated": False,
        "atm_iv": 0.2,
        "created_at": AT,
    }
    return IvDay.objects.create(**(defaults | values))
