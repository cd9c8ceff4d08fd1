"""What a decision would like to know besides the prices: each fact by itself, and none of them needed to decide.

They are asked for after what a decision needs, so that they cannot starve it, and with a patience of their own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

from django.conf import settings

from experiments.fact_selectors import flow_facts_get, gamma_told_get
from experiments.facts import (
    MAX_BOOK_SYMBOLS,
    CorrelationFacts,
    FlowFacts,
    GammaFacts,
    OpeningRange,
    VolatilityFacts,
)
from optionsengine.core.retry import database_retry
from optionsengine.market.correlation import MARKET_SYMBOL, beta_of, correlation_of, daily_closes
from optionsengine.market.data import Bar, MarketError, OptionChain, Timeframe
from optionsengine.market.iv_selectors import IvHistory, iv_history_get
from optionsengine.market.iv_services import iv_day_record
from optionsengine.market.near import NearReading, closes_get, near_get
from optionsengine.market.opening import session_opening
from optionsengine.market.patience import patience
from optionsengine.market.providers.base import MarketProvider
from optionsengine.market.providers.simulated import SimulatedProvider
from optionsengine.market.selectors import market_open
from optionsengine.market.smile import Smile, smile_of
from optionsengine.market.volatility import MIN_DAYS, iv_place, realized_volatility
from optionsengine.pipeline.market_memory import MarketMemory

FACTS_SECONDS = 4.0  # all of them together: a decision does not wait long for what it can do without
GAMMA_WORKED_OUT = "chain"

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class MarketFacts:
    """What could be had; `missing` says in words what could not."""

    gamma: GammaFacts | None
    flow: FlowFacts | None
    volatility: VolatilityFacts | None
    opening_range: OpeningRange | None
    correlation: CorrelationFacts | None
    missing: tuple[str, ...]


def facts_gather(
    provider: MarketProvider,
    *,
    symbol: str,
    bars: Mapping[Timeframe, Sequence[Bar]],
    chain: OptionChain,
    book: Sequence[str],
    at: datetime,
    memory: MarketMemory,
) -> MarketFacts:
    """Gather the facts of `symbol`, whose `bars` and `chain` are at hand. Call it with no transaction open."""
    asked = _Facts(provider, symbol, at, memory)
    with patience(FACTS_SECONDS):
        flow = asked.flow()
        opening = asked.opening_range(bars["5m"])
        told = asked.gamma_told()
        near = asked.near()
        gamma = told or asked.gamma(near)
        volatility = asked.volatility(near, chain, bars["1d"])
        correlation = asked.correlation(bars["1d"], book)
    return MarketFacts(gamma, flow, volatility, opening, correlation, tuple(asked.missing))


class _Facts:
    """One symbol's facts as of one moment; `missing` grows with what cannot be had."""

    def __init__(self, provider: MarketProvider, symbol: str, at: datetime, memory: MarketMemory) -> None:
        self._provider = provider
        self._symbol = symbol
        self._at = at
        self._memory = memory
        self.missing: list[str] = []

    def _once(self, kind: str, ask: Callable[[], Value], *parts: str) -> Value:
        return self._memory.once(kind, *(parts or (self._symbol,)), at=self._at, ask=ask)

    def flow(self) -> FlowFacts | None:
        found = self._once("flow", lambda: database_retry(lambda: flow_facts_get(symbol=self._symbol, at=self._at)))
        if found is None:
            self.missing.append("flow: no prints in the last hour")
        return found

    def opening_range(self, bars: Sequence[Bar]) -> OpeningRange | None:
        found = session_opening(bars, self._at)
        if found is None:
            self.missing.append("opening range: not complete")
            return None
        return OpeningRange(found.high, found.low, found.minutes)

    def gamma_told(self) -> GammaFacts | None:
        return self._once("gamma", lambda: database_retry(lambda: gamma_told_get(symbol=self._symbol, at=self._at)))

    def near(self) -> NearReading | str:
        """Return the near chain's reading, or why there is none."""
        rate = float(settings.RISK_FREE_RATE / Decimal(100))
        try:
            return self._once("near", lambda: near_get(self._provider, self._symbol, at=self._at, rate=rate))
        except MarketError as error:
            return error.message

    def gamma(self, near: NearReading | str) -> GammaFacts | None:
        known = None if isinstance(near, str) else near.gamma
        if isinstance(near, str) or known is None:
            self.missing.append(f"gamma: {near if isinstance(near, str) else near.problem}")
            return None
        return GammaFacts(
            net_gex=known.net_gex,
            state=known.state,
            zero_gamma=None if known.zero_gamma is None else Decimal(repr(known.zero_gamma)),
            call_wall=known.call_wall,
            put_wall=known.put_wall,
            volatility_bias="",
            source=GAMMA_WORKED_OUT,
            at=near.at,
        )

    def volatility(self, near: NearReading | str, chain: OptionChain, days: Sequence[Bar]) -> VolatilityFacts | None:
        """The smile of the near chain, of the decision's own where there is none; only the former is recorded."""
        if isinstance(near, str):
            smile, history = smile_of(chain.quotes, spot=chain.spot, at=self._at), IvHistory((), has_today=True)
        else:
            smile, history = near.smile, self._history(near)
        place = None if smile.atm_iv is None else iv_place(smile.atm_iv, history.before)
        realized = realized_volatility([float(bar.close) for bar in days])
        self._volatility_missing(smile, history, has_place=place is not None)
        if realized is None and smile == Smile(None, None, None):
            return None
        return VolatilityFacts(
            atm_iv=smile.atm_iv,
            iv_percentile=None if place is None else place.percentile,
            iv_rank=None if place is None else place.rank,
            realized=realized,
            skew=smile.skew,
            term=smile.term,
        )

    def _history(self, near: NearReading) -> IvHistory:
        """Read the recorded days, and record today's if it is the first of the day in an open market."""
        is_simulated = near.source == SimulatedProvider.name
        level = near.smile.atm_iv

        def read() -> IvHistory:
            history = iv_history_get(self._symbol, self._at, is_simulated=is_simulated)
            if level is not None and not history.has_today and market_open(self._at):
                iv_day_record(symbol=self._symbol, at=self._at, atm_iv=level, is_simulated=is_simulated)
            return history

        return self._once("volatility days", lambda: database_retry(read))

    def _volatility_missing(self, smile: Smile, history: IvHistory, *, has_place: bool) -> None:
        if smile.atm_iv is None:
            self.missing.append("implied volatility: none of 30 days")
        elif not has_place:
            self.missing.append(f"IV percentile: {len(history.before)} of {MIN_DAYS} days recorded")

    def correlation(self, days: Sequence[Bar], book: Sequence[str]) -> CorrelationFacts | None:
        """Compare the daily returns with those of the books' symbols and of the market; a symbol goes with itself."""
        own = daily_closes(days)
        pairs: dict[str, float] = {}
        for other in list(dict.fromkeys(book))[:MAX_BOOK_SYMBOLS]:
            found = 1.0 if other == self._symbol else self._compared(correlation_of, own, other)
            if found is None:
                self.missing.append(f"correlation: none with {other}")
            else:
                pairs[other] = found
        beta = 1.0 if self._symbol == MARKET_SYMBOL else self._compared(beta_of, own, MARKET_SYMBOL)
        if beta is None:
            self.missing.append("beta: too few common days")
        return CorrelationFacts(pairs, beta) if pairs or beta is not None else None

    def _compared(
        self,
        measure: Callable[[Mapping[date, float], Mapping[date, float]], float | None],
        own: Mapping[date, float],
        other: str,
    ) -> float | None:
        def compared() -> float | None:
            try:
                closes = self._once("closes", lambda: closes_get(self._provider, other, at=self._at), other)
            except MarketError:
                return None
            return measure(own, closes)

        return self._once(measure.__name__, compared, self._symbol, other)
