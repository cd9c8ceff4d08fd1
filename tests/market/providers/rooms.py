"""Every provider with the market it tells of: the fake servers, stored bars, the simulated one, and none."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from optionsengine.market import calendar
from optionsengine.market.data import Bar, Timeframe
from optionsengine.market.models import StoredBar
from optionsengine.market.providers.alpaca import AlpacaProvider
from optionsengine.market.providers.http import Timeouts
from optionsengine.market.providers.marketdata import MarketDataProvider
from optionsengine.market.providers.null import NullProvider
from optionsengine.market.providers.replay import ReplayProvider
from optionsengine.market.providers.simulated import SimulatedProvider
from optionsengine.market.providers.twelvedata import TwelveDataProvider
from tests.fakes.alpaca import FakeAlpaca
from tests.fakes.market import AT, SESSIONS
from tests.fakes.marketdata import FakeMarketData
from tests.fakes.server import FakeServer
from tests.fakes.twelvedata import FakeTwelveData

KEY, SECRET = "canary-key-9f31", "canary-secret-77b2"
NETWORK = ("alpaca", "twelvedata", "marketdata")
EVERY = (*NETWORK, "simulated", "replay", "null")
OFFERS = {
    "alpaca": ("quote", "quotes", "bars", "chain", "option_quotes", "official_close"),
    "twelvedata": ("quote", "quotes", "bars", "official_close"),
    "marketdata": ("quote", "quotes", "chain", "option_quotes"),
}
FRAME_COUNT = {"5m": 1, "15m": 3, "1h": 12, "4h": 48, "1d": 78}
BARS_A_SESSION = 78


@dataclass
class Room:
    name: str
    provider: Any
    server: FakeServer | None = None


@contextmanager
def room_of(name: str, **terms: Any) -> Iterator[Room]:
    """Open a provider; `terms` go to its constructor."""
    fakes = {"alpaca": FakeAlpaca, "twelvedata": FakeTwelveData, "marketdata": FakeMarketData}
    if name not in fakes:
        yield Room(name, _local(name))
        return
    server = FakeServer(fakes[name]())
    provider = network_provider(name, server.url, **terms)
    try:
        yield Room(name, provider, server)
    finally:
        provider.close()
        server.close()


def network_provider(name: str, url: str, **terms: Any) -> Any:
    if name == "alpaca":
        feeds = {"stock_feed": "iex", "option_feed": "indicative"}
        return AlpacaProvider(key=KEY, secret=SECRET, data_url=url, trading_url=f"{url}/", **(feeds | terms))
    adapter = TwelveDataProvider if name == "twelvedata" else MarketDataProvider
    return adapter(key=KEY, url=url, **terms)


def _local(name: str) -> Any:
    if name == "simulated":
        return SimulatedProvider(seed=1, always_open=False)
    if name == "null":
        return NullProvider()
    StoredBar.objects.bulk_create(
        StoredBar(
            created_at=AT,
            symbol="SPY",
            timeframe=timeframe,
            at=bar.at,
            open=bar.open,
            high=bar.high,
            low=bar.low,
            close=bar.close,
            volume=bar.volume,
            source=bar.source,
        )
        for timeframe in FRAME_COUNT
        for bar in every_bar(timeframe, "alpaca")
    )
    return ReplayProvider()


def bar_of(session: int, first: int, count: int, source: str) -> Bar:
    """One bar over `count` five-minute bars from the `first` of the `session`-th session on, by their formula."""
    start = calendar.session_bounds(SESSIONS[session])[0] + timedelta(minutes=5 * first)
    opening = Decimal(600 + session) + Decimal(first) / 100
    close = opening + Decimal(count) / 100
    shares = sum(100 + number for number in range(first, first + count))
    return Bar(start, opening, close + Decimal("0.05"), opening - Decimal("0.05"), close, shares, source)


def every_bar(timeframe: Timeframe, source: str) -> list[Bar]:
    """All bars of all sessions, those of the rest of today included."""
    width = FRAME_COUNT[timeframe]
    return [
        bar_of(session, first, min(width, BARS_A_SESSION - first), source)
        for session in range(len(SESSIONS))
        for first in range(0, BARS_A_SESSION, width)
    ]


QUICK = Timeouts(connect=0.2, total=0.2)
