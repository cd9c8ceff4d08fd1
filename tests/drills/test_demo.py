"""The demo as a newcomer runs it: in processes of its own, twice, with the same end."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from experiments.engines.b.registry import AGENT_NAMES

ROOT = Path(__file__).resolve().parent.parent.parent
DEADLINE_SECONDS = 600
NEVER_DIRECTIONAL = {"risk", "liquidity", "correlation_risk"}  # they speak against a trade or not at all

pytestmark = pytest.mark.xdist_group("runner")  # two demos beside a running engine would starve its drills


@pytest.fixture
def names(django_db_setup: None, django_db_blocker: object) -> Iterator[list[str]]:
    """Names of two databases whose demos may run side by side; dropped afterwards."""
    names = [f"demo_drill_{os.getpid()}_{number}" for number in range(2)]
    yield names
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:  # type: ignore[attr-defined]
        for name in names:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}_demo" WITH (FORCE)')


def _votes(name: str) -> dict[str, set[str]]:
    """How each agent voted on the demo's day; an abstention is no vote."""
    place = connection.get_connection_params()
    server = {key: place[key] for key in ("host", "port", "user", "password") if key in place}
    with psycopg.connect(**server, dbname=f"{name}_demo") as demo:
        rows = demo.execute(
            "SELECT agent, CASE WHEN is_blocking THEN 'blocking' ELSE bias END FROM agent_decisions "
            "WHERE NOT is_abstaining GROUP BY 1, 2"
        ).fetchall()
    votes: dict[str, set[str]] = {agent: set() for agent in AGENT_NAMES}
    for agent, vote in rows:
        votes[agent].add(vote)
    return votes


def test_it_ends_whole_and_the_same_every_time(names: list[str]) -> None:
    demos = [
        subprocess.Popen(
            [sys.executable, "manage.py", "demo", "--json"],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "optionsengine.settings.base", "DATABASE_NAME": name},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    documents = []
    for demo in demos:
        printed, said = demo.communicate(timeout=DEADLINE_SECONDS)
        assert demo.returncode == 0, said
        documents.append(json.loads(printed))
    first, second = documents
    assert set(first) == {"intake", "gates", "orders", "positions", "pnl", "invariants", "duration_s"}
    assert set(first["invariants"]) == {"checked", "broken", "rows"}
    assert first["invariants"]["broken"] == 0
    assert first["intake"]["received"] >= 80
    assert first["intake"]["unfinished"] == 0
    assert min(first["intake"][name] for name in ("duplicate", "ignored", "rejected", "exit_signals")) > 0
    assert {row["mode"] for row in first["pnl"]} == {"paper", "shadow"}
    assert {row["engine"] for row in first["pnl"]} == {"A", "B"}
    for agent, votes in _votes(names[0]).items():
        assert votes >= ({"neutral", "blocking"} if agent in NEVER_DIRECTIONAL else {"bullish", "bearish"}), agent
    for document in documents:
        assert document.pop("duration_s") > 0
    assert first == second
