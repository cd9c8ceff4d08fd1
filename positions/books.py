"""What is on the books, read in two prepared statements: a decision asks for it a hundred times a second.

The Greeks have one store: `positions.greeks` for what is held, the frozen candidates of its decision for an entry.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from experiments.enums import DecisionOutcome
from optionsengine.core.enums import Intent, Mode, Right, Side
from optionsengine.core.prepared import execute_prepared
from optionsengine.core.values import MULTIPLIER
from orders.enums import LIVE
from positions.enums import PositionStatus
from positions.risk import FULL_DELTA, DollarGreeks, Held, dollar_greeks
from positions.rules import premium
from signals.enums import SignalStatus

# one pass over the real positions; those that are closed fall into one group without symbol, side and expiration. A
# delta that nobody told counts in full, and an underlying without a price has the strike's.
# OFFSET 0 keeps the planner from reading a Greek out of its JSON once for every place that uses it
_POSITIONS = """
    SELECT underlying, side, expiration, count(*), count(*) FILTER (WHERE created_at >= %(day)s),
        sum(realized_pnl), sum(unrealized), sum(open_cost), sum(initial_risk * quantity / opened_quantity),
        coalesce(sum(realized_pnl + unrealized) FILTER (
            WHERE closed_at >= %(day)s OR underlying IS NOT NULL AND created_at >= %(day)s), 0),
        coalesce(sum(coalesce(abs(delta), %(full)s::numeric)
            * CASE "right" WHEN %(put)s THEN -1 ELSE 1 END * shares * price), 0),
        coalesce(sum(gamma * shares * price * price / 100), 0),
        coalesce(sum(vega * shares), 0), coalesce(sum(theta * shares), 0),
        count(*) FILTER (WHERE is_unpriced OR num_nulls(delta, gamma, vega, theta) > 0)
    FROM (
        SELECT CASE WHEN is_open THEN underlying END AS underlying, CASE WHEN is_open THEN side END AS side,
            CASE WHEN is_open THEN expiration END AS expiration, "right", created_at, closed_at, realized_pnl,
            CASE WHEN is_open THEN coalesce(unrealized_pnl, 0) ELSE 0 END AS unrealized, open_cost, initial_risk,
            quantity, opened_quantity, quantity * %(multiplier)s::int AS shares,
            coalesce(underlying_price, strike) AS price, underlying_price IS NULL AS is_unpriced,
            (held ->> 'delta')::numeric AS delta, (held ->> 'gamma')::numeric AS gamma,
            (held ->> 'vega')::numeric AS vega, (held ->> 'theta')::numeric AS theta
        FROM positions, LATERAL (
            SELECT status <> %(closed)s AS is_open, CASE WHEN status <> %(closed)s THEN greeks END AS held
        ) AS state
        WHERE mode = ANY(%(real)s) AND NOT is_test
        OFFSET 0
    ) AS book
    GROUP BY underlying, side, expiration
"""
# what its decision froze of an entry's contract: its expiration and strike are the first two columns of the table
_CANDIDATE = """
    LEFT JOIN market_contexts decision ON decision.id = advice.decision_id
    LEFT JOIN LATERAL (
        SELECT candidate FROM jsonb_array_elements(decision.inputs -> 'candidates' -> 'rows') AS candidate
        WHERE candidate ->> 0 = entry.expiration::text AND (candidate ->> 1)::numeric = entry.strike
        LIMIT 1
    ) AS frozen ON true
"""
_FROZEN = """(decision.inputs -> 'candidates' -> 'columns')::text, frozen.candidate::text,
        (decision.inputs -> 'chain_summary' ->> 'spot')::numeric"""
_ENTRIES = f"""
    SELECT entry.underlying, coalesce(advice.side, signal.side), entry.expiration, entry."right", entry.engine,
        coalesce(advice.setup_type, ''), position.id, entry.quantity - entry.filled_quantity,
        entry.filled_quantity = 0, coalesce(entry.limit_price, advice.ask, 0), entry.strike, {_FROZEN}
    FROM orders entry
    JOIN signals signal ON signal.id = entry.signal_id
    LEFT JOIN decision_recommendations advice ON advice.id = entry.recommendation_id
    LEFT JOIN positions position ON position.entry_order_id = entry.id
    {_CANDIDATE}
    WHERE entry.intent = %(entry)s AND entry.status = ANY(%(live)s) AND entry.mode = ANY(%(real)s)
        AND NOT entry.is_test
    UNION ALL
    SELECT entry.underlying, entry.side, entry.expiration, entry."right", entry.engine, entry.setup_type, NULL,
        entry.quantity, true, coalesce(entry.limit_price, entry.ask, 0), entry.strike, {_FROZEN}
    FROM decision_recommendations entry
    JOIN signals signal ON signal.id = entry.signal_id
    LEFT JOIN decision_recommendations advice ON advice.id = entry.id
    {_CANDIDATE}
    WHERE entry.outcome = %(approved)s AND NOT entry.is_shadow AND NOT signal.is_test
        AND signal.status = %(signal_approved)s
        AND NOT EXISTS (SELECT FROM orders made WHERE made.recommendation_id = entry.id)
        AND NOT EXISTS (SELECT FROM approvals asked WHERE asked.decision_id = entry.decision_id)
