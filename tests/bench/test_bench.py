"""The bench's own sums, its alerts, its sender and its last line. No speed is judged here."""

import hashlib
import hmac
import json
import socket
import threading
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice

import pytest

from signals.adapters.registry import adapter_find
from signals.data import Arrival, SignalDraft
from signals.strict_json import parse_object
from tests.bench.alerts import AlertMaker, alert_body, symbols
from tests.bench.arithmetic import last_line, median, percentile, rounded, share
from tests.bench.load import BenchError, Sender, Tally
from tests.bench.machine import durable_fault, tps_read
from tests.bench.registry import PARTS, parts_named
from tests.bench.report import Figures, table_of

AT = datetime(2026, 2, 5, 15, 0, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([7], 50, 7),
        ([7], 99, 7),
        ([3, 1, 2, 4], 50, 2),
        ([3, 1, 2, 4], 50.1, 3),
        ([3, 1, 2, 4], 75, 3),
        ([3, 1, 2, 4], 100, 4),
        (range(1, 101), 99, 99),
        (range(1, 101), 99.5, 100),
        (range(1, 1001), 99, 990),
    ],
)
def test_a_percentile_is_the_nearest_rank(values, percent, expected):
    assert percentile(values, percent) == expected


@pytest.mark.parametrize(("values", "percent"), [([], 50), ([1], 0), ([1], 100.1), ([1], -1)])
def test_a_percentile_of_nothing_is_refused(values, percent):
    with pytest.raises(ValueError, match="percentile"):
        percentile(values, percent)


@pytest.mark.parametrize(("values", "expected"), [([5], 5), ([9, 1, 5], 5), ([4, 1, 2, 9], 3), ([1, 2], 1.5)])
def test_the_median_is_the_middle(values, expected):
    assert median(values) == expected


def test_the_median_of_nothing_is_refused():
    with pytest.raises(ValueError, match="median"):
        median([])


def test_a_share_is_taken_round_by_round():
    # the second round ran on a machine half as fast: its own share tells, not the medians of the columns
    assert share([100, 50, 130], [1000, 500, 1000]) == pytest.approx(0.1)
    assert share([120], [1000]) == pytest.approx(0.12)


@pytest.mark.parametrize(("part", "whole"), [([], []), ([1], []), ([1], [0]), ([1, 2], [3])])
def test_a_share_needs_both_halves_of_every_round(part, whole):
    with pytest.raises(ValueError, match="share"):
        share(part, whole)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (9662.4, 9662),
        (123456.7, 123457),
        (0.0155934, 0.01559),
        (14.0149, 14.01),
        (999.96, 1000),
        (-2.34567, -2.346),
    ],
)
def test_figures_keep_four_digits_and_their_whole_part(value, expected):
    assert rounded(value) == expected


def test_the_last_line_is_one_json_object_on_one_line():
    line = last_line({"ingest_per_s": 1160.44, "ingest_vs_pgbench": 0.120049})
    assert "\n" not in line
    assert json.loads(line) == {"ingest_per_s": 1160, "ingest_vs_pgbench": 0.12}
    for broken in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="JSON"):
            last_line({"ingest_per_s": broken})


def test_every_figure_has_one_part_and_can_be_asked_for():
    keys = [key for part in PARTS for key in part.keys]
    assert keys[:5] == ["ingest_vs_pgbench", "ingest_per_s", "pgbench_per_s", "ingest_p50_ms", "ingest_p99_ms"]
    assert len(set(keys)) == len(keys)
    assert parts_named("") == PARTS
    assert [part.name for part in parts_named("rss_mb")] == ["memory"]
    assert [part.name for part in parts_named("ingest_p99_ms")] == ["ingest"]
    assert parts_named("ingest") == parts_named("ingest_per_s")
    with pytest.raises(LookupError, match=r"'speed'; there is ingest, .*rss_mb"):
        parts_named("speed")


