"""Greeks for contracts whose source gives none, by our own pricing from the quote it does give. Pure."""

from dataclasses import replace
from datetime import datetime

import numpy as np

from optionsengine.core.enums import Right
from optionsengine.market import calendar
from optionsengine.market.american import implied_volatility_american, value_american
from optionsengine.market.data import OptionChain
from optionsengine.market.pricing import DAYS_PER_YEAR, implied_volatility, value_options

COMPUTED = "computed"
EUROPEAN_SYMBOLS = frozenset({"NDX", "RUT", "SPX", "VIX", "XSP"})
_DIGITS = 6


def greeks_fill(chain: OptionChain, *, at: datetime, rate: float) -> OptionChain:
    """Return the chain with implied volatility and Greeks where they were missing and the quote is two-sided.

    From the middle of the quote, without dividends; `rate` is a fraction a year. Options of stocks and funds are priced
    as American ones, those of the cash-settled indexes as European ones. A contract whose price no volatility explains
    stays without. What the source gave is never replaced.
    """
    missing = [
        index
        for index, quote in enumerate(chain.quotes)
        if quote.iv is None and 0 < quote.bid <= quote.ask and calendar.dte(quote.contract.expiration, at) > 0
    ]
    if not missing or chain.spot <= 0:
        return chain
    quotes = list(chain.quotes)
    contracts = [quotes[index].contract for index in missing]
    strike = np.array([float(contract.strike) for contract in contracts])
    years = np.array([calendar.dte(contract.expiration, at) for contract in contracts]) / DAYS_PER_YEAR
    is_call = np.array([contract.right == Right.CALL for contract in contracts])
    is_european = chain.underlying in EUROPEAN_SYMBOLS
    imply, price = (implied_volatility, value_options) if is_european else (implied_volatility_american, value_american)
    spot, mid = float(chain.spot), np.array([float(quotes[index].mid) for index in missing])
    volatility = imply(price=mid, spot=spot, strike=strike, years=years, rate=rate, dividend_yield=0.0, is_call=is_call)
    known = np.isfinite(volatility)
    value = price(
        spot=spot,
        strike=strike[known],
        years=years[known],
        rate=rate,
        dividend_yield=0.0,
        volatility=volatility[known],
        is_call=is_call[known],
    )
    found = (index for index, is_known in zip(missing, known, strict=True) if is_known)
    columns = (volatility[known], value.delta, value.gamma, value.theta, value.vega)
    for index, *numbers in zip(found, *columns, strict=True):
        iv, delta, gamma, theta, vega = (round(float(number), _DIGITS) for number in numbers)
        quotes[index] = replace(
            quotes[index], iv=iv, delta=delta, gamma=gamma, theta=theta, vega=vega, greeks_source=COMPUTED
        )
    return replace(chain, quotes=tuple(quotes))