"""  # noqa: S608 - its parts are constants


@dataclass(frozen=True, slots=True)
class Books:
    """The real positions in sums: dollars, and `held` by symbol, side and expiration."""

    opened_today: int
    realized: Decimal
    unrealized: Decimal
    open_cost: Decimal
    risk: Decimal
    daily: Decimal
    held: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class PendingEntry:
    """An entry that may still buy `quantity` contracts at `price`; `is_new` when it has no position yet."""

    engine: str
    setup_type: str
    position_id: UUID | None
    quantity: int
    price: Decimal
    is_new: bool
    held: Held

    @property
    def cost(self) -> Decimal:
        """The dollars it may still spend."""
        return premium(self.price, self.quantity)


def books_read(*, day_start: datetime) -> Books:
    """Return the real positions in sums; what `day_start` began is today. One statement."""
    rows = execute_prepared(
        _POSITIONS,
        {
            "day": day_start,
            "put": Right.PUT.value,
            "multiplier": MULTIPLIER,
            "full": FULL_DELTA,
            "closed": PositionStatus.CLOSED.value,
            "real": [mode.value for mode in Mode.real()],
        },
    )
    return Books(
        opened_today=sum(row[4] for row in rows),
        realized=_sum(row[5] for row in rows),
        unrealized=_sum(row[6] for row in rows),
        open_cost=_sum(row[7] for row in rows),
        risk=_sum(row[8] for row in rows),
        daily=_sum(row[9] for row in rows),
        held=tuple(
            Held(row[0], Side(row[1]), row[2], row[3], DollarGreeks(*row[10:14]), without_greeks=row[14])
            for row in rows
            if row[0] is not None
        ),
    )


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


def entries_read() -> list[PendingEntry]:
    """Return working entry orders, and approved recommendations that have no order yet. One statement.

    Their Greeks are those of the candidate that their decision froze, at the spot it saw; what it did not see counts as
    for a position: delta in full, the strike as the price.
    """
    rows = execute_prepared(
        _ENTRIES,
        {
            "entry": Intent.ENTRY.value,
            "live": [status.value for status in LIVE],
            "real": [mode.value for mode in Mode.real()],
            "approved": DecisionOutcome.APPROVED.value,
            "signal_approved": SignalStatus.APPROVED.value,
        },
    )
    return [_entry(*row) for row in rows]


def _entry(
    symbol: str,
    side: str,
    expiration: date,
    right: str,
    engine: str,
    setup_type: str,
    position_id: UUID | None,
    quantity: int,
    is_new: bool,
    price: Decimal,
    strike: Decimal,
    columns: str | None,
    candidate: str | None,
    spot: Decimal | None,
) -> PendingEntry:
    told = _told(columns, candidate)
    greeks = dollar_greeks(right=Right(right), contracts=quantity, price=strike if spot is None else spot, **told)
    is_unknown = spot is None or None in told.values()
    held = Held(symbol, Side(side), expiration, int(is_new), greeks, without_greeks=int(is_new and is_unknown))
    return PendingEntry(engine, setup_type, position_id, quantity, price, is_new, held)


def _told(columns: str | None, candidate: str | None) -> dict[str, Decimal | None]:
    """Return the Greeks of a frozen candidate; those that nobody told are None."""
    names = json.loads(columns or "[]")
    values = json.loads(candidate or "[]", parse_float=Decimal, parse_int=Decimal)
    found = dict(zip(names, values, strict=False))
    return {name: found.get(name) for name in ("delta", "gamma", "vega", "theta")}
