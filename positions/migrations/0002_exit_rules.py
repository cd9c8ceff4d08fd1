"""The exit rules an installation starts with: the global one, and a disabled profile for each setup."""

from datetime import UTC, datetime
from uuid import UUID

from django.db import migrations

MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)

# stop, target (the highest rung of the setup's ladder) in percent; longest hold in sessions
PROFILES = {
    "SCALP_GUARDED": ("15", "30", 1),
    "SWING": ("25", "80", 10),
    "POSITION": ("30", "100", 41),
    "LEAPS": ("40", "150", 252),
}


def _id(number: int) -> UUID:
    """A UUIDv7 of `MADE_AT`: the same rule has the same key in every installation."""
    milliseconds = int(MADE_AT.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62 | number)


def seed(apps, schema_editor):
    ExitRule = apps.get_model("positions", "ExitRule")
    stamps = {"created_at": MADE_AT, "updated_at": MADE_AT}
    ExitRule.objects.create(id=_id(0), name="Default", scope="global", is_enabled=True, **stamps)
    for number, (setup, (stop, target, sessions)) in enumerate(PROFILES.items(), start=1):
        ExitRule.objects.create(
            id=_id(number),
            name=f"{setup} profile",
            scope="setup",
            target=setup,
            is_enabled=False,
            stop_loss_percent=stop,
            profit_target_percent=target,
            max_hold_sessions=sessions,
            **stamps,
        )


class Migration(migrations.Migration):
    dependencies = [("positions", "0001_initial")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
