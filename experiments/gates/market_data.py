"""Is there a market to decide on: a usable, fresh quote and a chain?"""

from experiments.data import DecisionInputs, GateVerdict
from experiments.enums import Gate, GateCode
from experiments.gates.verdicts import deferred, passed, soon
from optionsengine.market.data import Quote
from optionsengine.market.enums import QuoteProblem
from optionsengine.market.rules import price_problem


def _shown(quote: Quote) -> str:
    return f"last {quote.last}" if quote.bid is None and quote.ask is None else f"{quote.bid} / {quote.ask}"


def judge(inputs: DecisionInputs) -> GateVerdict:
    limit = inputs.config.quote_max_age_seconds
    quote = inputs.quote
    if quote is None or inputs.chain_summary is None or inputs.market_problem:
        missing = inputs.market_problem or ("no quote" if quote is None else "no option chain")
        return deferred(
            Gate.MARKET_DATA,
            GateCode.MARKET_DATA_UNAVAILABLE,
            f"the market data of {inputs.signal.symbol} is incomplete: {missing}; it is asked for again",
            soon(inputs),
            value=missing,
            threshold="quote, bars and chain",
        )
    age = f"{(inputs.at - quote.at).total_seconds():.0f} s old"
    problem = price_problem(quote, inputs.at, limit)
    if problem is None:
        return passed(Gate.MARKET_DATA, value=age, threshold=f"{limit} s")
    stale = problem == QuoteProblem.STALE
    return deferred(
        Gate.MARKET_DATA,
        GateCode.MARKET_DATA_STALE if stale else GateCode.MARKET_DATA_UNAVAILABLE,
        f"the quote of {quote.symbol} is {problem.value} ({_shown(quote)}, {age}); it is asked for again",
        soon(inputs),
        value=age if stale else problem.value,
        threshold=f"{limit} s" if stale else "two-sided, uncrossed",
    )
