import sqlite3
from pathlib import Path

import pytest

from jupyter_runt.errors import StoreUnavailable
from jupyter_runt.storage.sqlite.connection import explained, unavailable

PATH = Path("/data/store.db")


def failure(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("the library's words")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (sqlite3.SQLITE_FULL, "There is no space left for /data/store.db."),
        (sqlite3.SQLITE_BUSY, "Another program keeps /data/store.db locked."),
        (sqlite3.SQLITE_READONLY, "/data/store.db is read-only."),
        (sqlite3.SQLITE_READONLY_DBMOVED, "/data/store.db is read-only."),
        (sqlite3.SQLITE_IOERR_WRITE, "The disk failed under /data/store.db."),
        (
            sqlite3.SQLITE_CORRUPT,
            "/data/store.db is damaged. Restart Jupyter: it sets this store aside and begins a new"
            " one.",
        ),
        (sqlite3.SQLITE_CANTOPEN, "/data/store.db cannot be opened."),
        (sqlite3.SQLITE_PROTOCOL, "/data/store.db cannot be used."),
    ],
)
def test_people_read_what_is_wrong_with_which_file(code, sentence):
    error = unavailable(failure(code), PATH)
    assert error.message == f"{sentence} (the library's words)"
    assert error.detail == {"path": "/data/store.db"}


def test_an_error_of_the_system_is_said_in_its_words():
    error = unavailable(PermissionError(13, "Permission denied"), PATH)
    assert error.message == "/data/store.db cannot be used: Permission denied."


def test_a_mistake_of_ours_is_not_blamed_on_the_disk():
    mistake = sqlite3.OperationalError("no such table")
    assert explained(mistake, PATH) is mistake
    assert isinstance(explained(failure(sqlite3.SQLITE_IOERR), PATH), StoreUnavailable)
