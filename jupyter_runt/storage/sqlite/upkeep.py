"""Looking over and folding logs in SQLite."""

import sqlite3
from functools import partial
from typing import get_args

from jupyter_runt.ids import NotebookId, Seq
from jupyter_runt.protocols import SnapshotKind
from jupyter_runt.storage.refusals import not_foldable
from jupyter_runt.storage.retention import Mark, needed_snapshots
from jupyter_runt.storage.sqlite.database import Database
from jupyter_runt.storage.sqlite.event_log import first_seq_of, head_of
from jupyter_runt.storage.upkeep import LogSummary


class SqliteUpkeep:
    """What a `KeptLog` adds to the `EventLog` of an `SqliteStore`."""

    _database: Database

    async def notebook_ids(self) -> list[NotebookId]:
        """Return every document that has a log; see `KeptLog`."""
        return await self._database.read(_notebook_ids)

    async def summary(self, notebook_id: NotebookId) -> LogSummary:
        """Return what there is of a log; see `KeptLog`."""
        return await self._database.read(partial(_summary, notebook_id))

    async def checkpoint_seq(self, notebook_id: NotebookId) -> Seq:
        """Return up to where the file holds the document; see `KeptLog`."""
        return await self._database.read(partial(_checkpoint_seq, notebook_id))

    async def marks(self, notebook_id: NotebookId, after: Seq, limit: int) -> list[Mark]:
        """Return the marks of events; see `KeptLog`."""
        return await self._database.read(partial(_marks, notebook_id, after, limit))

    async def snapshot_seqs(self, notebook_id: NotebookId, kind: SnapshotKind) -> list[Seq]:
        """Return where there are snapshots; see `KeptLog`."""
        return await self._database.read(partial(_snapshot_seqs, notebook_id, kind))

    async def fold(self, notebook_id: NotebookId, until: Seq, limit: int) -> Seq:
        """Delete some of the first events; see `KeptLog`."""
        return await self._database.write(partial(_fold, notebook_id, until, limit))

    async def prune_snapshots(self, notebook_id: NotebookId, limit: int) -> int:
        """Delete some of the snapshots that nothing needs; see `KeptLog`."""
        return await self._database.write(partial(_prune_snapshots, notebook_id, limit))

    async def damage(self) -> list[str]:
        """Return what is wrong with the database file, in SQLite's words; reads all of it."""
        return await self._database.read(_damage)


def _damage(connection: sqlite3.Connection) -> list[str]:
    found = [row[0] for row in connection.execute("PRAGMA quick_check(10)")]
    return [] if found == ["ok"] else found


def _notebook_ids(connection: sqlite3.Connection) -> list[NotebookId]:
    # One step in the index for each log, where DISTINCT would read all of it.
    rows = connection.execute(
        "WITH RECURSIVE logs(id) AS ("
        " SELECT min(notebook_id) FROM events UNION ALL"
        " SELECT (SELECT min(notebook_id) FROM events WHERE notebook_id > id) FROM logs"
        " WHERE id IS NOT NULL)"
        " SELECT id FROM logs WHERE id IS NOT NULL UNION SELECT notebook_id FROM floors ORDER BY 1"
    )
    return [NotebookId(row[0]) for row in rows]


def _summary(notebook_id: NotebookId, connection: sqlite3.Connection) -> LogSummary:
    events, size, last_recorded_at = connection.execute(
        "SELECT count(*), coalesce(sum(length(payload) + coalesce(length(update_bytes), 0)), 0),"
        " max(recorded_at) FROM events WHERE notebook_id = ?",
        (notebook_id,),
    ).fetchone()
    snapshots, snapshot_size = connection.execute(
        "SELECT count(*), coalesce(sum(length(data)), 0) FROM snapshots WHERE notebook_id = ?",
        (notebook_id,),
    ).fetchone()
    row = connection.execute(
        "SELECT path FROM documents WHERE notebook_id = ? AND deleted_at IS NULL", (notebook_id,)
    ).fetchone()
    return LogSummary(
        notebook_id=notebook_id,
        path=row[0] if row else None,
        first_seq=first_seq_of(notebook_id, connection),
        head=head_of(notebook_id, connection),
        events=events,
        size=size,
        snapshots=snapshots,
        snapshot_size=snapshot_size,
        checkpoint_seq=_checkpoint_seq(notebook_id, connection),
        last_recorded_at=last_recorded_at,
    )


def _checkpoint_seq(notebook_id: NotebookId, connection: sqlite3.Connection) -> Seq:
    row = connection.execute(
        "SELECT checkpoint_seq FROM documents WHERE notebook_id = ?", (notebook_id,)
    ).fetchone()
    return Seq(row[0] if row else 0)


def _marks(
    notebook_id: NotebookId, after: Seq, limit: int, connection: sqlite3.Connection
) -> list[Mark]:
    rows = connection.execute(
        "SELECT seq, recorded_at, length(payload) + coalesce(length(update_bytes), 0) FROM events"
        " WHERE notebook_id = ? AND seq > ? ORDER BY seq LIMIT ?",
        (notebook_id, after, limit),
    )
    return [Mark(*row) for row in rows]


def _snapshot_seqs(
    notebook_id: NotebookId, kind: SnapshotKind, connection: sqlite3.Connection
) -> list[Seq]:
    rows = connection.execute(
        "SELECT seq FROM snapshots WHERE notebook_id = ? AND kind = ? ORDER BY seq",
        (notebook_id, kind),
    )
    return [Seq(row[0]) for row in rows]


def _fold(notebook_id: NotebookId, until: Seq, limit: int, connection: sqlite3.Connection) -> Seq:
    kinds = [
        kind
        for kind in get_args(SnapshotKind)
        if until in _snapshot_seqs(notebook_id, kind, connection)
    ]
    if len(kinds) < 2 or _checkpoint_seq(notebook_id, connection) < until:
        raise not_foldable(notebook_id, until)
    first = first_seq_of(notebook_id, connection)
    left = min(first + limit, until + 1)
    if left <= first:
        return first
    connection.execute("DELETE FROM events WHERE notebook_id = ? AND seq < ?", (notebook_id, left))
    connection.execute(
        "INSERT INTO floors (notebook_id, first_seq) VALUES (?, ?)"
        " ON CONFLICT DO UPDATE SET first_seq = excluded.first_seq",
        (notebook_id, left),
    )
    return Seq(left)


def _prune_snapshots(notebook_id: NotebookId, limit: int, connection: sqlite3.Connection) -> int:
    first = first_seq_of(notebook_id, connection)
    checkpoint = _checkpoint_seq(notebook_id, connection)
    pruned = 0
    for kind in get_args(SnapshotKind):
        seqs = _snapshot_seqs(notebook_id, kind, connection)
        unneeded = sorted(set(seqs) - needed_snapshots(seqs, first, checkpoint))
        dropped = unneeded[: limit - pruned]
        connection.executemany(
            "DELETE FROM snapshots WHERE notebook_id = ? AND kind = ? AND seq = ?",
            [(notebook_id, kind, seq) for seq in dropped],
        )
        pruned += len(dropped)
    return pruned
