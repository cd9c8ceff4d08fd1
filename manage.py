#!/usr/bin/env python
"""Django's command line; a wrong setting, an unreachable or an unmigrated database ends in one clear line."""

import os
import sys
import warnings

# they migrate by themselves, so what they miss is not `migrate`
MIGRATING = frozenset({"migrate", "serve", "demo"})
UNKNOWN_TABLE_OR_COLUMN = frozenset({"42P01", "42703"})


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "optionsengine.settings.base")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db.utils import OperationalError, ProgrammingError
    except ImportError:
        print("Django is not installed here: run `make install`, then use .venv/bin/python manage.py", file=sys.stderr)
        return 1
    # Django announces a second try in a paragraph; if that fails too, the line below says why
    warnings.filterwarnings("ignore", "Normally Django will use a connection to the 'postgres'", RuntimeWarning)
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        print(f"settings: {error}", file=sys.stderr)
        return 1
    except OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        print(
            f"database: {reason}. Is it running, and is DATABASE_URL right? Unset, `manage.py devpg status` tells.",
            file=sys.stderr,
        )
        return 1
    except ProgrammingError as error:
        if not _lacks_migrations(error):
            raise
        print("database: migrations are missing: run `manage.py migrate`, then this again.", file=sys.stderr)
        return 1
    return 0


def _lacks_migrations(error: Exception) -> bool:
    """Tell whether a statement failed for want of a migration rather than by a mistake of ours."""
    if getattr(error.__cause__, "sqlstate", "") not in UNKNOWN_TABLE_OR_COLUMN or MIGRATING.intersection(sys.argv[1:2]):
        return False
    from optionsengine.core.migrate import migrations_missing

    return migrations_missing() > 0


if __name__ == "__main__":
    sys.exit(main())
