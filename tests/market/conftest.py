"""Three providers of market data on real sockets, and the settings that make one market of them."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.core.cache import caches

from optionsengine.market.selectors import sources_get
from optionsengine.market.single_flight import CACHE
from tests.fakes.alpaca import FakeAlpaca
from tests.fakes.marketdata import FakeMarketData
from tests.fakes.server import FakeServer
from tests.fakes.twelvedata import FakeTwelveData

NAMES = ("alpaca", "twelvedata", "marketdata")


class Feeds:
    """Three providers' servers, and the market that the settings make of them."""

    def __init__(self, settings):
        self.servers = dict(
            zip(NAMES, map(FakeServer, (FakeAlpaca(), FakeTwelveData(), FakeMarketData())), strict=True)
        )
        self.settings = settings
        self.environment = {
            "MARKET_DATA_PROVIDERS": list(NAMES),
            "ALPACA_API_KEY": "alpaca-key",
            "ALPACA_SECRET_KEY": "alpaca-secret",
            "ALPACA_DATA_URL": self.servers["alpaca"].url,
            "ALPACA_TRADING_URL": self.servers["alpaca"].url,
            "TWELVE_DATA_API_KEY": "twelve-key",
            "TWELVE_DATA_URL": self.servers["twelvedata"].url,
            "MARKETDATA_API_KEY": "marketdata-key",
            "MARKETDATA_URL": self.servers["marketdata"].url,
        }
        for name, value in self.environment.items():
            setattr(settings, name, value)
        settings.QUOTE_MAX_AGE_SECONDS = 3600
        self.limit(alpaca=(1000, "minute"), twelve_data=(1000, "minute"), marketdata=(1000, "minute"))
        for server in self.servers.values():
            server.provider.rate = {}

    def limit(self, **rates):
        for name, rate in rates.items():
            setattr(self.settings, f"{name.upper()}_RATE_LIMIT", (rate,))

    def break_all(self, fault, *names):
        for name in names or NAMES:
            self.servers[name].fault = fault

    def asked(self):
        """How often each was asked since the last look."""
        counts = {name: len(server.asked) for name, server in self.servers.items()}
        for server in self.servers.values():
            server.asked.clear()
        return {name: count for name, count in counts.items() if count}

    def price(self, symbol, price, *names, **changes):
        for name in names:
            market = self.servers[name].provider.market
            half, last = Decimal("0.01"), Decimal(price)
            stock = replace(market.stocks[symbol], bid=last - half, ask=last + half, last=last, **changes)
            self.servers[name].provider.market = replace(market, stocks=market.stocks | {symbol: stock})

    def close(self):
        self.settings.MARKET_DATA_PROVIDERS = list(NAMES)
        for source in sources_get():
            source.provider.close()
        for server in self.servers.values():
            server.close()


@pytest.fixture
def feeds(settings):
    caches[CACHE].clear()
    made = Feeds(settings)
    yield made
    made.close()
