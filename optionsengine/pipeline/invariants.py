"""The invariants of the books as SQL: what each examines, and the rows that break it.

Numbers are those of the reliability design. What a database constraint enforces too is checked all the same: a
constraint dropped by hand, or never made on an old server, shows here. Invariant 13 (the broker's book) needs a live
broker and 15 (replay) decides again; it lives beside these in `reconcile`.
"""

from dataclasses import dataclass

_LIVE = "('pending_execution','submitting','submitted','partially_filled','unknown')"
_FINITE_NUMBERS = {
    "trades": ("price", "commission"),
    "orders": ("limit_price", "average_price", "strike"),
    "positions": ("entry_price", "mark", "bid", "ask", "high_water_mark", "trailing_stop", "open_cost", "cost_basis"),
    "position_marks": ("mark", "bid", "ask", "underlying_price", "iv"),
    "decision_recommendations": ("strike", "bid", "ask", "limit_price"),
}


@dataclass(frozen=True, slots=True)
class Invariant:
    """`examined` counts the rows looked at; `broken` returns (key, what is wrong) of each row that breaks it."""

    number: int
    name: str
    examined: str
    broken: str


def _finite() -> Invariant:
    tables = " UNION ALL ".join(f"SELECT count(*) AS n FROM {table}" for table in _FINITE_NUMBERS)
    # PostgreSQL sorts NaN above every number, so one upper bound finds NaN and Infinity
    rows = " UNION ALL ".join(
        f"SELECT id::text, '{table}.{column} is ' || {column} FROM {table} WHERE NOT ({column} >= 0 AND {column} < 1e8)"
        for table, columns in _FINITE_NUMBERS.items()
        for column in columns
    )
    return Invariant(11, "no price is negative, NaN or infinite", f"SELECT sum(n) FROM ({tables}) t", rows)


