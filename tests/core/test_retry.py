"""Which errors pass, how often and how long work is done again, and what a cut COMMIT leaves to be looked up."""

import threading
import time

import psycopg
import pytest
import stamina
from django.db import (
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    connection,
    transaction,
)

from optionsengine.core.deadline import deadline
from optionsengine.core.retry import ATTEMPTS, database_retried, database_retry, is_transient
from optionsengine.ops.models import Heartbeat
from tests.drills.faults.cutting_proxy import Cut, cutting_proxy
from tests.factories import AT

TRANSIENT = (
    *("08000", "08003", "08006", "08001", "08004", "08007", "08P01"),
    *("40000", "40001", "40003", "40P01", "55P03", "57014", "25P03", "25P04", "53300"),
    *("57P01", "57P02", "57P03", "57P05"),
)
LASTING = (
    *("23505", "23503", "22003", "42601", "42P01", "25006", "28P01", "3D000", "40002"),
    *("53000", "53100", "53200", "53400", "55006", "57P04", "58030", "XX000"),
)


def _error(sqlstate, kind=OperationalError):
    """An error as Django raises it, around the driver's."""
    cause = psycopg.OperationalError("said by the server")
    cause.sqlstate = sqlstate
    error = kind("said by the server")
    error.__cause__ = cause
    return error


@pytest.fixture
def no_pauses():
    stamina.set_testing(True, attempts=ATTEMPTS, cap=True)
    yield
    stamina.set_testing(False)


class Work:
    """Raises its errors one after the other, then returns."""

    def __init__(self, *errors):
        self.errors, self.calls = list(errors), 0

    def __call__(self):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


# --- which errors pass


@pytest.mark.parametrize("sqlstate", TRANSIENT)
def test_an_error_that_passes_is_told_by_its_sqlstate(sqlstate):
    assert is_transient(_error(sqlstate))
    assert is_transient(_error(sqlstate, InternalError))
    assert is_transient(_error(sqlstate).__cause__)


@pytest.mark.parametrize("sqlstate", LASTING)
def test_an_error_that_lasts_is_told_by_its_sqlstate(sqlstate):
    assert not is_transient(_error(sqlstate))
    assert not is_transient(_error(sqlstate).__cause__)


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (OperationalError("server closed the connection unexpectedly"), True),
        (InterfaceError("connection already closed"), True),
        (psycopg.OperationalError("connection refused"), True),
        (psycopg.InterfaceError("the cursor is closed"), True),
        (IntegrityError("duplicate key"), False),
        (DataError("out of range"), False),
        (psycopg.ProgrammingError("no such table"), False),
        (ValueError("a bug"), False),
        (ConnectionError("of a broker, not of the database"), False),
    ],
)
def test_without_a_sqlstate_its_class_tells(error, passes):
    assert is_transient(error) is passes


@pytest.mark.django_db(transaction=True)
class TestRealErrors:
    """What PostgreSQL really raises."""

    def _raised(self, *statements):
        """The error of the last statement; what is callable runs between two others."""

        def run():
            with transaction.atomic(), connection.cursor() as cursor:
                for statement in statements:
                    statement() if callable(statement) else cursor.execute(statement)

        with pytest.raises((OperationalError, InternalError)) as caught:
            run()
        connection.close_if_unusable_or_obsolete()
        return caught.value

    def test_a_terminated_backend(self):
        error = self._raised("SELECT pg_terminate_backend(pg_backend_pid())")
        assert error.__cause__.sqlstate == "57P01"
        assert is_transient(error)

    def test_a_statement_that_took_too_long(self):
        error = self._raised("SET LOCAL statement_timeout = 10", "SELECT pg_sleep(10)")
        assert error.__cause__.sqlstate == "57014"
        assert is_transient(error)

    def test_a_lock_that_took_too_long(self, other):
        other.execute("BEGIN; LOCK TABLE heartbeats")
        error = self._raised("SET LOCAL lock_timeout = 10", "LOCK TABLE heartbeats")
        assert error.__cause__.sqlstate == "55P03"
        assert is_transient(error)

    def test_a_serialisation_failure(self, other):
        Heartbeat.objects.create(name="one", beat_at=AT)
        error = self._raised(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "SELECT * FROM heartbeats",
            lambda: other.execute("UPDATE heartbeats SET beat_at = now()"),
            "UPDATE heartbeats SET beat_at = now()",
        )
        assert error.__cause__.sqlstate == "40001"
        assert is_transient(error)

    def test_a_deadlock(self, other):
        """Ours is the victim: the other one looks for deadlocks much later."""
        other.execute("SET deadlock_timeout = '60s'; BEGIN; SELECT pg_advisory_xact_lock(77)")
        waiting = threading.Thread(target=other.execute, args=("SELECT pg_advisory_xact_lock(78)",))
        error = self._raised(
            "SET LOCAL deadlock_timeout = 10; SELECT pg_advisory_xact_lock(78)",
            waiting.start,
            "SELECT pg_advisory_xact_lock(77)",
        )
        waiting.join()
        assert error.__cause__.sqlstate == "40P01"
        assert is_transient(error)


