"""How fast 10,000 European options are priced, ours and by QuantLib, and their volatilities found again. One core."""

from dataclasses import dataclass

import numpy as np
import QuantLib
from numpy.typing import NDArray

from optionsengine.market.pricing import Valuation, implied_volatility, value_options
from tests.bench.arithmetic import median, share
from tests.bench.load import BenchError
from tests.bench.machine import Machine
from tests.bench.report import Figures
from tests.bench.timing import milliseconds

KEYS = ("price_10k_ms", "price_vs_quantlib", "iv_10k_ms")
COUNT = 10_000
GREEKS = ("delta", "gamma", "theta", "vega", "rho")
_ROUNDS = 7
_TRIES = 9  # in a round; the median of them is the round's
_RATE, _YIELD = 0.04, 0.01


@dataclass(frozen=True, slots=True)
class Book:
    """Options of many underlyings; `days` are whole, which QuantLib's dates ask for."""

    spot: NDArray[np.float64]
    strike: NDArray[np.float64]
    days: NDArray[np.int64]
    volatility: NDArray[np.float64]
    is_call: NDArray[np.bool_]

    @classmethod
    def make(cls, count: int) -> "Book":
        source = np.random.default_rng(1)
        spot = source.uniform(20, 900, count)
        return cls(
            spot=spot,
            strike=spot * source.uniform(0.7, 1.4, count),
            days=source.integers(1, 730, count),
            volatility=source.uniform(0.1, 0.9, count),
            is_call=source.random(count) < 0.5,
        )

    def value(self) -> Valuation:
        return value_options(
            spot=self.spot,
            strike=self.strike,
            years=self.days / 365,
            rate=_RATE,
            dividend_yield=_YIELD,
            volatility=self.volatility,
            is_call=self.is_call,
        )

    def implied(self, price: NDArray[np.float64]) -> NDArray[np.float64]:
        return implied_volatility(
            price=price,
            spot=self.spot,
            strike=self.strike,
            years=self.days / 365,
            rate=_RATE,
            dividend_yield=_YIELD,
            is_call=self.is_call,
        )

    def value_by_quantlib(self) -> list[tuple[float, ...]]:
        """Build one instrument with the analytic engine per option, and read its price and Greeks (its units)."""
        first = QuantLib.Date(1, 6, 2140)
        count = QuantLib.Actual365Fixed()
        spot, volatility = QuantLib.SimpleQuote(1.0), QuantLib.SimpleQuote(0.2)
        process = QuantLib.BlackScholesMertonProcess(
            QuantLib.QuoteHandle(spot),
            QuantLib.YieldTermStructureHandle(QuantLib.FlatForward(first, _YIELD, count)),
            QuantLib.YieldTermStructureHandle(QuantLib.FlatForward(first, _RATE, count)),
            QuantLib.BlackVolTermStructureHandle(
                QuantLib.BlackConstantVol(first, QuantLib.NullCalendar(), QuantLib.QuoteHandle(volatility), count)
            ),
        )
        engine = QuantLib.AnalyticEuropeanEngine(process)
        call, put = QuantLib.Option.Call, QuantLib.Option.Put
        rows = zip(
            *(column.tolist() for column in (self.spot, self.strike, self.days, self.volatility, self.is_call)),
            strict=True,
        )
        found = []
        for s, strike, days, sigma, is_call in rows:
            spot.setValue(s)
            volatility.setValue(sigma)
            option = QuantLib.VanillaOption(
                QuantLib.PlainVanillaPayoff(call if is_call else put, strike), QuantLib.EuropeanExercise(first + days)
            )
            option.setPricingEngine(engine)
            found.append(
                (option.NPV(), option.delta(), option.gamma(), option.thetaPerDay(), option.vega(), option.rho())
            )
        return found


def measure(machine: Machine) -> Figures:
    """Time both on the same options, round by round, and make sure that they say the same."""
    book = Book.make(COUNT)
    price = book.value().price
    fault = disagreement(book) or lost(book, book.implied(price))
    if fault:
        raise BenchError(fault)
    ours, theirs, implied = [], [], []
    for _ in range(_ROUNDS):
        ours.append(milliseconds(book.value, _TRIES))
        theirs.append(milliseconds(book.value_by_quantlib, 1))
        implied.append(milliseconds(lambda: book.implied(price), _TRIES))
    figures = Figures()
    figures.add("price_10k_ms", median(ours), "10,000 prices with all Greeks; under 5 is asked for", ours)
    figures.add(
        "price_vs_quantlib", share(theirs, ours), "times as fast as QuantLib, one instrument per option; 100", ()
    )
    figures.remark("QuantLib", median(theirs), "ms for the same prices and Greeks", theirs)
    figures.add("iv_10k_ms", median(implied), "10,000 implied volatilities; under 25 is asked for", implied)
    return figures


def disagreement(book: Book) -> str:
    """Return where our prices and Greeks differ from QuantLib's, or an empty text."""
    ours = book.value()
    theirs = np.array(book.value_by_quantlib()).T
    theirs[4:] /= 100  # vega and rho per point
    for name, other in zip(("price", *GREEKS), theirs, strict=True):
        gap = float(np.max(np.abs(getattr(ours, name) - other) / book.spot))
        if not gap < 1e-9:
            return f"our {name} is {gap:.1e} of the spot away from QuantLib's"
    return ""


def lost(book: Book, found: NDArray[np.float64]) -> str:
    """Return how many volatilities were not found again though the price tells them, or an empty text."""
    tells = book.value().vega > 1e-6 * book.spot
    wrong = int(np.count_nonzero(~(np.abs(found - book.volatility)[tells] < 1e-8)))
    return f"{wrong} implied volatilities are not what the price was made with" if wrong else ""
