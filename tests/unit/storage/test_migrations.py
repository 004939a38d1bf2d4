import sqlite3
from contextlib import closing

import pytest

from jupyter_runt.errors import StoreUnavailable
from jupyter_runt.storage.migrations import MIGRATIONS, migrate, schema_version


@pytest.fixture
def connection():
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        yield connection


def tables(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT name FROM sqlite_master ORDER BY name")]


def test_an_empty_file_gets_the_newest_schema(connection):
    migrate(connection, "here")
    assert schema_version(connection) == len(MIGRATIONS)
    assert {"events", "snapshots", "documents", "leases"} <= set(tables(connection))


def test_a_second_time_changes_nothing(connection):
    migrate(connection, "here")
    changes = connection.total_changes
    migrate(connection, "here")
    assert connection.total_changes == changes


def test_a_newer_schema_is_refused(connection):
    connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreUnavailable, match="here was written by a newer version") as caught:
        migrate(connection, "here")
    assert caught.value.detail == {"path": "here", "schema": 99}
    assert tables(connection) == []


def test_a_step_that_fails_leaves_nothing_behind(connection):
    connection.execute("CREATE TABLE leases (something)")
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, "here")
    assert tables(connection) == ["leases"]
    assert schema_version(connection) == 0
