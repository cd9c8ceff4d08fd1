"""What every answer of the webhook must look like, and a search for a secret in every table there is."""

from uuid import UUID

from django.db import connection

from signals.enums import IntakeCode

WORDS = {
    200: {"DUPLICATE", "OK", "CONTEXT_SAVED", "IGNORED", "ACCEPTED", "OUT_OF_ORDER"},
    201: {"ACCEPTED"},
    202: {"QUEUED"},
    400: {"REJECTED"},
    401: {"REJECTED"},
    404: {"REJECTED"},
    405: {"REJECTED"},
    413: {"REJECTED"},
    429: {"THROTTLED"},
    503: {"UNAVAILABLE"},
}
CODES = {code.value for code in IntakeCode}


def check_answer(http, content_type, answer):
    """Assert that an answer has the shape that the contract's table gives to its HTTP status."""
    assert http in WORDS, (http, answer)
    assert content_type.partition(";")[0] == "application/json"
    assert answer["status"] in WORDS[http], (http, answer)
    assert isinstance(answer["request_id"], str)
    assert isinstance(answer["processing_time_ms"], float)
    if answer["webhook_event_id"] is not None:
        assert UUID(answer["webhook_event_id"])
    if http >= 400:
        assert answer["code"] in CODES
        assert isinstance(answer["error"], str)
        assert answer["error"]
        assert all(set(detail) == {"field", "message"} for detail in answer["details"])
    if http == 201:
        assert UUID(answer["signal_id"])
        assert answer["intent"] in ("entry", "exit")
        assert isinstance(answer["is_test"], bool)
        assert ("variant" in answer) == ("experiment_id" in answer) == (answer["intent"] == "entry")
    if answer["status"] == "IGNORED":
        assert answer["reason"] in CODES


def everything_stored():
    """Every row of every table as one text, bytes as the characters they stand for."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname, array_remove(array_agg(a.attname) FILTER (WHERE a.atttypid = 'bytea'::regtype), NULL)
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace GROUP BY 1
            """
        )
        tables = cursor.fetchall()
        parts = []
        for table, binary in tables:
            columns = "".join(f""" || coalesce(encode(t."{name}", 'escape'), '')""" for name in binary or ())
            parts.append(f"""SELECT to_jsonb(t)::text{columns} FROM "{table}" t""")
        cursor.execute(" UNION ALL ".join(parts))
        return "\n".join(row[0] for row in cursor.fetchall())
