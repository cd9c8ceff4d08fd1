"""What is held as one risk: counts by side, expiry and symbol, and the Greeks in dollars. Pure, in exact decimals."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from experiments.facts import SymbolRisk
from optionsengine.core.enums import Right, Side
from optionsengine.core.values import MULTIPLIER, cents

MOST_SYMBOLS = 12
MOST_EXPIRATIONS = 40
FULL_DELTA = Decimal(1)  # of a share of the option: it moves as the underlying does
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class DollarGreeks:
    """Dollars of the underlying; of delta per 1 % move; per volatility point; a day."""

    delta: Decimal = Decimal(0)
    gamma: Decimal = Decimal(0)
    vega: Decimal = Decimal(0)
    theta: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Held:
    """What is held, or may still be bought, of one symbol, side and expiration; some may be `without_greeks`."""

    symbol: str
    side: Side
    expiration: date
    positions: int
    greeks: DollarGreeks
    without_greeks: int


def dollar_greeks(
    *,
    right: Right,
    contracts: int,
    price: Decimal,
    delta: Decimal | None,
    gamma: Decimal | None,
    vega: Decimal | None,
    theta: Decimal | None,
) -> DollarGreeks:
    """Return the Greeks of bought contracts in dollars, from those of a share of the option.

    `price` is the underlying's. Delta's sign is the right's, whatever sign its source writes: a put that is bought is
    short of the underlying. A delta that is not known counts in full, as no option's is larger, and any other Greek as
    nothing.
    """
    shares = Decimal(contracts * MULTIPLIER)
    sign = -1 if right == Right.PUT else 1
    return DollarGreeks(
        delta=(FULL_DELTA if delta is None else abs(delta)) * sign * shares * price,
        gamma=Decimal(0) if gamma is None else gamma * shares * price * price / _HUNDRED,
        vega=Decimal(0) if vega is None else vega * shares,
        theta=Decimal(0) if theta is None else theta * shares,
    )


def risk_facts(held: Iterable[Held], *, symbol: str) -> dict[str, Any]:
    """Return the fields of an `Exposure` that say what is held, as a decision about `symbol` sees it.

    The Greeks add up over everything, rounded to the cent at the end. The nearest 40 expirations and the 12 symbols and
    sides of the largest dollar delta are named.
    """
    by_side: Counter[Side] = Counter()
    of_symbol: Counter[Side] = Counter()
    expirations: Counter[date] = Counter()
    positions: Counter[tuple[str, Side]] = Counter()
    deltas: dict[tuple[str, Side], Decimal] = {}
    delta = gamma = vega = theta = Decimal(0)
    without = 0
    for one in held:
        key = one.symbol, one.side
        deltas[key] = deltas.get(key, Decimal(0)) + one.greeks.delta
        delta, gamma = delta + one.greeks.delta, gamma + one.greeks.gamma
        vega, theta = vega + one.greeks.vega, theta + one.greeks.theta
        without += one.without_greeks
        by_side[one.side] += one.positions
        expirations[one.expiration] += one.positions
        positions[key] += one.positions
        if one.symbol == symbol:
            of_symbol[one.side] += one.positions
    largest = sorted(deltas, key=lambda key: (-abs(deltas[key]), key))[:MOST_SYMBOLS]
    return {
        "by_side": dict(+by_side),
        "symbol_by_side": dict(+of_symbol),
        "expirations": dict(sorted((+expirations).items())[:MOST_EXPIRATIONS]),
        "symbols": tuple(
            SymbolRisk(*key, positions=positions[key], dollar_delta=cents(deltas[key])) for key in largest
        ),
        "dollar_delta": cents(delta),
        "dollar_gamma": cents(gamma),
        "dollar_vega": cents(vega),
        "dollar_theta": cents(theta),
        "without_greeks": without,
    }
