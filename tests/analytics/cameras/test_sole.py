"""Who may watch, on several machines that share a PostgreSQL. On one machine: test_watch.py."""

import threading

import pytest
from django.db import connection

from analytics.cameras import sole
from analytics.cameras.sole import SoleWatch
from tests.analytics.cameras.hall import until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="TEST_DATABASE_URL names no PostgreSQL"),
]


@pytest.fixture
def machine(tmp_path, monkeypatch):
    monkeypatch.setattr(sole, "_LOOK_SECONDS", 0.05)
    machines = []

    def start(name):
        machines.append(SoleWatch(tmp_path / name))
        return machines[-1]

    yield start
    for each in machines:
        each.release()


def cut_connections():
    """As a database does that is started anew: all but the one that asks."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")


def test_one_of_two_machines_watches(machine):
    first, second = machine("a"), machine("b")
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert machine("c").acquire()


def test_another_takes_over_and_the_first_is_told(machine):
    first, lost = machine("a"), threading.Event()
    assert first.acquire()
    cut_connections()
    assert machine("b").acquire()
    first.keep(lost.set)
    assert lost.wait(10)


def test_nobody_else_came_while_the_database_was_away(machine):
    first, lost = machine("a"), threading.Event()
    assert first.acquire()
    first.keep(lost.set)
    cut_connections()
    until(lambda: holders() == 1)
    assert not machine("b").acquire()
    assert not lost.is_set()


def holders():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        return cursor.fetchone()[0]
