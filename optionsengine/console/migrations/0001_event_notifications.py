"""Every new event row of a signal, an order or a position is announced to whoever listens, when it commits."""

from django.db import migrations

_TRIGGERS = (("signal_events", "signal_id"), ("order_events", "order_id"), ("position_events", "position_id"))

_CREATE = """
CREATE FUNCTION optionsengine_event_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify(
        'optionsengine_events',
        json_build_object(
            'table', TG_TABLE_NAME,
            'id', NEW.id,
            'entity_id', to_jsonb(NEW) ->> TG_ARGV[0],
            'from', NEW.from_status,
            'to', NEW.to_status,
            'at', to_char(NEW.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        )::text
    );
    RETURN NULL;
END
$$;
""" + "".join(
    f"""
CREATE TRIGGER {table}_notify AFTER INSERT ON {table}
    FOR EACH ROW EXECUTE FUNCTION optionsengine_event_notify('{column}');
"""
    for table, column in _TRIGGERS
)

_DROP = "".join(f"DROP TRIGGER {table}_notify ON {table};\n" for table, _ in _TRIGGERS)
_DROP += "DROP FUNCTION optionsengine_event_notify();\n"


class Migration(migrations.Migration):
    initial = True
    dependencies = [("signals", "0001_initial"), ("orders", "0001_initial"), ("positions", "0001_initial")]
    operations = [migrations.RunSQL(_CREATE, _DROP)]
