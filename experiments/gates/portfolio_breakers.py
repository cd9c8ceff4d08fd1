"""Is the account losing too fast, or would the book lean too far in dollars or expire too much together?

The numbers of the account and of the Greeks are limits (the risk-limits row), those of the expiries are
decision-rules §5.7. Without a contract to buy its expiry is not judged.

A bucket's share is taken of the positions the limits allow, or of all after this entry where more are open. Of what is
open, as the reference takes it, the third trade of one setup would be 100 % of a young book and always refused, which
contradicts the limit on open positions (D40): of a limit of five, three may share a bucket and a fourth is refused.
"""

from collections.abc import Iterator, Mapping
from datetime import date

from experiments.contract import Selection
from experiments.data import DecisionInputs, GateVerdict
from experiments.enums import Gate, GateCode
from experiments.gates.verdicts import Hit, passed, refused_by
from optionsengine.core.enums import Side
from optionsengine.market.calendar import dte

NEAR_DAYS = 5  # breakers.near_days: as many days before or after count as one expiry
MAX_NEAR = 3  # breakers.max_near
BUCKET_DAYS = (7, 30, 90)  # breakers.bucket_days: where the second, third and fourth bucket begin
BUCKET_PERCENT = 60  # breakers.bucket_percent
BUCKET_FROM = 3  # breakers.bucket_from: positions of a bucket from which its share counts


def _losses(inputs: DecisionInputs) -> Iterator[Hit]:
    seen, limit = inputs.exposure, inputs.limits.max_drawdown_percent
    if seen.frozen_until is not None and seen.frozen_until > inputs.at:
        yield GateCode.DRAWDOWN_BREAKER, f"paused until {seen.frozen_until:%H:%M} UTC", f"{limit} % of equity"
    elif seen.drawdown_percent >= limit:
        yield GateCode.DRAWDOWN_BREAKER, f"{seen.drawdown_percent:.2f} % lost today", f"{limit} % of equity"


def _greeks(inputs: DecisionInputs) -> Iterator[Hit]:
    seen, limits = inputs.exposure, inputs.limits
    towards = seen.dollar_delta if inputs.signal.side == Side.LONG else -seen.dollar_delta
    if towards >= limits.max_dollar_delta:  # a trade against the lean makes it smaller
        yield GateCode.GREEKS_LIMIT, f"delta ${seen.dollar_delta}", f"${limits.max_dollar_delta}"
    if abs(seen.dollar_gamma) >= limits.max_dollar_gamma:
        yield GateCode.GREEKS_LIMIT, f"gamma ${seen.dollar_gamma}", f"${limits.max_dollar_gamma}"
    if abs(seen.dollar_vega) >= limits.max_dollar_vega:
        yield GateCode.GREEKS_LIMIT, f"vega ${seen.dollar_vega}", f"${limits.max_dollar_vega}"


def _bucket(days: float) -> int:
    return sum(days >= begins for begins in BUCKET_DAYS)


def _bucket_name(bucket: int) -> str:
    bounds = (0, *BUCKET_DAYS)
    return f"{bounds[bucket]}–{bounds[bucket + 1]}" if bucket < len(BUCKET_DAYS) else f"{bounds[bucket]}+"


def _expiries(inputs: DecisionInputs, chosen: date) -> Iterator[Hit]:
    open_by_expiry: Mapping[date, int] = inputs.exposure.expirations
    near = sum(count for each, count in open_by_expiry.items() if abs((each - chosen).days) <= NEAR_DAYS)
    if near >= MAX_NEAR:
        yield GateCode.DTE_CONCENTRATION, f"{near} within {NEAR_DAYS} days of {chosen}", f"{MAX_NEAR}"
    bucket = _bucket(dte(chosen, inputs.at))
    inside = 1 + sum(count for each, count in open_by_expiry.items() if _bucket(dte(each, inputs.at)) == bucket)
    whole = max(1 + sum(open_by_expiry.values()), inputs.limits.max_open_positions)
    if inside >= BUCKET_FROM and inside * 100 > BUCKET_PERCENT * whole:
        value = f"{inside} of {whole} positions, open or allowed, would expire in {_bucket_name(bucket)} days"
        yield GateCode.DTE_CONCENTRATION, value, f"{BUCKET_PERCENT} %"


def judge(inputs: DecisionInputs, selection: Selection | None) -> GateVerdict:
    if inputs.signal.is_test:
        return passed(Gate.PORTFOLIO_BREAKERS, value="test signal", message="test signals are outside the breakers")
    contract = None if selection is None else selection.contract
    hits = [*_losses(inputs), *_greeks(inputs)]
    if contract is not None:
        hits += _expiries(inputs, contract.expiration)
    if hits:
        return refused_by(
            Gate.PORTFOLIO_BREAKERS,
            hits,
            "the book is at a breaker",
            "close a position, or raise the limits under Risk limits (the drawdown's pause ends by itself), "
            "then run the signal again",
        )
    seen, limits = inputs.exposure, inputs.limits
    notes = [] if contract is not None else ["there is no contract, so its expiry was not judged"]
    if seen.without_greeks:
        notes.append(f"nobody told the Greeks of {seen.without_greeks} open positions")
    return passed(
        Gate.PORTFOLIO_BREAKERS,
        value=f"{seen.drawdown_percent:.2f} % lost today, delta ${seen.dollar_delta}, gamma ${seen.dollar_gamma}, "
        f"vega ${seen.dollar_vega}",
        threshold=f"{limits.max_drawdown_percent} %, ${limits.max_dollar_delta}, ${limits.max_dollar_gamma}, "
        f"${limits.max_dollar_vega}",
        message="; ".join(notes),
    )