def test_a_remark_is_shown_and_is_no_figure():
    figures = Figures()
    figures.add("a", 1.5, "note", each=[1, 2])
    figures.remark("a", 3, "otherwise")
    assert figures.values == {"a": 1.5}
    assert [(line.name, line.value, line.each) for line in figures.lines] == [("a", 1.5, (1, 2)), ("  a", 3, ())]
    assert table_of(figures.lines, "title").row_count == 2


def test_the_words_of_pgbench_are_read():
    said = (
        "latency average = 1.6 ms\ninitial connection time = 9 ms\ntps = 9662.481 (without initial connection time)\n"
    )
    assert tps_read(said) == 9662.481
    with pytest.raises(BenchError, match="pgbench"):
        tps_read("tps = unknown")


def test_a_server_that_does_not_wait_for_its_disk_is_not_measured():
    assert durable_fault({"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}) == ""
    assert "fsync" in durable_fault({"fsync": "off", "synchronous_commit": "on", "full_page_writes": "on"})


def test_alerts_are_signed_and_each_is_an_entry_of_its_own():
    requests = AlertMaker(8080, "key").prepare(50)
    bodies = []
    for request in requests:
        head, _, body = request.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        assert fields["X-Webhook-Signature"] == hmac.new(b"key", body, hashlib.sha256).hexdigest()
        assert fields["Content-Length"] == str(len(body))
        bodies.append(body)
    arrival = Arrival(at=AT, allow_delayed_feed=False, max_age_seconds=1800, header_id="")
    drafts = []
    for symbol in islice(symbols(), 50):
        body = parse_object(alert_body(symbol, "2026-02-05T15:00:00Z"))
        drafts.append(adapter_find(body, "/webhook").read(body, arrival))
    assert all(isinstance(draft, SignalDraft) and draft.intent == "entry" for draft in drafts)
    assert len({draft.dedupe_key for draft in drafts}) == 50
    assert len(set(bodies)) == 50


class _Server:
    """Answers each request of each connection with the statuses given, the last one for ever, in two pieces."""

    def __init__(self, *statuses):
        self.statuses = list(statuses)
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self):
        while True:
            try:
                line, _ = self._listening.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._answer, args=(line,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _answer(self, line):
        with line, suppress(ConnectionError):  # who was told enough hangs up
            while line.recv(65536):
                with self._lock:
                    status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
                if status is None:
                    return
                line.sendall(f"HTTP/1.1 {status} Some\r\nContent-Length: 4\r\n\r\nab".encode())
                line.sendall(b"cd")

    def close(self):
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(10)


@pytest.fixture
def served():
    servers = []

    def start(*statuses, lines=2):
        server = _Server(*statuses)
        sender = Sender(server.port, lines)
        servers.append((sender, server))
        return sender

    yield start
    for sender, server in servers:
        sender.close()
        server.close()


def test_only_a_201_counts_as_accepted(served):
    tally = served(201, 200, 201, 503, 202, 201).pace([b"x"] * 6, 1000)
    assert tally.statuses == {201: 3, 200: 1, 503: 1, 202: 1}
    assert tally.accepted == len(tally.milliseconds) == 3
    assert tally.seconds == pytest.approx(0.006)


def test_a_steady_sender_sends_every_request_once(served):
    tally = served(201, lines=3).pace([b"x"] * 40, 2000)
    assert tally.accepted == 40
    assert all(value > 0 for value in tally.milliseconds)


def test_a_flood_counts_what_came_in_time(served):
    tally = served(201).flood([b"x"] * 100_000, 0.05)
    assert tally.accepted == len(tally.milliseconds) + tally.late
    assert tally.late <= 2
    assert tally.per_second == pytest.approx(len(tally.milliseconds) / 0.05)


def test_a_flood_without_enough_requests_is_told(served):
    with pytest.raises(BenchError, match="prepare more"):
        served(201).flood([b"x"] * 4, 60)


def test_a_connection_that_the_server_closes_is_told(served):
    with pytest.raises(BenchError, match="closed"):
        served(None).pace([b"x"], 1000)


def test_a_rate_is_of_the_seconds_it_was_counted_in():
    assert Tally(seconds=4, milliseconds=[1.0] * 600).per_second == 150
