"""A new signal is announced by whoever makes it, after its commit: commits that announce wait for one another."""

from django.db import migrations

_DROP = "DROP TRIGGER signal_events_notify ON signal_events;\n"
_CREATE = """
CREATE TRIGGER signal_events_notify AFTER INSERT ON signal_events
    FOR EACH ROW {when} EXECUTE FUNCTION optionsengine_event_notify('signal_id');
"""


class Migration(migrations.Migration):
    dependencies = [("console", "0001_event_notifications")]
    operations = [
        migrations.RunSQL(
            _DROP + _CREATE.format(when="WHEN (NEW.from_status <> '')"),
            _DROP + _CREATE.format(when=""),
        )
    ]
