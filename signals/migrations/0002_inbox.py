import django.contrib.postgres.fields
import django.db.models.deletion
import optionsengine.core.clock
import optionsengine.core.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('signals', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='WebhookSecret',
            fields=[
                ('id', models.UUIDField(default=optionsengine.core.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=optionsengine.core.clock.now, editable=False)),
                ('secret', models.CharField(blank=True, max_length=200)),
                ('token_hash', models.CharField(blank=True, max_length=64)),
                ('not_before', models.DateTimeField(help_text='Holds from here on, this moment included.')),
                ('not_after', models.DateTimeField(blank=True, help_text='Holds until here; empty: until it is replaced.', null=True)),
            ],
            options={
                'db_table': 'webhook_secrets',
            },
        ),
        migrations.AddField(
            model_name='webhooksecret',
            name='source',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='secrets', to='signals.webhooksource'),
        ),
        migrations.RunSQL(
            # a secret held since its source was made; the checks run at once, or the tables could not be altered below
            """
            INSERT INTO webhook_secrets (id, created_at, source_id, secret, token_hash, not_before)
            SELECT gen_random_uuid(), created_at, id, secret, token_hash, created_at FROM webhook_sources;
            SET CONSTRAINTS ALL IMMEDIATE;
            """,
            reverse_sql=migrations.RunSQL.noop,
        ),
        migrations.RemoveConstraint(
            model_name='webhooksource',
            name='webhook_sources_token_hash',
        ),
        migrations.RemoveConstraint(
            model_name='webhooksource',
            name='webhook_sources_mode',
        ),
        migrations.RemoveConstraint(
            model_name='webhooksource',
            name='webhook_sources_one_credential',
        ),
        migrations.RemoveField(
            model_name='webhooksource',
            name='secret',
        ),
        migrations.RemoveField(
            model_name='webhooksource',
            name='token_hash',
        ),
        migrations.AddField(
            model_name='signal',
            name='reported_pnl',
            field=models.DecimalField(blank=True, decimal_places=2, help_text='What the sender says that this exit made, in dollars.', max_digits=14, null=True),
        ),
        migrations.AddField(
            model_name='webhookevent',
            name='replays',
            field=models.PositiveSmallIntegerField(default=0, help_text='How often a person had it processed again.'),
        ),
        migrations.AddField(
            model_name='webhooksource',
            name='allowed_networks',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=43), blank=True, default=list, help_text='Addresses or networks that may send, for example 52.89.214.238. Empty: any address.', size=None),
        ),
        migrations.AddField(
            model_name='webhooksource',
            name='ids_only',
            field=models.BooleanField(default=False, help_text="Only the sender's own id tells a repeat, not the likeness within 60 seconds."),
        ),
        migrations.AddField(
            model_name='webhooksource',
            name='reads_id',
            field=models.BooleanField(default=True, help_text='Off for a sender whose `id` says the same in every alert; its other ids still count.'),
        ),
        migrations.AlterField(
            model_name='signal',
            name='family',
            field=models.CharField(choices=[('bias_v3', 'Bias V3'), ('bias_v1', 'Bias V1'), ('gamma', 'Gamma'), ('flow', 'Flow'), ('price', 'Price'), ('chain', 'Chain'), ('context', 'Context'), ('ping', 'Ping'), ('option_order', 'Option Order'), ('strat', 'Strat'), ('saty', 'Saty'), ('orb', 'Orb'), ('trend_dots', 'Trend Dots'), ('ultimate', 'Ultimate'), ('traderspost', 'Traderspost'), ('plain', 'Plain')], max_length=20),
        ),
        migrations.AlterField(
            model_name='webhookevent',
            name='family',
            field=models.CharField(blank=True, choices=[('bias_v3', 'Bias V3'), ('bias_v1', 'Bias V1'), ('gamma', 'Gamma'), ('flow', 'Flow'), ('price', 'Price'), ('chain', 'Chain'), ('context', 'Context'), ('ping', 'Ping'), ('option_order', 'Option Order'), ('strat', 'Strat'), ('saty', 'Saty'), ('orb', 'Orb'), ('trend_dots', 'Trend Dots'), ('ultimate', 'Ultimate'), ('traderspost', 'Traderspost'), ('plain', 'Plain')], max_length=20),
        ),
        migrations.AlterField(
            model_name='webhooksource',
            name='mode',
            field=models.CharField(choices=[('hmac', 'HMAC header'), ('standard', 'Standard Webhooks'), ('token', 'token in the body or path')], max_length=10),
        ),
        migrations.AddConstraint(
            model_name='webhooksource',
            constraint=models.CheckConstraint(condition=models.Q(('mode__in', ['hmac', 'standard', 'token'])), name='webhook_sources_mode'),
        ),
        migrations.AddIndex(
            model_name='webhooksecret',
            index=models.Index(fields=['source', '-not_before'], name='webhook_secrets_by_source'),
        ),
        migrations.AddConstraint(
            model_name='webhooksecret',
            constraint=models.UniqueConstraint(condition=models.Q(('token_hash', ''), _negated=True), fields=('token_hash',), name='webhook_secrets_token_hash'),
        ),
        migrations.AddConstraint(
            model_name='webhooksecret',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('secret', ''), _negated=True), ('token_hash', '')), models.Q(('secret', ''), ('token_hash__length', 64)), _connector='OR'), name='webhook_secrets_one_credential'),
        ),
        migrations.AddConstraint(
            model_name='webhooksecret',
            constraint=models.CheckConstraint(condition=models.Q(('not_after', None), ('not_after__gte', models.F('not_before')), _connector='OR'), name='webhook_secrets_in_order'),
        ),
    ]
