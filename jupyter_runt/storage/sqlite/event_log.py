"""Events and snapshots in SQLite."""

# ruff: noqa: S608  only our own words are put together; values are always parameters

import asyncio
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import Any, Final

from jupyter_runt.errors import StaleFence, StoreUnavailable
from jupyter_runt.events.base import Draft, Event
from jupyter_runt.events.codec import Row, decode_event, encode_payload
from jupyter_runt.events.document import DocumentUpdated, VersionKept
from jupyter_runt.ids import NotebookId, Seq
from jupyter_runt.protocols import LeaseKind, LogWatch, Snapshot, SnapshotKind
from jupyter_runt.storage.clock import now
from jupyter_runt.storage.growth import Growth
from jupyter_runt.storage.refusals import compacted
from jupyter_runt.storage.sqlite.database import Database
from jupyter_runt.storage.sqlite.leases import check_fence

_POLL: Final = 0.25
"""Seconds between two looks for what other processes appended."""

_FEW: Final = 8
_SHORT: Final = 4096

_COLUMNS: Final = "seq, actor, caused_by, recorded_at, name, payload, update_bytes"


class SqliteEventLog:
    """The `EventLog` of an `SqliteStore`."""

    _database: Database
    _growth: Growth
    _documents: dict[NotebookId, int]
    """The fences of the documents that this server has open."""

    async def append(
        self, notebook_id: NotebookId, drafts: Sequence[Draft], *, fence: int | None = None
    ) -> list[Event]:
        """Append all of `drafts` or none; see `EventLog`."""
        if not drafts:
            return []
        small = _is_small(drafts)
        events = self._append_now(notebook_id, drafts, fence) if small else None
        if events is None:
            # What is large is encoded in the writer's thread, and costs the loop nothing.
            fences = self._fences(notebook_id, fence)
            events = await self._database.write(partial(_append, notebook_id, drafts, fences))
            self._growth.announce(notebook_id, events[-1].seq, events if small else ())
        return events

    def append_now(self, notebook_id: NotebookId, drafts: Sequence[Draft]) -> list[Event] | None:
        """Append all of `drafts` without waiting, or return None; see `EventLog`."""
        if not _is_small(drafts):
            return None
        try:
            return self._append_now(notebook_id, drafts, None)
        except StaleFence:
            return None

    def _append_now(
        self, notebook_id: NotebookId, drafts: Sequence[Draft], fence: int | None
    ) -> list[Event] | None:
        fences = self._fences(notebook_id, fence)
        events = self._database.write_now(partial(_append, notebook_id, drafts, fences))
        if events is not None:
            self._growth.announce(notebook_id, events[-1].seq, events)
        return events

    def _fences(self, notebook_id: NotebookId, runtime: int | None) -> dict[LeaseKind, int]:
        """Return the fences that must be current when something is appended."""
        fences: dict[LeaseKind, int] = {}
        if runtime is not None:
            fences["runtime"] = runtime
        if notebook_id in self._documents:
            fences["documents"] = self._documents[notebook_id]
        return fences

    async def read(
        self,
        notebook_id: NotebookId,
        after: Seq,
        *,
        limit: int = 1000,
        names: frozenset[str] | None = None,
    ) -> list[Event]:
        """Return up to `limit` events above `after`; see `EventLog`."""
        return await self._database.read(partial(_read, notebook_id, after, limit, names))

    async def caused_by(self, notebook_id: NotebookId, cause: str) -> list[Event]:
        """Return the events that `cause` led to; see `EventLog`."""
        # Asked before every command, to learn that it is new: the answer must not take a thread.
        led_to_any = partial(_has_cause, notebook_id, cause)
        if not await self._database.read(led_to_any, small=True):
            return []
        where = "caused_by = ? ORDER BY seq"
        return await self._database.read(partial(_select, notebook_id, where, (cause,)))

    async def head(self, notebook_id: NotebookId) -> Seq:
        """Return the last committed `seq`; see `EventLog`."""
        return await self._database.read(partial(head_of, notebook_id))

    async def first_seq(self, notebook_id: NotebookId) -> Seq:
        """Return the first `seq` that can be read; see `EventLog`."""
        return await self._database.read(partial(first_seq_of, notebook_id))

    async def grown(self, notebook_id: NotebookId, after: Seq) -> Seq:
        """Wait for an event above `after`; see `EventLog`."""
        with self._growth.watch(notebook_id) as watch:
            watch.announce(await self.head(notebook_id))
            return await watch.beyond(after)

    def watch(self, notebook_id: NotebookId) -> AbstractContextManager[LogWatch]:
        """Hear of the log's growth; see `EventLog`."""
        return self._growth.watch(notebook_id)

    async def put_snapshot(
        self, notebook_id: NotebookId, kind: SnapshotKind, snapshot: Snapshot
    ) -> None:
        """Keep a snapshot; see `EventLog`."""
        await self._database.write(partial(_put_snapshot, notebook_id, kind, snapshot))

    async def snapshot(
        self, notebook_id: NotebookId, kind: SnapshotKind, at: Seq | None = None
    ) -> Snapshot | None:
        """Return the last snapshot; see `EventLog`."""
        return await self._database.read(partial(_snapshot, notebook_id, kind, at))

    async def _notice_others(self) -> None:
        """Announce, for ever, what other processes append to logs that somebody waits for."""
        version: int | None = None
        while True:
            await self._growth.somebody_waits()
            with suppress(StoreUnavailable):  # whoever uses the store next is told
                version, heads = await self._database.read(
                    partial(_heads_if_changed, version, self._growth.watched)
                )
                for notebook_id, head in heads.items():
                    self._growth.announce(notebook_id, head)
            await asyncio.sleep(_POLL)


