"""Small commits on the event loop."""

import sqlite3

import pytest

from jupyter_runt.storage.sqlite import shortcut
from jupyter_runt.storage.sqlite.connection import connect
from jupyter_runt.storage.sqlite.shortcut import BURST, CHECKPOINT_EVERY, Done, Shortcut


@pytest.fixture
def path(tmp_path):
    place = tmp_path / "store.db"
    database = sqlite3.connect(place)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE said (word TEXT)")
    database.commit()
    database.close()
    return place


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    hands = Clock()
    monkeypatch.setattr(shortcut, "time", hands)
    return hands


@pytest.fixture
def small(path, clock):
    made = Shortcut(lambda: connect(path, "process", 5.0))
    yield made
    made.close()


def say(word):
    return lambda connection: connection.execute("INSERT INTO said VALUES (?)", (word,)).rowcount


def said(path):
    database = sqlite3.connect(path)
    words = [word for (word,) in database.execute("SELECT word FROM said")]
    database.close()
    return words


def test_what_is_done_is_committed(path, small):
    assert small.attempt(say("a")) == Done(1)
    assert said(path) == ["a"]


def test_work_that_refuses_leaves_nothing_and_the_next_goes_on(path, small):
    def refuse(connection):
        say("b")(connection)
        raise LookupError("refused")

    with pytest.raises(LookupError, match="refused"):
        small.attempt(refuse)
    assert small.attempt(say("c")) == Done(1)
    assert said(path) == ["c"]


def test_a_lock_of_somebody_else_is_left_to_the_thread_for_a_while(path, small, clock):
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert small.attempt(say("a")) is None
    other.execute("ROLLBACK")
    other.close()
    assert small.attempt(say("b")) is None
    clock.now += shortcut.FIRST_PATIENCE
    assert small.attempt(say("c")) == Done(1)
    assert said(path) == ["c"]


def test_after_a_slow_commit_the_thread_waits_for_the_disk(path, small, clock):
    def slowly(connection):
        clock.now += 2 * shortcut.SLOW
        return say("a")(connection)

    assert small.attempt(slowly) == Done(1)
    assert small.attempt(say("b")) is None
    clock.now += shortcut.FIRST_PATIENCE
    assert small.attempt(say("c")) == Done(1)
    assert said(path) == ["a", "c"]


def test_as_long_as_the_disk_is_slow_it_is_tried_less_and_less_often(small, clock):
    def slowly(connection):
        clock.now += 2 * shortcut.SLOW
        return say("a")(connection)

    tries = []
    for _ in range(100):
        clock.now += 1.0
        tries.append(small.attempt(slowly))
    assert 4 < tries.count(Done(1)) < 10
    clock.now += shortcut.PATIENCE
    assert small.attempt(say("b")) == Done(1)
    assert small.attempt(slowly) == Done(1)
    clock.now += shortcut.FIRST_PATIENCE
    assert small.attempt(say("c")) == Done(1)


def test_a_flood_goes_to_the_thread_which_groups_it(small, clock):
    answers = [small.attempt(say("a")) for _ in range(2 * BURST)]
    assert answers == [Done(1)] * BURST + [None] * BURST
    clock.now += 1 / shortcut.RATE + 1e-6
    assert small.attempt(say("b")) == Done(1)


def test_now_and_then_the_thread_gets_one_to_shorten_the_wal(small, clock):
    def attempt():
        clock.now += 1.0
        return small.attempt(say("a"))

    assert [attempt() for _ in range(CHECKPOINT_EVERY)] == [Done(1)] * CHECKPOINT_EVERY
    assert [attempt(), attempt()] == [None, None]
    small.relieved()
    assert attempt() == Done(1)


def test_a_look_sees_what_anybody_committed_and_costs_no_commit_of_the_allowance(path, small):
    def look(connection):
        return connection.execute("SELECT word FROM said").fetchall()

    other = sqlite3.connect(path)
    other.execute("INSERT INTO said VALUES ('theirs')")
    other.commit()
    other.close()
    assert [small.look(look) for _ in range(2 * BURST)] == [Done([("theirs",)])] * 2 * BURST
    assert small.attempt(say("mine")) == Done(1)


def test_a_look_that_fails_is_left_to_the_thread_for_a_while(small, clock):
    assert small.look(lambda connection: connection.execute("SELECT nothing")) is None
    assert small.look(lambda _connection: 1) is None
    clock.now += shortcut.FIRST_PATIENCE
    assert small.look(lambda _connection: 1) == Done(1)
