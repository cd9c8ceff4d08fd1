"""What the simulated market knows of each symbol: price level, volatility, liquidity."""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache

from optionsengine.market.data import MarketError
from optionsengine.market.enums import MarketProblem

_SYMBOL = re.compile(r"[A-Z][A-Z0-9.]{0,9}")


@dataclass(frozen=True, slots=True)
class Liquidity:
    """How a class of options trades.

    `spread` is the relative spread at the money, `interest` the open interest there of a weekly, in contracts;
    `penny` classes quote in cents at any price, others in nickels from $3.
    """

    spread: float
    interest: int
    penny: bool


INDEX_FUND = Liquidity(spread=0.008, interest=12000, penny=True)
LARGE = Liquidity(spread=0.018, interest=7000, penny=True)
ORDINARY = Liquidity(spread=0.045, interest=1500, penny=False)


@dataclass(frozen=True, slots=True)
class Profile:
    """`price` is the level the symbol lives around, in dollars; `volatility` annual, as a fraction; `skew` the rise of
    implied volatility, as a fraction, per standard deviation below the money; `strike_step` dollars near the money,
    `far_step` away from it; `minute_volume` shares; `stock_spread` cents."""

    price: float
    volatility: float
    dividend_yield: float
    skew: float
    strike_step: float
    far_step: float
    minute_volume: int
    stock_spread: int
    liquidity: Liquidity


_STOCK_STEPS = ((400, (5.0, 10.0)), (100, (2.5, 5.0)), (40, (1.0, 2.5)), (0, (0.5, 1.0)))  # from a price on


def _fund(price: float, volatility: float, minute_volume: int, far_step: float = 5.0) -> Profile:
    return Profile(price, volatility, 0.012, 0.12, 1.0, far_step, minute_volume, 1, INDEX_FUND)


def _stock(price: float, volatility: float, minute_volume: int, liquidity: Liquidity = LARGE) -> Profile:
    step, far = next(steps for floor, steps in _STOCK_STEPS if price >= floor)
    spread = max(2, round(price / 100))
    return Profile(price, volatility, 0.004, 0.06, step, far, minute_volume, spread, liquidity)


_KNOWN = {
    "SPY": _fund(600.0, 0.16, 150_000),
    "QQQ": _fund(520.0, 0.21, 100_000),
    "IWM": _fund(220.0, 0.23, 75_000, 2.0),
    "DIA": _fund(440.0, 0.15, 8_000),
    "XLK": _fund(230.0, 0.23, 14_000, 2.0),
    "XLF": _fund(52.0, 0.18, 100_000, 1.0),
    "XLE": _fund(90.0, 0.25, 40_000, 1.0),
    "TLT": _fund(90.0, 0.15, 90_000, 1.0),
    "GLD": _fund(310.0, 0.17, 25_000, 5.0),
    "AAPL": _stock(230.0, 0.27, 130_000),
    "MSFT": _stock(430.0, 0.24, 55_000),
    "NVDA": _stock(140.0, 0.45, 500_000),
    "TSLA": _stock(250.0, 0.50, 240_000),
    "AMZN": _stock(200.0, 0.30, 100_000),
    "META": _stock(560.0, 0.33, 35_000),
    "GOOGL": _stock(180.0, 0.28, 75_000),
    "AMD": _stock(150.0, 0.46, 110_000),
    "NFLX": _stock(900.0, 0.33, 10_000),
    "AVGO": _stock(220.0, 0.42, 60_000),
    "COIN": _stock(260.0, 0.70, 25_000),
    "PLTR": _stock(80.0, 0.62, 200_000),
    "JPM": _stock(240.0, 0.22, 25_000),
    "BA": _stock(170.0, 0.33, 20_000),
}


def is_symbol(text: str) -> bool:
    """Tell whether the simulated market trades it: any well-formed symbol."""
    return _SYMBOL.fullmatch(text) is not None


@lru_cache(maxsize=1024)
def profile_for(symbol: str) -> Profile:
    """Return the profile of any well-formed symbol; one that is not in the table gets its own from its name.

    :raises MarketError: `UNKNOWN_SYMBOL`, if it is not a symbol.
    """
    if not is_symbol(symbol):
        raise MarketError(
            MarketProblem.UNKNOWN_SYMBOL, "a symbol is 1 to 10 of A–Z, 0–9 and dot; correct the signal", symbol=symbol
        )
    if symbol in _KNOWN:
        return _KNOWN[symbol]
    digest = hashlib.blake2b(symbol.encode(), digest_size=8).digest()
    price = 20.0 + int.from_bytes(digest[:4], "big") % 280
    volatility = 0.22 + int.from_bytes(digest[4:6], "big") % 34 / 100
    return _stock(price, volatility, 2_000 + int.from_bytes(digest[6:], "big") % 20_000, ORDINARY)
