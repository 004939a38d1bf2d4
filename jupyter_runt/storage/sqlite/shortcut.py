"""Small work on the event loop, for as long as that costs less than the way to a thread."""

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from jupyter_runt.storage.sqlite.worker import Work

SLOW: Final = 0.003
"""Seconds. What took longer waited for the disk: what comes next waits in the thread."""

FIRST_PATIENCE: Final = 1.0
PATIENCE: Final = 30.0
"""Seconds until it is tried again: first, and at most. They double while it goes on like that."""

RATE: Final = 1000.0
"""Commits a second at most: a flood is cheaper in groups, which only the thread makes."""

BURST: Final = 8
"""Commits that may come at once."""

CHECKPOINT_EVERY: Final = 400
"""Commits after which one goes to the thread, which then shortens the WAL if it is long."""


@dataclass(frozen=True, slots=True)
class Done:
    """Work that was done, and committed."""

    result: Any


class Shortcut:
    """A connection of the event loop's own, for work that is done in some ten microseconds.

    In WAL mode, and without waiting for the disk, a commit copies a page or two into the system's
    file cache. It never waits for a lock, never makes a checkpoint, and declines whenever it may
    be slow; whatever it declines or fails at is the thread's (`docs/decisions/0006`).
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._connection: sqlite3.Connection | None = None
        self._allowance = float(BURST)
        self._allowed_at = 0.0
        self._resume_at = 0.0
        self._patience = FIRST_PATIENCE
        self._commits = 0

    def attempt(self, work: Work[Any]) -> Done | None:
        """Do and commit the work, or return None with nothing written: the thread must do it.

        Raises what `work` raises, if it is no error of the database; nothing is written then.
        """
        began = time.monotonic()
        return self._done(self._commit, work, began) if self._may_commit(began) else None

    def look(self, work: Work[Any]) -> Done | None:
        """Do work that only reads, or return None: the thread must do it.

        Raises what `work` raises, if it is no error of the database.
        """
        began = time.monotonic()
        return self._done(self._read, work, began) if began >= self._resume_at else None

    def _done(self, do: Callable[[Work[Any]], Any], work: Work[Any], began: float) -> Done | None:
        try:
            result = do(work)
        except sqlite3.Error:
            self._abandon()  # the thread waits for locks, and says what is wrong
            self._pause(began)
            return None
        except BaseException:
            self._abandon()
            raise
        if time.monotonic() - began > SLOW:
            self._pause(began)
        else:
            self._patience = FIRST_PATIENCE
        return Done(result)

    def _pause(self, now: float) -> None:
        self._resume_at = now + self._patience
        self._patience = min(2 * self._patience, PATIENCE)

    def relieved(self) -> None:
        """Note that the thread commits something, and looks after the WAL."""
        self._commits = 0

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _may_commit(self, now: float) -> bool:
        self._allowance = min(BURST, self._allowance + (now - self._allowed_at) * RATE)
        self._allowed_at = now
        due = self._commits >= CHECKPOINT_EVERY
        if due or now < self._resume_at or self._allowance < 1:
            return False
        self._allowance -= 1
        self._commits += 1
        return True

    def _read(self, work: Work[Any]) -> Any:
        return work(self._connected())

    def _commit(self, work: Work[Any]) -> Any:
        connection = self._connected()
        connection.execute("BEGIN IMMEDIATE")
        result = work(connection)
        connection.execute("COMMIT")
        return result

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._connect()
            self._connection.execute("PRAGMA busy_timeout = 0")
            self._connection.execute("PRAGMA wal_autocheckpoint = 0")
        return self._connection

    def _abandon(self) -> None:
        """Roll back, if only by closing: what is broken may be whole next time."""
        connection = self._connection
        if connection is not None and connection.in_transaction:
            try:
                connection.execute("ROLLBACK")
            except sqlite3.Error:
                self.close()
