from django.db import migrations

from optionsengine.core.clock import now


def _sections_create(apps, schema_editor):
    """One empty row a section: the back office edits what is there."""
    rows = apps.get_model("bias", "BiasConfigSection").objects
    for name in ("gating", "risk", "staleness"):
        rows.get_or_create(name=name, defaults={"updated_at": now()})


class Migration(migrations.Migration):

    dependencies = [
        ("bias", "0004_bias_config"),
    ]

    operations = [
        migrations.RunPython(_sections_create, migrations.RunPython.noop),
    ]
