"""Each invariant examines rows and fires, alone, when one row of whole books is corrupted."""

import pytest
from django.db import connection

from experiments.decide import RULES_VERSION
from optionsengine.ops.models import Alert
from optionsengine.pipeline.reconcile import InvariantResult, invariants_check, reconcile_run
from tests.drills.life import ENTRY_AT, LATER, SECRET, Message, life_play, message_send, source_create

PING = Message(ENTRY_AT, {"test": True, "type": "PING", "ticker": "SPY"})
CONTEXT = Message(ENTRY_AT, {"type": "CONTEXT", "ticker": "SPY", "price": 600.5})

# number, which of its rows (16 is checked per entity), what makes the corruption possible, the corruption
CORRUPTIONS = [
    (1, "", "ALTER TABLE webhook_events DROP CONSTRAINT webhook_events_finished_when_final",
     "UPDATE webhook_events SET finished_at = NULL WHERE family = 'ping'"),
    (2, "", "DROP INDEX webhook_events_sender_event_id",
     "UPDATE webhook_events SET sender_event_id = 'drill-entry' WHERE family = 'context'"),
    (3, "", "", "UPDATE webhook_events SET status = 'accepted' WHERE family = 'ping'"),
    (4, "", "", "UPDATE webhook_events SET status = 'received', finished_at = NULL WHERE family = 'ping'"),
    (5, "", "DROP INDEX orders_one_live_exit",
     """
     CREATE TEMPORARY TABLE twin ON COMMIT DROP AS
         SELECT o.* FROM orders o, generate_series(1, 2) WHERE o.id = (SELECT min(id::text)::uuid FROM orders
         WHERE intent = 'exit');
     UPDATE twin SET id = gen_random_uuid(), client_order_id = gen_random_uuid()::text, status = 'pending_execution',
         filled_quantity = 0, average_price = NULL, finished_at = NULL, next_attempt_at = '2100-01-01';
     INSERT INTO orders SELECT * FROM twin;
     INSERT INTO order_events (id, created_at, order_id, from_status, to_status, reason, message, actor)
         SELECT gen_random_uuid(), created_at, id, '', 'pending_execution', '', '', 'test' FROM twin
     """),
    (6, "", "ALTER TABLE orders DROP CONSTRAINT orders_client_order_id_present",
     "UPDATE orders SET client_order_id = '' WHERE id = (SELECT min(id::text)::uuid FROM orders)"),
    (7, "", "", "UPDATE orders SET quantity = quantity + 1 WHERE id = (SELECT min(id::text)::uuid FROM orders)"),
    (8, "", "ALTER TABLE trades DROP CONSTRAINT trades_one_per_execution",
     "UPDATE trades SET execution_id = 'same', broker = 'paper' WHERE id IN (SELECT id FROM trades LIMIT 2)"),
    (9, "", "", "UPDATE positions SET opened_quantity = opened_quantity + 1 WHERE mode = 'paper'"),
    (10, "", "",
     """
     UPDATE positions SET realized_pnl = realized_pnl + 0.01 WHERE mode = 'paper';
     UPDATE bias_trade_performance SET pnl = pnl + 0.01
         WHERE position_id = (SELECT id FROM positions WHERE mode = 'paper')
     """),
    (11, "", "ALTER TABLE position_marks DROP CONSTRAINT position_marks_price_bounds",
     "UPDATE position_marks SET bid = 'NaN'"),
    (12, "", "",
     "DELETE FROM bias_trade_performance WHERE position_id = (SELECT id FROM positions WHERE mode = 'paper')"),
    (14, "", "", f"UPDATE webhook_events SET body = convert_to($${SECRET}$$, 'UTF8') WHERE family = 'ping'"),
    (15, "", "", "UPDATE market_contexts SET inputs = jsonb_set(inputs, '{exposure,open_positions}', '99')"),
    (16, "signals", "", "UPDATE signals SET status = 'failed' WHERE intent = 'exit'"),
    (16, "orders", "", "DELETE FROM order_events WHERE to_status = 'submitting'"),
    (16, "positions", "", "UPDATE position_events SET to_status = 'open' WHERE to_status = 'closed'"),
]  # fmt: skip


@pytest.fixture
def whole_books(db: None) -> None:
    source_create()
    assert message_send(PING, ENTRY_AT) == 200
    assert message_send(CONTEXT, ENTRY_AT) == 200
    life_play(lambda number, status: None)


def _broken(results: list[InvariantResult]) -> list[tuple[int, str]]:
    return [(result.number, result.name) for result in results if result.broken]


def test_whole_books_break_nothing_and_every_invariant_examined_rows(whole_books: None) -> None:
    results = invariants_check(at=LATER, replay_limit=None)
    assert _broken(results) == []
    assert [result.name for result in results if not result.rows] == []
    assert sorted({result.number for result in results}) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16]


@pytest.mark.parametrize(("number", "entity", "allow", "corrupt"), CORRUPTIONS, ids=lambda value: str(value)[:12])
def test_only_the_broken_invariant_fires(whole_books: None, number: int, entity: str, allow: str, corrupt: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        if allow:
            cursor.execute(allow)
        cursor.execute(corrupt)
        assert cursor.rowcount != 0
    broken = _broken(invariants_check(at=LATER, replay_limit=None))
    assert [found for found, _ in broken] == [number]
    assert entity in broken[0][1]


@pytest.mark.parametrize(
    "old",
    ["inputs = jsonb_set(inputs, '{exposure,open_positions}', '99')", "inputs = inputs - 'frames'"],
    ids=["other rules", "other shape"],
)
def test_a_decision_of_older_rules_is_no_broken_one(whole_books: None, old: str) -> None:
    """It is not decided again; `replay_decision` tells what differs and that the rules do."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE market_contexts SET rules_version = '3', {old}")
    results = {result.number: result for result in invariants_check(at=LATER, replay_limit=None)}
    assert _broken(list(results.values())) == []
    assert results[15].rows == 0
    assert reconcile_run(at=LATER).failed == 0
    assert not Alert.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE market_contexts SET rules_version = %s", [RULES_VERSION])
    again = {result.number: result for result in invariants_check(at=LATER, replay_limit=None)}
    assert [number for number, result in again.items() if result.broken] == [15]
    assert (again[15].rows, again[15].broken) == (1, 1)


def test_reconcile_keeps_one_alert_open_while_something_is_broken(whole_books: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE positions SET opened_quantity = opened_quantity + 1 WHERE mode = 'paper'")
    assert reconcile_run(at=LATER).failed == 1
    assert reconcile_run(at=LATER).failed == 1
    alert = Alert.objects.get(cause="reconcile", resolved_at=None)
    assert "9 a position's quantity" in alert.message
    with connection.cursor() as cursor:
        cursor.execute("UPDATE positions SET opened_quantity = opened_quantity - 1 WHERE mode = 'paper'")
    assert reconcile_run(at=LATER).failed == 0
    assert not Alert.objects.filter(cause="reconcile", resolved_at=None).exists()
