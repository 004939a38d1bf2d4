"""The one thread that writes to the database."""

import sqlite3
from typing import ClassVar

from jupyter_runt.storage.sqlite.connection import explained, unavailable
from jupyter_runt.storage.sqlite.damage import note_damage
from jupyter_runt.storage.sqlite.worker import Job, Worker


class Writer(Worker):
    """Commits all work that waits when the thread becomes free in one transaction (EL6).

    Each piece of work is a savepoint: one that fails leaves nothing behind and the others go on.
    Nobody hears of a result before it is committed.
    """

    name: ClassVar[str] = "runt-writer"
    group_limit: ClassVar[int] = 1000

    def _do(self, group: list[Job]) -> None:
        try:
            connection = self._connected()
            connection.execute("BEGIN IMMEDIATE")
            for job in group:
                self._attempt(connection, job)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            note_damage(self._path, error)
            for job in group:
                job.error = job.error or unavailable(error, self._path)
            self._disconnect()  # rolls back; what was read-only or broken may be whole next time

    def _attempt(self, connection: sqlite3.Connection, job: Job) -> None:
        """Do one job in a savepoint.

        Raises:
            sqlite3.Error: SQLite has rolled the whole transaction back.
        """
        connection.execute("SAVEPOINT job")
        try:
            job.result = job.work(connection)
        except Exception as error:  # it belongs to whoever waits, not to this thread
            if not connection.in_transaction:
                raise
            note_damage(self._path, error)
            connection.execute("ROLLBACK TO job")
            job.error = explained(error, self._path)
        connection.execute("RELEASE job")
