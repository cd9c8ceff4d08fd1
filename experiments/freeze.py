"""Freezing: what a decision is made of becomes one value that survives JSON exactly, with its hash. Pure.

Everything is rounded here, once, so that deciding on the frozen value and on its JSON is the same. Lists of like
records (frames, candidates, symbols on the books) are stored as a table, column names once, which keeps a decision
within 16 KiB.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from heapq import nsmallest
from typing import Any

from pydantic import TypeAdapter

from experiments.config import DecisionConfig, Limits
from experiments.contract import fallback, wished
from experiments.contract_scores import first_failure, ordered, score
from experiments.contract_terms import Terms, terms_build
from experiments.data import (
    Candidate,
    ChainSummary,
    DecisionInputs,
    MarketSnapshot,
    SessionFacts,
    SignalFacts,
)
from experiments.enums import ContractFilter, ExecutionMode
from experiments.facts import MAX_BOOK_SYMBOLS, BiasFacts, ContextFacts, CorrelationFacts, Exposure, SymbolRisk
from experiments.settle import MAX_TEXT, number_exact, price_exact, settled
from experiments.setup_type import outlives_session
from optionsengine.core.enums import Engine
from optionsengine.core.values import right_for
from optionsengine.market import calendar
from optionsengine.market.data import OptionChain, OptionQuote, Quote
from optionsengine.market.features import FrameFeatures
from optionsengine.ops.enums import TradingStatus

MAX_CANDIDATES = 40
MAX_WISHED = 8  # of the signal's own strike or expiration, when it names only one of them
MAX_PROBLEM = 200  # characters, what is missing included
MAX_MISSING = 60
MAX_EXPIRATIONS = 40  # of those on the books, the soonest
GREEK_DIGITS = 4
GAMMA_DIGITS = 6

_AGE = "age_us"  # of a candidate's quote, in microseconds
_MICROSECOND = timedelta(microseconds=1)
_ADAPTER = TypeAdapter(DecisionInputs)


@dataclass(frozen=True, slots=True)
class _FrozenChain:
    candidates: tuple[Candidate, ...]
    summary: ChainSummary


def _known(value: float | None, digits: int) -> float | None:
    return None if value is None else number_exact(value, digits)


def _is_finite(quote: OptionQuote) -> bool:
    numbers = (quote.iv, quote.delta, quote.gamma, quote.theta, quote.vega)
    known = [number for number in numbers if number is not None]
    return quote.bid.is_finite() and quote.ask.is_finite() and all(map(math.isfinite, known))


def _candidate(quote: OptionQuote, days: float) -> Candidate:
    return Candidate(
        expiration=quote.contract.expiration,
        strike=price_exact(quote.contract.strike),
        bid=price_exact(quote.bid),
        ask=price_exact(quote.ask),
        bid_size=quote.bid_size,
        ask_size=quote.ask_size,
        iv=_known(quote.iv, GREEK_DIGITS),
        delta=_known(quote.delta, GREEK_DIGITS),
        gamma=_known(quote.gamma, GAMMA_DIGITS),
        theta=_known(quote.theta, GREEK_DIGITS),
        vega=_known(quote.vega, GREEK_DIGITS),
        open_interest=quote.open_interest,
        volume=quote.volume,
        dte=days,
        at=quote.at,
    )


def _keep(contracts: Sequence[Candidate], passing: Sequence[Candidate], terms: Terms, spot: Decimal) -> list[Candidate]:
    """Choose the forty so that choosing among them and among all comes out the same: first what the fallback and the
    signal's own wishes would take, then what fits, best first, then what comes nearest to the delta wanted."""
    own, own_nearest = wished(contracts, terms, spot)
    nearest = [each for each in (own_nearest, fallback(contracts, terms, spot)) if each is not None]
    wanted = (*nearest, *(scored.contract for scored in own[:MAX_WISHED]), *passing[:MAX_CANDIDATES])
    kept = {id(each): each for each in wanted}  # by identity: to hash forty contracts costs more than to choose them
    if len(kept) < MAX_CANDIDATES:
        target = terms.rules.target_delta
        others = nsmallest(
            MAX_CANDIDATES,
            (each for each in contracts if id(each) not in kept),
            key=lambda each: (
                math.inf if each.delta is None else abs(abs(each.delta) - target),
                each.expiration,
                each.strike,
            ),
        )
        kept |= {id(each): each for each in others}
    return list(kept.values())[:MAX_CANDIDATES]