@pytest.fixture
def other(db):
    """A second connection to the same database."""
    held = connection.get_connection_params()
    parameters = {name: held[name] for name in ("host", "port", "user", "password", "dbname") if name in held}
    with psycopg.connect(**parameters, autocommit=True) as second:
        yield second


# --- how often, how long


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("failures", "calls"), [(0, 1), (1, 2), (2, 3)])
def test_it_is_done_again_until_it_is_done(no_pauses, failures, calls):
    work = Work(*[_error("40P01")] * failures)
    assert database_retry(work) == "done"
    assert work.calls == calls


@pytest.mark.django_db(transaction=True)
def test_three_tries_are_all(no_pauses):
    work = Work(*[_error("40P01")] * 3)
    with pytest.raises(OperationalError):
        database_retry(work)
    assert work.calls == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [_error("53100"), IntegrityError("x"), ValueError("x")])
def test_an_error_that_lasts_is_told_at_once(no_pauses, error):
    work = Work(error)
    with pytest.raises(type(error)):
        database_retry(work)
    assert work.calls == 1


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_nothing_is_done_again(no_pauses):
    work = Work(_error("40P01"))
    with pytest.raises(OperationalError), transaction.atomic():
        database_retry(work)
    assert work.calls == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seconds", [0, 0.5])
def test_no_try_begins_after_the_deadline_around_it(seconds):
    work = Work(*[_error("40P01")] * 3)
    began = time.monotonic()
    with pytest.raises(OperationalError), deadline(seconds):
        database_retry(work, within=60)  # whose first pause alone would be three seconds
    assert time.monotonic() - began < 0.5
    assert work.calls == (3 if seconds else 1)


@pytest.mark.django_db(transaction=True)
def test_the_overall_time_bounds_slow_tries():
    calls = []

    def slow():
        calls.append(time.monotonic())
        while time.monotonic() < calls[-1] + 0.1:
            pass
        raise _error("57014")

    with pytest.raises(OperationalError):
        database_retry(slow, within=0.1)
    assert len(calls) == 1


@pytest.mark.django_db(transaction=True)
def test_the_next_try_has_a_connection_that_works(no_pauses):
    backends = []

    def work():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            backends.append(cursor.fetchone()[0])
            if len(backends) == 1:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    database_retry(work)
    assert len(set(backends)) == 2


@pytest.mark.django_db(transaction=True)
def test_what_is_known_is_not_done_again(no_pauses):
    work = Work(_error("57P01"))
    asked = []
    assert database_retry(work, known=lambda: asked.append(1) or "known") == "known"
    assert (work.calls, len(asked)) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_decorated_step_keeps_its_arguments_and_name(no_pauses):
    errors = [_error("40001")]

    @database_retried
    def step(one, *, two):
        if errors:
            raise errors.pop()
        return one, two

    assert step(1, two=2) == (1, 2)
    assert step.__name__ == "step"


# --- an ambiguous commit


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("cut", "writes"), [(Cut.BEFORE, 2), (Cut.AFTER, 1)])
def test_a_cut_commit_is_looked_up_by_key(no_pauses, cut, writes):
    made = []

    def insert():
        with transaction.atomic():
            made.append(Heartbeat.objects.create(name="one", beat_at=AT))
        return made[-1]

    with cutting_proxy() as proxy:
        Heartbeat.objects.exists()
        proxy.arm(cut)
        found = database_retry(insert, known=lambda: Heartbeat.objects.filter(pk="one").first())
        assert proxy.cuts == 1
    assert found.pk == "one"
    assert len(made) == writes
    assert Heartbeat.objects.count() == 1
