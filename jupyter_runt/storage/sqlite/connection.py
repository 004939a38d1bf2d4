"""Connections to the database file, and what their errors mean to people."""

import os
import sqlite3
import time
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from jupyter_runt.errors import StoreUnavailable
from jupyter_runt.storage.migrations import migrate

Durability = Literal["process", "power"]

_SYNCHRONOUS: Final = MappingProxyType({"process": "NORMAL", "power": "FULL"})
_MAX_WAL_BYTES: Final = 64 * 1024 * 1024

_SENTENCES: Final = MappingProxyType(
    {
        sqlite3.SQLITE_FULL: "There is no space left for {path}.",
        sqlite3.SQLITE_READONLY: "{path} is read-only.",
        sqlite3.SQLITE_PERM: "{path} may not be accessed.",
        sqlite3.SQLITE_AUTH: "{path} may not be accessed.",
        sqlite3.SQLITE_BUSY: "Another program keeps {path} locked.",
        sqlite3.SQLITE_LOCKED: "Another program keeps {path} locked.",
        sqlite3.SQLITE_CANTOPEN: "{path} cannot be opened.",
        sqlite3.SQLITE_IOERR: "The disk failed under {path}.",
        sqlite3.SQLITE_CORRUPT: (
            "{path} is damaged. Restart Jupyter: it sets this store aside and begins a new one."
        ),
        sqlite3.SQLITE_NOTADB: "{path} is not a store, or it is damaged.",
    }
)


def unavailable(error: sqlite3.Error | OSError, path: Path) -> StoreUnavailable:
    """Return the error that people see: what is wrong with which file."""
    if isinstance(error, OSError):
        return StoreUnavailable(f"{path} cannot be used: {error.strerror}.", path=str(path))
    code = primary_code(error)
    sentence = _SENTENCES.get(code, "{path} cannot be used.").format(path=path)
    return StoreUnavailable(f"{sentence} ({error})", path=str(path))


def explained(error: Exception, path: Path) -> Exception:
    """Return the error for people where the database is what failed, else the error itself."""
    if isinstance(error, sqlite3.Error) and primary_code(error) in _SENTENCES:
        return unavailable(error, path)
    return error


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code, 0 where the error is not SQLite's own."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def create(path: Path, durability: Durability, busy_timeout: float) -> None:
    """Make the database and its folder if need be, and bring it to the newest schema.

    Raises:
        StoreUnavailable: it cannot be made, or is not ours to use.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # -wal and -shm take its mode
    except OSError as error:
        raise unavailable(error, path) from error
    connection = None
    try:
        connection = connect(path, durability, busy_timeout)
        migrate(connection, str(path))
        _use_wal(connection, busy_timeout)
    except sqlite3.Error as error:
        raise unavailable(error, path) from error
    finally:
        if connection is not None:
            connection.close()


def _use_wal(connection: sqlite3.Connection, patience: float) -> None:
    # SQLite does not wait for the lock that this needs when two servers make a store together.
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def connect(
    path: Path, durability: Durability, busy_timeout: float, *, read_only: bool = False
) -> sqlite3.Connection:
    """Open the database, which must be there, for the thread that calls.

    Args:
        busy_timeout: seconds to wait for a lock that another process holds.
        read_only: refuse to write.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=busy_timeout,
        isolation_level=None,  # transactions are opened where they are needed, and seen there
    )
    try:
        connection.execute(f"PRAGMA synchronous = {_SYNCHRONOUS[durability]}")
        connection.execute(f"PRAGMA journal_size_limit = {_MAX_WAL_BYTES}")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
    except BaseException:
        # Closed by the garbage collector, it could delete the WAL of the store that came after.
        connection.close()
        raise
    return connection
