"""The thread that reads from the database, beside the writer and never waiting for it."""

import sqlite3
from typing import ClassVar

from jupyter_runt.storage.sqlite.connection import explained
from jupyter_runt.storage.sqlite.damage import note_damage
from jupyter_runt.storage.sqlite.worker import Job, Worker


class Reader(Worker):
    """Does one read after the other; each sees all that was committed before it began."""

    name: ClassVar[str] = "runt-reader"
    group_limit: ClassVar[int] = 1

    def _do(self, group: list[Job]) -> None:
        for job in group:
            try:
                job.result = job.work(self._connected())
            except Exception as error:  # noqa: BLE001  it belongs to whoever waits
                job.error = explained(error, self._path)
                note_damage(self._path, error)
                if isinstance(error, sqlite3.Error):
                    self._disconnect()  # a database that failed may be whole next time
