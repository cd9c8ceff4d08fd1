#!/usr/bin/env python
"""Django's command line; a wrong setting or an unreachable database ends in one clear line."""

import os
import sys


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "optionsengine.settings.base")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db.utils import OperationalError
    except ImportError:
        print("Django is not installed here: run `make install`, then use .venv/bin/python manage.py", file=sys.stderr)
        return 1
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
    return 0


if __name__ == "__main__":
    sys.exit(main())