def _is_small(drafts: Sequence[Draft]) -> bool:
    """Tell whether drafts are a few keystrokes or a step of the queue."""
    if len(drafts) > _FEW:
        return False
    for draft in drafts:
        match draft.payload:
            case DocumentUpdated(update=update, changes=changes):
                if len(update) >= _SHORT or len(changes) >= _FEW:
                    return False
            case VersionKept():
                return False
    return True


def _append(
    notebook_id: NotebookId,
    drafts: Sequence[Draft],
    fences: Mapping[LeaseKind, int],
    connection: sqlite3.Connection,
) -> list[Event]:
    for kind, fence in fences.items():
        check_fence(connection, notebook_id, kind, fence)
    recorded_at = now()
    events = [
        Event(
            seq=Seq(seq),
            notebook_id=notebook_id,
            actor=draft.actor,
            caused_by=draft.caused_by,
            recorded_at=recorded_at,
            payload=draft.payload,
        )
        for seq, draft in enumerate(drafts, start=head_of(notebook_id, connection) + 1)
    ]
    connection.executemany(
        f"INSERT INTO events (notebook_id, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        map(_columns, events),
    )
    return events


def _columns(event: Event) -> tuple[Any, ...]:
    return (
        event.notebook_id,
        event.seq,
        event.actor,
        event.caused_by,
        event.recorded_at,
        *encode_payload(event.payload),
    )


def _read(
    notebook_id: NotebookId,
    after: Seq,
    limit: int,
    names: frozenset[str] | None,
    connection: sqlite3.Connection,
) -> list[Event]:
    where = "seq > ?"
    parameters: list[str | int] = [after]
    if names is not None:
        where += f" AND name IN ({', '.join('?' * len(names))})"
        parameters += sorted(names)
        if DocumentUpdated.event_name not in names:
            where += " AND name <> 'v1.DocumentUpdated'"  # in these words the index knows it
    events = _select(notebook_id, f"{where} ORDER BY seq LIMIT ?", (*parameters, limit), connection)
    # Looked up after the events: a compaction in between is seen.
    first_seq = first_seq_of(notebook_id, connection)
    if after < first_seq - 1:
        raise compacted(first_seq)
    return events


def _select(
    notebook_id: NotebookId,
    where: str,
    parameters: Iterable[Any],
    connection: sqlite3.Connection,
) -> list[Event]:
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM events WHERE notebook_id = ? AND {where}",
        (notebook_id, *parameters),
    )
    return [
        decode_event(notebook_id, seq, actor, caused_by, recorded_at, Row(*payload))
        for seq, actor, caused_by, recorded_at, *payload in rows
    ]


def _has_cause(notebook_id: NotebookId, cause: str, connection: sqlite3.Connection) -> bool:
    query = "SELECT 1 FROM events WHERE notebook_id = ? AND caused_by = ? LIMIT 1"
    return connection.execute(query, (notebook_id, cause)).fetchone() is not None


def head_of(notebook_id: NotebookId, connection: sqlite3.Connection) -> Seq:
    """Return the last `seq` that was given."""
    row = connection.execute(
        "SELECT max(seq) FROM events WHERE notebook_id = ?", (notebook_id,)
    ).fetchone()
    return Seq(row[0] or first_seq_of(notebook_id, connection) - 1)


def first_seq_of(notebook_id: NotebookId, connection: sqlite3.Connection) -> Seq:
    """Return the first `seq` that can still be read."""
    row = connection.execute(
        "SELECT first_seq FROM floors WHERE notebook_id = ?", (notebook_id,)
    ).fetchone()
    return Seq(row[0] if row else 1)


def _heads_if_changed(
    version: int | None, notebook_ids: list[NotebookId], connection: sqlite3.Connection
) -> tuple[int, dict[NotebookId, Seq]]:
    # Changes whenever another connection, of this process or another, has committed.
    found: int = connection.execute("PRAGMA data_version").fetchone()[0]
    if found == version:
        return found, {}
    return found, {notebook_id: head_of(notebook_id, connection) for notebook_id in notebook_ids}


def _put_snapshot(
    notebook_id: NotebookId,
    kind: SnapshotKind,
    snapshot: Snapshot,
    connection: sqlite3.Connection,
) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO snapshots (notebook_id, kind, seq, data) VALUES (?, ?, ?, ?)",
        (notebook_id, kind, snapshot.seq, snapshot.data),
    )


def _snapshot(
    notebook_id: NotebookId, kind: SnapshotKind, at: Seq | None, connection: sqlite3.Connection
) -> Snapshot | None:
    row = connection.execute(
        "SELECT seq, data FROM snapshots WHERE notebook_id = ? AND kind = ?"
        " AND (? IS NULL OR seq <= ?) ORDER BY seq DESC LIMIT 1",
        (notebook_id, kind, at, at),
    ).fetchone()
    return Snapshot(*row) if row else None
