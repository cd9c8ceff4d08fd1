"""`make bench`: measure, print a table, and the figures as one line of JSON at the end."""

import argparse
import os
import sys

import django


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", default="", help="one measurement or one figure by its name")
    only = parser.parse_args().only
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "optionsengine.settings.base")
    django.setup()
    from tests.bench.run import bench_run

    return bench_run(only)


if __name__ == "__main__":
    sys.exit(main())
