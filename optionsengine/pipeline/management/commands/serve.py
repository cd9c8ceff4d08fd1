"""`manage.py serve`: everything the engine needs, until Ctrl-C."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django_q.conf import Conf

from optionsengine.pipeline.runner import Runner
from optionsengine.pipeline.runner_bonds import die_with, forks_die_with_us
from optionsengine.pipeline.runner_children import Part
from optionsengine.pipeline.runner_cluster import cluster_serve
from optionsengine.pipeline.runner_servers import stream_serve, web_serve
from optionsengine.pipeline.runner_stop import StopRequest


class Command(BaseCommand):
    help = "Migrate, then run the web server, the event stream and the job clusters until Ctrl-C."
    requires_system_checks: list[str] = []  # run below, once for all parts

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--only",
            type=Part,
            choices=list(Part),
            help="Run just this part, without migrating, for a supervisor of your own. "
            "A cluster also needs its name in Q_CLUSTER_NAME.",
        )
        parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)

    def handle(self, *args: Any, only: Part | None, parent: int | None, **options: Any) -> None:
        if parent is not None:
            die_with(parent)
        else:
            self.check()
        if only is None:
            Runner(stop=StopRequest.on_signals(), say=self._say).run()
            return
        if only.cluster is not None and only.cluster != Conf.CLUSTER_NAME:
            raise CommandError(
                f"Set Q_CLUSTER_NAME={only} in the environment: the job library reads its cluster there."
            )
        forks_die_with_us()
        {Part.WEB: web_serve, Part.STREAM: stream_serve}.get(only, cluster_serve)()

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
