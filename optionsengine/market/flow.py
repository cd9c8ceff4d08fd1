"""What the prints of a market feed over a window of time say together. Pure.

Two readings of the same prints, after decision-rules §4.2 and api-and-data §1.8:

- `direction` is the side of the larger premium: calls long, puts short;
- `sentiment_direction` is the side of the larger premium among prints that lean. One leans as its sentiment says; a
  neutral one that is strong (unusual, or `STRONG_PREMIUM` dollars, or `STRONG_SIZE` contracts) as its type does.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from optionsengine.core.enums import Side

SOURCE = "feed"
WINDOW = timedelta(minutes=60)
MAX_PRINTS = 10_000  # the newest ones of a window that are added up
STRONG_PREMIUM = Decimal(250_000)  # dollars
STRONG_SIZE = Decimal(2_000)  # contracts
STRENGTH_FLOOR, STRENGTH_SLOPE, STRENGTH_CAP = 50.0, 15.0, 80.0


@dataclass(frozen=True, slots=True)
class FlowTotals:
    """Sums over the prints of a window: premiums in dollars, volumes in contracts, the others counts.

    `long_premium` and `short_premium` are those of the prints that lean to a side.
    """

    prints: int
    unusual_prints: int
    call_premium: Decimal
    put_premium: Decimal
    call_volume: Decimal
    put_volume: Decimal
    bullish_premium: Decimal
    bearish_premium: Decimal
    neutral_premium: Decimal
    long_premium: Decimal
    short_premium: Decimal
    newest_at: datetime


@dataclass(frozen=True, slots=True)
class FlowSummary:
    """The prints of one symbol from `start_at` (left out) to `end_at` (included), at least one.

    `net_premium` is calls − puts in dollars; `strength` is 50 to 80, growing with the number of prints. A direction is
    None when neither side is larger. `is_capped` when as many prints were found as are added up at most, so that older
    ones of the window may be missing.
    """

    symbol: str
    start_at: datetime
    end_at: datetime
    totals: FlowTotals
    net_premium: Decimal
    direction: Side | None
    sentiment_direction: Side | None
    strength: float
    is_capped: bool
    source: str = SOURCE


def _larger(long: Decimal, short: Decimal) -> Side | None:
    if long == short:
        return None
    return Side.LONG if long > short else Side.SHORT


def flow_strength(prints: int) -> float:
    """Return 50 + 15 · log10(prints + 1), at most 80."""
    return round(min(STRENGTH_CAP, STRENGTH_FLOOR + STRENGTH_SLOPE * math.log10(prints + 1)), 6)


def flow_summarise(
    totals: FlowTotals, *, symbol: str, start_at: datetime, end_at: datetime, is_capped: bool
) -> FlowSummary:
    """Say what the sums mean."""
    return FlowSummary(
        symbol=symbol,
        start_at=start_at,
        end_at=end_at,
        totals=totals,
        net_premium=totals.call_premium - totals.put_premium,
        direction=_larger(totals.call_premium, totals.put_premium),
        sentiment_direction=_larger(totals.long_premium, totals.short_premium),
        strength=flow_strength(totals.prints),
        is_capped=is_capped,
    )
