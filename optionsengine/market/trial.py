"""Trying each configured provider by itself, as a person asks for it: past its breaker, and within its limits."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from optionsengine.core.enums import Right
from optionsengine.core.values import OptionContract
from optionsengine.market import calendar
from optionsengine.market.data import MarketError
from optionsengine.market.providers.base import MarketProvider

MIN_DTE, MAX_DTE = 0.0, 45.0


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one question: `said` is a summary of the answer, or why there is none."""

    offer: str
    works: bool
    said: str


def provider_try(provider: MarketProvider, *, offers: frozenset[str], symbol: str, at: datetime) -> list[Trial]:
    """Ask a provider for everything that it offers, and return what came of each."""
    chain_contracts: list[OptionContract] = []

    def chain() -> str:
        found = provider.chain(symbol, at, MIN_DTE, MAX_DTE, Right.CALL)
        chain_contracts.extend(quote.contract for quote in found.quotes[:3])
        return f"{len(found.quotes)} calls within {MAX_DTE:.0f} days"

    def quotes() -> str:
        quote = provider.quote(symbol, at)
        shown = f"last {quote.last}" if quote.bid is None else f"{quote.bid} × {quote.ask}"
        return f"{symbol} {shown}, {max((at - quote.at).total_seconds(), 0):.0f} s old"

    def bars() -> str:
        found = provider.bars(symbol, "5m", 10, at)
        return f"{len(found)} bars of 5 minutes, the last at {found[-1].at:%Y-%m-%d %H:%M} UTC" if found else "no bars"

    def option_quotes() -> str:
        return f"{len(provider.option_quotes(chain_contracts, at))} of {len(chain_contracts)}"

    def official_close() -> str:
        day = calendar.last_session(at)
        if calendar.is_open(at):
            day = calendar.previous_session(day)
        return f"{provider.official_close(symbol, day)} on {day}"

    questions: dict[str, Callable[[], str]] = {
        "quotes": quotes,
        "bars": bars,
        "chain": chain,
        "option_quotes": option_quotes,
        "official_close": official_close,
    }
    found: list[Trial] = []
    for offer, ask in questions.items():
        if offer in offers and (offer != "option_quotes" or chain_contracts):  # only a chain tells whom to ask for
            found.append(_try(offer, ask))
    return found


def _try(offer: str, ask: Callable[[], str]) -> Trial:
    try:
        return Trial(offer, True, ask())
    except MarketError as error:
        return Trial(offer, False, error.message)