def _chain_freeze(chain: OptionChain, terms: Terms) -> _FrozenChain:
    spot = price_exact(chain.spot)
    removed = dict.fromkeys(ContractFilter, 0)
    expirations = {quote.contract.expiration for quote in chain.quotes}
    days = {each: number_exact(calendar.dte(each, terms.at), GREEK_DIGITS) for each in expirations}
    contracts, fitting = [], []
    for quote in chain.quotes:
        if quote.contract.right != right_for(terms.side):
            removed[ContractFilter.RIGHT] += 1
        elif not _is_finite(quote):
            removed[ContractFilter.QUOTE] += 1
        else:
            contract = _candidate(quote, days[quote.contract.expiration])
            failure = first_failure(contract, terms)
            contracts.append(contract)
            if failure is None:
                fitting.append(score(contract, terms))
            else:
                removed[failure] += 1
    passing = [scored.contract for scored in ordered(fitting, terms.side)]
    kept = _keep(contracts, passing, terms, spot)
    frozen = {id(each) for each in kept}
    removed[ContractFilter.KEPT_OUT] = sum(id(each) not in frozen for each in passing)
    nearest = min(contracts, key=lambda each: (each.expiration, abs(each.strike - spot), each.strike), default=None)
    return _FrozenChain(
        candidates=tuple(sorted(kept, key=lambda each: (each.expiration, each.strike))),
        summary=ChainSummary(
            spot=spot,
            atm_iv=None if nearest is None else nearest.iv,
            listed=len(chain.quotes),
            removed={name.value: count for name, count in removed.items()},
            source=chain.source,
            greeks_source=",".join(sorted({quote.greeks_source for quote in chain.quotes} - {""}))[:MAX_TEXT],
            hinted=sum(scored.is_hinted for scored in fitting),
        ),
    )


class ChainFreezer:
    """Freezes a chain once for signals that ask the same of it: reducing hundreds of contracts is the dear part."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, Terms], tuple[OptionChain, _FrozenChain]] = {}

    def freeze(self, chain: OptionChain, terms: Terms) -> _FrozenChain:
        """Return the chain's candidates and summary under `terms`."""
        key = (id(chain), terms)  # by identity, which holds as long as the chain is kept here
        if key not in self._kept:
            self._kept[key] = (chain, _chain_freeze(chain, terms))
        return self._kept[key][1]


def _quote_freeze(quote: Quote) -> Quote:
    return Quote(
        symbol=quote.symbol,
        bid=None if quote.bid is None else price_exact(quote.bid),
        ask=None if quote.ask is None else price_exact(quote.ask),
        at=quote.at,
        source=quote.source,
        last=price_exact(quote.last),
    )


def _age_seconds(signal: SignalFacts, at: datetime, session: SessionFacts) -> int:
    """Seconds since the end of the bar, none before it. A signal of a day or longer ages in session only."""
    if outlives_session(signal.timeframe) and (not session.is_open or session.minutes_from_open is not None):
        seconds = calendar.session_minutes_between(signal.bar_end_at, at) * 60
    else:
        seconds = (at - signal.bar_end_at).total_seconds()
    return max(0, math.ceil(round(seconds, 3)))


def _exposure_freeze(exposure: Exposure) -> Exposure:
    book = replace(
        exposure,
        expirations=dict(sorted(exposure.expirations.items())[:MAX_EXPIRATIONS]),
        symbols=exposure.symbols[:MAX_BOOK_SYMBOLS],
    )
    return settled(book)


def _correlation_freeze(correlation: CorrelationFacts) -> CorrelationFacts:
    return settled(replace(correlation, pairs=dict(list(correlation.pairs.items())[:MAX_BOOK_SYMBOLS])))


def _missing_freeze(missing: Sequence[str], room_left: int) -> tuple[str, ...]:
    """Cut each at 60 characters, and leave out what is too much for all together."""
    kept: list[str] = []
    for text in missing:
        room = min(MAX_MISSING, room_left - sum(map(len, kept)))
        if room > 0:
            kept.append(text[:room])
    return tuple(kept)


