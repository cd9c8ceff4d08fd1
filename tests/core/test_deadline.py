"""Deadlines end every wait for the database, and leave nothing behind that could answer late."""

import socket

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from optionsengine.core.deadline import deadline, seconds_left
from optionsengine.core.postgres.server.base import DatabaseWrapper

pytestmark = pytest.mark.django_db(transaction=True)


def ask(query):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def test_an_inner_deadline_cannot_outlast_the_one_around_it():
    assert seconds_left() is None
    with deadline(5):
        with deadline(60):
            assert 0 < seconds_left() <= 5
        with deadline(0):
            assert seconds_left() == 0
        assert seconds_left() > 0
    assert seconds_left() is None


def test_a_statement_is_given_up_at_the_deadline_and_the_next_one_gets_its_own_answer():
    backend = ask("SELECT pg_backend_pid()")
    with deadline(0.1), pytest.raises(OperationalError, match="has not answered in time"):
        ask("SELECT pg_sleep(10)")
    connection.close_if_unusable_or_obsolete()
    assert ask("SELECT pg_backend_pid()") != backend


def test_a_transaction_that_missed_the_deadline_is_over():
    with pytest.raises(OperationalError, match="has not answered in time"), transaction.atomic(), deadline(0.1):
        ask("SELECT pg_sleep(10)")
    connection.close_if_unusable_or_obsolete()
    assert ask("SELECT 7") == 7


def test_what_is_in_time_is_not_touched():
    with deadline(30):
        assert ask("SELECT 7") == 7


def test_no_connection_is_opened_after_the_deadline():
    connection.close()
    with deadline(0), pytest.raises(OperationalError, match="has not answered in time"):
        ask("SELECT 7")
    assert ask("SELECT 7") == 7


def test_a_server_that_takes_connections_and_says_nothing_is_given_up():
    """The kernel accepts for a stopped server; only the driver's own limit ends that wait."""
    with socket.create_server(("127.0.0.1", 0)) as silent, deadline(0.1):
        address = {"host": "127.0.0.1", "port": silent.getsockname()[1], "user": "nobody", "dbname": "nothing"}
        with pytest.raises(psycopg.OperationalError):
            DatabaseWrapper.Database.connect(**address)
