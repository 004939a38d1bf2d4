"""Which artifacts count for which notebook, in SQLite."""

# ruff: noqa: S608  only our own words are put together; values are always parameters

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import Final

from jupyter_runt.artifacts import Artifact, Holding
from jupyter_runt.ids import NotebookId, Seq
from jupyter_runt.storage.clock import now
from jupyter_runt.storage.mentions import hashes_in
from jupyter_runt.storage.sqlite.database import Database

MANY: Final = 500
"""Hashes that one statement names at most."""

PAGE: Final = 200
"""Events that are searched at once: whoever else reads waits no longer than that takes."""


class SqliteArtifactTable:
    """The `ArtifactTable` of an `SqliteStore`."""

    _database: Database

    async def hold(self, notebook_id: NotebookId, artifacts: Sequence[Artifact]) -> None:
        """Have artifacts count for a notebook; see `ArtifactTable`."""
        if artifacts:
            await self._database.write(partial(_hold, notebook_id, artifacts))

    async def share(
        self, notebook_id: NotebookId, sha256s: Collection[str], deleted_after: str
    ) -> None:
        """Have artifacts of other notebooks count here too; see `ArtifactTable`."""
        await self._database.write(partial(_share, notebook_id, sha256s, deleted_after))

    async def held(
        self, notebook_id: NotebookId, sha256s: Collection[str] | None = None
    ) -> dict[str, Holding]:
        """Return what counts for a notebook; see `ArtifactTable`."""
        if sha256s is not None and not sha256s:
            return {}
        return await self._database.read(partial(_held, notebook_id, sha256s))

    async def holders(self) -> list[NotebookId]:
        """Return who holds artifacts; see `ArtifactTable`."""
        return await self._database.read(_holders)

    async def unheld(self, sha256s: Collection[str]) -> set[str]:
        """Return what counts for nobody; see `ArtifactTable`."""
        return await self._database.read(partial(_unheld, sha256s))

    async def mentioned(self, notebook_id: NotebookId, sha256s: Collection[str]) -> set[str]:
        """Return which hashes the history names; see `ArtifactTable`."""
        wanted = frozenset(sha256s)
        found = await self._database.read(partial(_mentioned_beside, notebook_id, wanted))
        after: int | None = -1
        while after is not None:
            named, after = await self._database.read(
                partial(_mentioned_after, notebook_id, wanted, after)
            )
            found |= named
        return found

    async def let_go(
        self, notebook_id: NotebookId, sha256s: Collection[str], until: str
    ) -> list[str]:
        """Have artifacts count no more; see `ArtifactTable`."""
        return await self._database.write(partial(_let_go, notebook_id, sha256s, until))

    async def discard(self, sha256: str, delete: Callable[[], None]) -> bool:
        """Delete what counts for nobody; see `ArtifactTable`."""
        return await self._database.write(partial(_discard, sha256, delete))


def _hold(
    notebook_id: NotebookId, artifacts: Sequence[Artifact], connection: sqlite3.Connection
) -> None:
    held_at = now()
    connection.executemany(
        "INSERT OR REPLACE INTO artifacts (notebook_id, sha256, mime, size, held_at)"
        " VALUES (?, ?, ?, ?, ?)",
        [(notebook_id, each.sha256, each.mime, each.size, held_at) for each in artifacts],
    )


def _share(
    notebook_id: NotebookId,
    sha256s: Collection[str],
    deleted_after: str,
    connection: sqlite3.Connection,
) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO artifacts (notebook_id, sha256, mime, size, held_at)"
        " SELECT ?, sha256, mime, size, ? FROM artifacts JOIN documents USING (notebook_id)"
        " WHERE sha256 = ? AND (deleted_at IS NULL OR deleted_at > ?) LIMIT 1",
        [(notebook_id, now(), sha256, deleted_after) for sha256 in sha256s],
    )


def _held(
    notebook_id: NotebookId, sha256s: Collection[str] | None, connection: sqlite3.Connection
) -> dict[str, Holding]:
    select = "SELECT sha256, mime, size, held_at FROM artifacts WHERE notebook_id = ?"
    rows: list[tuple[str, str, int, str]] = []
    if sha256s is None:
        rows += connection.execute(select, (notebook_id,))
    else:
        for some in _portions(sha256s):
            named = f"{select} AND sha256 IN ({_marks(some)})"
            rows += connection.execute(named, (notebook_id, *some))
    return {row[0]: Holding(Artifact(*row[:3]), row[3]) for row in rows}


def _holders(connection: sqlite3.Connection) -> list[NotebookId]:
    rows = connection.execute("SELECT DISTINCT notebook_id FROM artifacts ORDER BY 1")
    return [NotebookId(row[0]) for row in rows]


def _unheld(sha256s: Collection[str], connection: sqlite3.Connection) -> set[str]:
    unheld = set(sha256s)
    for some in _portions(sha256s):
        select = f"SELECT sha256 FROM artifacts WHERE sha256 IN ({_marks(some)})"
        unheld.difference_update(row[0] for row in connection.execute(select, some))
    return unheld


def _mentioned_beside(
    notebook_id: NotebookId, wanted: frozenset[str], connection: sqlite3.Connection
) -> set[str]:
    """Search what is kept beside the events."""
    found: set[str] = set()
    for table, column in (("snapshots", "data"), ("merge_bases", "state")):
        select = f"SELECT {column} FROM {table} WHERE notebook_id = ?"
        for (data,) in connection.execute(select, (notebook_id,)):
            found |= hashes_in(data) & wanted
    return found


def _mentioned_after(
    notebook_id: NotebookId, wanted: frozenset[str], after: int, connection: sqlite3.Connection
) -> tuple[set[str], Seq | None]:
    """Search a page of events; return where the next one begins, if there is one."""
    rows = connection.execute(
        "SELECT seq, payload, update_bytes FROM events WHERE notebook_id = ? AND seq > ?"
        " ORDER BY seq LIMIT ?",
        (notebook_id, after, PAGE),
    ).fetchall()
    found: set[str] = set()
    for _, payload, update in rows:
        found |= (hashes_in(payload.encode()) | hashes_in(update or b"")) & wanted
    return found, Seq(rows[-1][0]) if len(rows) == PAGE else None


def _let_go(
    notebook_id: NotebookId,
    sha256s: Collection[str],
    until: str,
    connection: sqlite3.Connection,
) -> list[str]:
    gone: list[str] = []
    for some in _portions(sha256s):
        rows = connection.execute(
            "DELETE FROM artifacts WHERE notebook_id = ? AND held_at <= ?"
            f" AND sha256 IN ({_marks(some)}) RETURNING sha256",
            (notebook_id, until, *some),
        )
        gone += [row[0] for row in rows]
    return gone


def _discard(sha256: str, delete: Callable[[], None], connection: sqlite3.Connection) -> bool:
    # All writers' transactions come one after the other: who begins to hold it does so before
    # this one, or finds that it is gone.
    row = connection.execute("SELECT 1 FROM artifacts WHERE sha256 = ? LIMIT 1", (sha256,))
    if row.fetchone() is not None:
        return False
    delete()
    return True


def _portions(sha256s: Iterable[str]) -> Iterator[list[str]]:
    each = sorted(sha256s)
    for start in range(0, len(each), MANY):
        yield each[start : start + MANY]


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