def inputs_build(
    *,
    signal: SignalFacts,
    at: datetime,
    variant: Engine,
    execution_mode: ExecutionMode,
    trading_status: TradingStatus,
    session: SessionFacts,
    market: MarketSnapshot,
    bias: BiasFacts | None,
    context: ContextFacts | None,
    exposure: Exposure,
    limits: Limits,
    stop_loss_percent: Mapping[Engine, Decimal],
    config: DecisionConfig,
    chains: ChainFreezer | None = None,
) -> DecisionInputs:
    """Freeze everything one decision is made of.

    The chain is reduced to at most forty candidates of the signal's right. A quote that is not finite is left out and
    named in `market_problem`. Decisions made together share `chains`, which changes nothing but the time it takes.
    """
    bias, gamma, volatility = settled(bias), settled(market.gamma), settled(market.volatility)
    terms = terms_build(
        signal=signal,
        at=at,
        limits=limits,
        config=config,
        iv_percentile=None if volatility is None else volatility.iv_percentile,
        bias=bias,
        gex_state=None if gamma is None else gamma.state,
    )
    chain = None if market.chain is None else (chains or ChainFreezer()).freeze(market.chain, terms)
    quote, problem = market.quote, market.problem
    prices = () if quote is None else (quote.bid, quote.ask, quote.last)
    if not all(price is None or price.is_finite() for price in prices):
        quote, problem = None, problem or f"the quote of {signal.symbol} is not a number"
    return DecisionInputs(
        signal=signal,
        variant=variant,
        execution_mode=execution_mode,
        at=at,
        signal_age_seconds=_age_seconds(signal, at, session),
        trading_status=trading_status,
        session=session,
        quote=None if quote is None else _quote_freeze(quote),
        market_problem=problem[:MAX_PROBLEM],
        frames=dict(sorted(market.frames.items())),
        candidates=() if chain is None else chain.candidates,
        chain_summary=None if chain is None else chain.summary,
        bias=bias,
        context=settled(context),
        gamma=gamma,
        flow=settled(market.flow),
        volatility=volatility,
        opening_range=settled(market.opening_range),
        correlation=None if market.correlation is None else _correlation_freeze(market.correlation),
        exposure=_exposure_freeze(exposure),
        limits=limits,
        stop_loss_percent={engine: price_exact(stop_loss_percent[engine]) for engine in Engine},
        config=config,
        missing=_missing_freeze(market.missing, MAX_PROBLEM - len(problem[:MAX_PROBLEM])),
    )


def _table(records: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> dict[str, Any]:
    return {"columns": list(columns), "rows": [[record[column] for column in columns] for record in records]}


def _records(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def inputs_to_json(inputs: DecisionInputs) -> dict[str, Any]:
    """Return the inputs as JSON values: decimals, dates and moments as strings, records as tables.

    :raises ValueError: for a number that is not finite; it could not be read back.
    """
    data: dict[str, Any] = _ADAPTER.dump_python(inputs, mode="json")
    # the books read the expiration and the strike of a stored decision as the first two columns; a quote's age is short
    for record, candidate in zip(data["candidates"], inputs.candidates, strict=True):
        record[_AGE] = (inputs.at - candidate.at) // _MICROSECOND
    columns = [_AGE if column.name == "at" else column.name for column in fields(Candidate)]
    data["candidates"] = _table(data["candidates"], columns)
    frames = [data["frames"][name] for name in sorted(data["frames"])]
    data["frames"] = _table(frames, [column.name for column in fields(FrameFeatures)])
    data["exposure"]["symbols"] = _table(data["exposure"]["symbols"], [column.name for column in fields(SymbolRisk)])
    json.dumps(data, allow_nan=False)
    return data


def inputs_from_json(data: Mapping[str, Any]) -> DecisionInputs:
    """Return the inputs that `inputs_to_json` wrote.

    :raises ValueError: if it is not that.
    """
    try:
        frames = {record["timeframe"]: record for record in _records(data["frames"])}
        candidates = _records(data["candidates"])
        at = datetime.fromisoformat(data["at"])
        for candidate in candidates:
            candidate["at"] = (at - candidate.pop(_AGE) * _MICROSECOND).isoformat()
        exposure = {**data["exposure"], "symbols": _records(data["exposure"]["symbols"])}
    except (KeyError, TypeError) as error:
        raise ValueError(f"these are not frozen decision inputs of this version: {error!r}") from error
    tables = {"frames": frames, "candidates": candidates, "exposure": exposure}
    # sorted, since a column of JSON keeps keys in an order of its own
    return _ADAPTER.validate_json(json.dumps({**data, **tables}, sort_keys=True))
