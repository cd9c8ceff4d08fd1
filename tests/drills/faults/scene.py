"""What a drill plays on: the server, its database and its operator, how they heal, and what must be true afterwards."""

import json
from collections import Counter

from tests.drills.faults.sender import ANSWER_SECONDS, AT_ONCE, Sender, alert_new
from tests.drills.life import WRITTEN
from tests.drills.processes import until

_HEALED_SECONDS = 20
_ALLOWED = {200, 201, 202}
_EVENTS = "SELECT id::text, status, sender_event_id, body FROM webhook_events"


class Scene:
    """A running system that a drill breaks, heals, and holds against the senders' ledgers."""

    def __init__(self, cluster, web, desk, spool):
        self.cluster = cluster
        self.web = web
        self.desk = desk
        self.spool = spool

    def sender(self, **options):
        return Sender(self.web.port, **options)

    def rows(self, statement, *values):
        return self.cluster.rows(statement, *values)

    # --- healing

    def heal(self):
        """Bring back what a drill, also one that failed, has taken away."""
        if not self.cluster.runs():
            self.cluster.stop()
            self.cluster.start()
        if self.web.process.poll() is not None:
            self.web.start()
        self.web.wait_ready()

    def clear(self):
        """Empty the spool and every table that alerts write, of what a failed drill has left in the middle too."""
        self.cluster.engine_cut_off("state <> 'idle'")
        self.cluster.engine_idle()
        for path in self.spool.glob("*.spool"):
            path.unlink()
        self.rows(";".join(f"DELETE FROM {table}" for table in (*WRITTEN, "webhook_secrets", "webhook_sources")))

    def drain(self):
        """What the jobs do when the faults are over: drain the spool, finish what a crash left between its commits."""
        # that long after the crash, as recovery counts
        self.rows("UPDATE webhook_events SET created_at = created_at - interval '1 minute' WHERE status = 'received'")
        self.sweep()
        until(lambda: not self.desk.spooled() or self.sweep(), _HEALED_SECONDS, "the spool is not drained")

    def sweep(self):
        """One pass of the job that drains and recovers."""
        self.desk.command("run_pipeline", "--stage", "inbox")

    def waits(self, what, count=1):
        """Wait until `count` of the engine's statements wait for a lock or their commit."""
        until(lambda: self.cluster.waiting(what) >= count, 10, lambda: f"no statement waits for a {what}")

    def accepts_again(self, sender):
        """Wait until alerts are stored and processed at once again, not queued, by every process."""

        def passed():
            self.sweep()
            replies = sender.post_all([alert_new() for _ in range(AT_ONCE)])
            return all(reply.status == "ACCEPTED" for reply in replies)

        until(passed, _HEALED_SECONDS, sender.statuses)

    # --- what must be true

    def settle(self, sender, allowed=_ALLOWED):
        """Heal, let the sender repeat what it has no answer to, drain, and check everything that must hold."""
        self.heal()
        sender.resend()
        self.drain()
        self.check_ledger(sender, allowed)
        assert self.desk.spooled() == 0
        self.check_books()

    def check_ledger(self, sender, allowed):
        """The sender's ledger against the engine's: every acknowledgement has its row, every alert its one effect."""
        told = {reply.http for reply in sender.replies if reply.http is not None}
        assert told <= allowed, sender.statuses()
        assert sender.slowest() < ANSWER_SECONDS, sender.slowest()
        acknowledged = [reply for reply in sender.replies if reply.acknowledged]
        names = [reply.content["webhook_event_id"] for reply in acknowledged]
        assert len(set(names)) == len(names), "two requests were told the same event"
        stored = dict(self.rows("SELECT id::text, status FROM webhook_events"))
        missing = set(names) - set(stored)
        assert not missing, f"{len(missing)} of {len(names)} acknowledged requests have no row"
        assert {stored[name] for name in names} <= {"accepted", "duplicate"}, Counter(stored[name] for name in names)
        effects = self.effects()
        for alert_id in {reply.alert_id for reply in acknowledged}:
            assert effects[alert_id] == 1, (alert_id, effects[alert_id])
        assert max(effects.values(), default=1) == 1, effects
        for reply in sender.replies:
            if reply.status in ("ACCEPTED", "DUPLICATE"):
                self._check_answer(reply)

    def _check_answer(self, reply):
        """The signal a sender was told of is the one that its alert has."""
        signal = self.rows(
            "SELECT e.sender_event_id FROM signals s JOIN webhook_events e ON e.id = s.event_id WHERE s.id = %s",
            reply.content["signal_id"],
        )
        assert signal == [(reply.alert_id,)]

    def effects(self):
        """How many signals each sender's id has."""
        query = "SELECT e.sender_event_id FROM signals s JOIN webhook_events e ON e.id = s.event_id"
        return Counter(alert_id for (alert_id,) in self.rows(query))

    def check_books(self):
        """Nothing is unfinished, and every invariant holds over rows it has really looked at."""
        assert self.rows("SELECT count(*) FROM webhook_events WHERE status IN ('received', 'failed')") == [(0,)]
        found = json.loads(self.desk.command("reconcile", "--json"))
        assert found["broken"] == 0, found
        examined = {check["number"]: check["rows"] for check in found["invariants"]}
        events, signals = (self.rows(f"SELECT count(*) FROM {table}")[0][0] for table in ("webhook_events", "signals"))
        assert events > 0
        assert examined[1] == events
        assert examined[3] >= signals