def _changes(entity: str, table: str) -> Invariant:
    """Each row's event rows must lead from nothing to its status.

    Counted, not sorted: every status is entered as often as it is left, but for the present one, entered once more. So
    no clock that stepped back and no two processes' keys can make it wrong.
    """
    events = f"{entity}_events"
    return Invariant(
        16,
        f"every status change of {table} has its event row",
        f"SELECT count(*) FROM {table}",
        f"""
        SELECT t.id::text, 'status ' || t.status || ', but its events do not lead there: ' || coalesce(odd.ends, 'none')
        FROM {table} t
        LEFT JOIN LATERAL (
            SELECT string_agg(quote_literal(status), ', ') AS ends FROM (
                SELECT status FROM (
                    SELECT to_status AS status, 1 AS n FROM {events} WHERE {entity}_id = t.id
                    UNION ALL
                    SELECT from_status, -1 FROM {events} WHERE {entity}_id = t.id
                ) moves
                GROUP BY status
                HAVING sum(n) <> CASE WHEN status = t.status THEN 1 WHEN status = '' THEN -1 ELSE 0 END
            ) unbalanced
        ) odd ON true
        WHERE odd.ends IS NOT NULL
           OR NOT EXISTS (SELECT 1 FROM {events} WHERE {entity}_id = t.id AND to_status = t.status)
        """,
    )


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        1,
        "every answered request has its event row with its end",
        "SELECT count(*) FROM webhook_events",
        """
        SELECT id::text, 'final without an end' FROM webhook_events
        WHERE (status = 'received') <> (finished_at IS NULL)
        """,
    ),
    Invariant(
        2,
        "one accepted event per source and sender's id",
        "SELECT count(*) FROM webhook_events WHERE status = 'accepted' AND sender_event_id <> ''",
        """
        SELECT min(id::text), 'sender id ' || sender_event_id || ' accepted ' || count(*) || ' times'
        FROM webhook_events WHERE status = 'accepted' AND sender_event_id <> ''
        GROUP BY source_id, sender_event_id HAVING count(*) > 1
        """,
    ),
    Invariant(
        3,
        "an accepted event has exactly one effect, an entry signal exactly one experiment",
        "SELECT count(*) FROM webhook_events WHERE status = 'accepted'",
        """
        SELECT e.id::text, 'accepted with ' || count(s.id) || ' signals, ' || count(b.id) || ' bias rows and '
               || count(c.id) + count(g.id) + count(f.id) || ' contexts'
        FROM webhook_events e
        LEFT JOIN signals s ON s.event_id = e.id
        LEFT JOIN bias_state_history b ON b.event_id = e.id
        LEFT JOIN market_contexts_received c ON c.event_id = e.id
        LEFT JOIN gamma_snapshots g ON g.event_id = e.id
        LEFT JOIN feed_ticks f ON f.event_id = e.id
        WHERE e.status = 'accepted'
        GROUP BY e.id HAVING count(s.id) + count(b.id) + count(c.id) + count(g.id) + count(f.id) <> 1
        UNION ALL
        SELECT s.id::text, 'signal of an event that is ' || e.status
        FROM signals s JOIN webhook_events e ON e.id = s.event_id WHERE e.status <> 'accepted'
        UNION ALL
        SELECT s.id::text, s.intent || ' signal with ' || count(x.id) || ' experiments'
        FROM signals s LEFT JOIN experiments x ON x.signal_id = s.id
        GROUP BY s.id, s.intent HAVING count(x.id) <> CASE s.intent WHEN 'entry' THEN 1 ELSE 0 END
        """,
    ),
    Invariant(
        4,
        "nothing unfinished is older than its lease plus one sweep",
        """
        SELECT (SELECT count(*) FROM webhook_events)
             + (SELECT count(*) FROM signals) + (SELECT count(*) FROM approvals)
             + (SELECT count(*) FROM orders) + (SELECT count(*) FROM positions)
        """,
        f"""
        SELECT id::text, 'event received and not finished' FROM webhook_events
        WHERE status = 'received' AND created_at < %(late)s
        UNION ALL
        SELECT id::text, 'signal pending past its next attempt' FROM signals
        WHERE status = 'pending' AND coalesce(next_attempt_at, updated_at) < %(late)s
        UNION ALL
        SELECT s.id::text, 'signal awaiting approval without an approval that waits' FROM signals s
        WHERE s.status = 'awaiting_approval' AND NOT EXISTS (
            SELECT 1 FROM approvals a WHERE a.signal_id = s.id AND a.status = 'awaiting')
        UNION ALL
        SELECT a.id::text, 'approval waits past its time' FROM approvals a
        WHERE a.status = 'awaiting' AND a.lapses_at < %(late)s
        UNION ALL
        SELECT a.id::text, 'approval waits for a signal that is ' || s.status
        FROM approvals a JOIN signals s ON s.id = a.signal_id
        WHERE a.status = 'awaiting' AND s.status <> 'awaiting_approval'
        UNION ALL
        SELECT id::text, 'order ' || status || ' past its next attempt' FROM orders
        WHERE status IN {_LIVE} AND coalesce(next_attempt_at, updated_at) < %(late)s
        UNION ALL
        SELECT s.id::text, 'signal approved without a live or filled order' FROM signals s
        WHERE s.status = 'approved' AND s.updated_at < %(late)s AND NOT EXISTS (
            SELECT 1 FROM orders o WHERE o.signal_id = s.id AND o.intent = 'entry' AND o.mode <> 'shadow'
            AND o.status IN {_LIVE})
        UNION ALL
        SELECT r.id::text, 'approved recommendation without an order' FROM decision_recommendations r
        WHERE r.outcome = 'approved' AND r.created_at < %(late)s AND NOT EXISTS (
            SELECT 1 FROM orders o WHERE o.recommendation_id = r.id)
          AND NOT EXISTS (SELECT 1 FROM approvals a WHERE a.decision_id = r.decision_id)
        UNION ALL
        SELECT o.id::text, 'order of a round that was put to a person' FROM orders o
        JOIN decision_recommendations r ON r.id = o.recommendation_id
        JOIN approvals a ON a.decision_id = r.decision_id
        UNION ALL
        SELECT p.id::text, 'position closing without a live exit order' FROM positions p
        WHERE p.status = 'closing' AND p.updated_at < %(late)s AND NOT EXISTS (
            SELECT 1 FROM orders o WHERE o.entry_order_id = p.entry_order_id AND o.status IN {_LIVE})
        UNION ALL
        SELECT id::text, 'position open after its expiry' FROM positions
        WHERE status <> 'closed' AND expiration < (%(late)s AT TIME ZONE 'America/New_York')::date
        """,
    ),
    Invariant(
        5,
        "at most one live entry order per signal and engine, one live exit order per entry order",
        "SELECT count(*) FROM orders",
        f"""
        SELECT min(id::text), count(*) || ' live entry orders of engine ' || engine FROM orders
        WHERE intent = 'entry' AND status IN {_LIVE} GROUP BY signal_id, engine HAVING count(*) > 1
        UNION ALL
        SELECT min(id::text), count(*) || ' live exit orders' FROM orders
        WHERE intent = 'exit' AND status IN {_LIVE} GROUP BY entry_order_id HAVING count(*) > 1
        """,
    ),
    Invariant(
        6,
        "client_order_id is present and unique",
        "SELECT count(*) FROM orders",
        """
        SELECT min(id::text), 'client_order_id ' || quote_literal(client_order_id) || ' on ' || count(*) || ' orders'
        FROM orders GROUP BY client_order_id HAVING count(*) > 1 OR client_order_id = ''
        """,
    ),
    Invariant(
        7,
        "an order's filled quantity is the sum of its trades and at most its quantity",
        "SELECT count(*) FROM orders",
        """
        SELECT o.id::text, 'filled ' || o.filled_quantity || ' of ' || o.quantity || ', trades say '
               || coalesce(sum(t.quantity), 0)
        FROM orders o LEFT JOIN trades t ON t.order_id = o.id GROUP BY o.id
        HAVING o.filled_quantity <> coalesce(sum(t.quantity), 0) OR o.filled_quantity > o.quantity
            OR (o.status = 'filled') <> (o.filled_quantity = o.quantity)
        """,
    ),
    Invariant(
        8,
        "one trade per broker execution",
        "SELECT count(*) FROM trades",
        """
        SELECT min(id::text), 'execution ' || execution_id || ' booked ' || count(*) || ' times'
        FROM trades GROUP BY broker, execution_id HAVING count(*) > 1
        """,
    ),
    Invariant(
        9,
        "a position's quantity is its entry trades minus its exit trades; closed when it is 0",
        "SELECT count(*) FROM positions",
        """
        SELECT p.id::text, 'quantity ' || p.quantity || ' (' || p.status || '), trades say ' || entered - left_
        FROM (
            SELECT p.*,
                (SELECT coalesce(sum(t.quantity), 0) FROM trades t WHERE t.order_id = p.entry_order_id) AS entered,
                (SELECT coalesce(sum(t.quantity), 0) FROM trades t JOIN orders o ON o.id = t.order_id
                 WHERE o.entry_order_id = p.entry_order_id) AS left_
            FROM positions p
        ) p
        WHERE p.quantity <> entered - left_ OR p.opened_quantity <> entered OR (p.status = 'closed') <> (p.quantity = 0)
        UNION ALL
        SELECT o.id::text, 'filled entry order without a position' FROM orders o
        LEFT JOIN positions p ON p.entry_order_id = o.id
        WHERE o.intent = 'entry' AND o.filled_quantity > 0 AND p.id IS NULL
        """,
    ),
    Invariant(
        10,
        "cash is conserved per mode: flows minus commissions = realised P&L + cost of what is open",
        "SELECT count(*) FROM trades",
        """
        SELECT mode, 'cash ' || cash || ', books ' || books FROM (
            SELECT mode, sum(cash) AS cash, sum(books) AS books FROM (
                SELECT o.mode,
                    CASE o.intent WHEN 'exit' THEN 1 ELSE -1 END * t.price * t.quantity * 100 - t.commission AS cash,
                    0 AS books
                FROM trades t JOIN orders o ON o.id = t.order_id
                UNION ALL
                SELECT mode, 0, realized_pnl - open_cost
                FROM positions
            ) flows GROUP BY mode
        ) totals WHERE cash <> books
        """,
    ),
    _finite(),
    Invariant(
        12,
        "one performance row per closed position, none for an open one",
        "SELECT count(*) FROM positions",
        """
        SELECT p.id::text, p.status || ' with ' || count(b.id) || ' performance rows'
        FROM positions p LEFT JOIN bias_trade_performance b ON b.position_id = p.id
        GROUP BY p.id HAVING count(b.id) <> CASE p.status WHEN 'closed' THEN 1 ELSE 0 END
        UNION ALL
        SELECT p.id::text, 'performance says ' || b.pnl || ', position ' || p.realized_pnl
        FROM positions p JOIN bias_trade_performance b ON b.position_id = p.id WHERE b.pnl <> p.realized_pnl
        """,
    ),
    _changes("signal", "signals"),
    _changes("order", "orders"),
    _changes("position", "positions"),
)
