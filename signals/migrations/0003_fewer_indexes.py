"""Every index of the inbox costs every alert: those that nobody reads by go."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('signals', '0002_inbox'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='webhookevent',
            name='webhook_events_by_status',
        ),
        migrations.AlterField(
            model_name='signaldedupe',
            name='signal',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='signals.signal'),
        ),
        migrations.AlterField(
            model_name='signalevent',
            name='signal',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='signals.signal'),
        ),
        migrations.AddIndex(
            model_name='webhookevent',
            index=models.Index(condition=models.Q(('status__in', ['received', 'accepted']), _negated=True), fields=['status', '-created_at'], name='webhook_events_by_status'),
        ),
        # for LIKE, which nobody asks of a hash
        migrations.RunSQL(
            "DROP INDEX IF EXISTS signal_dedupe_key_68fa0e4d_like",
            "CREATE INDEX signal_dedupe_key_68fa0e4d_like ON signal_dedupe (key varchar_pattern_ops)",
        ),
    ]
