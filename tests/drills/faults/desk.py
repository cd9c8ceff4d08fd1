"""An operator at a shell beside the server under test: management commands in one process that is started once."""

import contextlib
import io
import json
import os
import subprocess
import sys
import threading
from datetime import timedelta

from tests.drills.processes import PYTHON


class Desk:
    """Runs commands against the same database and spool as the server; every answer waits for its command's end."""

    def __init__(self, environment):
        self._one = threading.Lock()
        program = "from tests.drills.faults.desk import serve; serve()"
        self._process = subprocess.Popen(
            [PYTHON, "-c", program],
            env=environment,
            cwd=environment["PYTHONPATH"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def command(self, *words):
        """Run `manage.py …` and return what it printed.

        :raises AssertionError: if it failed; with what it said.
        """
        return self._ask({"command": words})

    def source_create(self, **options):
        """Make a webhook source; its secret or token."""
        return self._ask({"source": options})

    def secret_rotate(self, **options):
        """Give a source another secret, the present ones holding on for a while; the new secret."""
        return self._ask({"rotate": options})

    def spooled(self):
        """How many requests wait in the spool."""
        return self._ask({"spooled": True})

    def end(self):
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        self._process.stdout.close()

    def _ask(self, what):
        with self._one:
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline())
        assert "failed" not in answer, answer["failed"]
        return answer["told"]


def serve():
    """The other end: one JSON line in, one out, until the input ends, also because the test run was killed."""
    import django

    django.setup()
    from django.db import connections

    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        try:
            told = {"told": _carry_out(json.loads(line))}
        except BaseException as error:  # noqa: BLE001 - whatever it is, the drill is to see it
            told = {"failed": f"{type(error).__name__}: {error}"}
        connections.close_all()  # a drill is about to break them
        answers.write(json.dumps(told) + "\n")
        answers.flush()


def _carry_out(asked):
    from django.core.management import call_command

    from optionsengine.core import clock
    from optionsengine.pipeline.write_ahead import spool_open
    from signals import services
    from signals.models import WebhookSource

    if "command" in asked:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            call_command(*asked["command"], stdout=said)
        return said.getvalue()
    if "spooled" in asked:
        return spool_open().status().records
    if "source" in asked:
        return services.webhook_source_create(at=clock.now(), **asked["source"])[1]
    options = asked["rotate"]
    source = WebhookSource.objects.get(slug=options["slug"])
    overlap = timedelta(seconds=options["overlap_seconds"])
    return services.webhook_secret_rotate(source=source, at=clock.now(), overlap=overlap)


def environment_of(**settings):
    """What a process of the engine gets: the given settings and none of a developer's own."""
    return os.environ | {"DJANGO_SETTINGS_MODULE": "optionsengine.settings.base", "DATABASE_NAME": "", **settings}
