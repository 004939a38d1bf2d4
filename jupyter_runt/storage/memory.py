"""A store without a disk: for tests, and as the plainest statement of what a store does."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Self, get_args

from jupyter_runt.errors import StaleFence, StoreUnavailable
from jupyter_runt.events.base import Draft, Event
from jupyter_runt.events.codec import encode_payload
from jupyter_runt.ids import NotebookId, Seq
from jupyter_runt.protocols import (
    Lease,
    LeaseKind,
    LogWatch,
    Snapshot,
    SnapshotKind,
)
from jupyter_runt.storage.clock import now
from jupyter_runt.storage.growth import Growth
from jupyter_runt.storage.memory_artifacts import MemoryArtifactTable
from jupyter_runt.storage.memory_disk import MemoryDisk
from jupyter_runt.storage.memory_registry import MemoryRegistry
from jupyter_runt.storage.refusals import (
    compacted,
    lease_held,
    not_foldable,
    stale_fence,
)
from jupyter_runt.storage.retention import Mark, needed_snapshots
from jupyter_runt.storage.upkeep import LogSummary


class MemoryStore(MemoryRegistry, MemoryArtifactTable):
    """A `Store` in memory."""

    def __init__(
        self,
        disk: MemoryDisk | None = None,
        *,
        server_id: str = "memory",
        exists: Callable[[str], bool] = lambda _path: True,
    ) -> None:
        """Name the store.

        Args:
            disk: what an earlier store, or that of another server, left; a new one by default.
            server_id: what other servers know this one by.
            exists: tells whether there is a file at a registered path.
        """
        self.disk = disk or MemoryDisk()
        self._server_id = server_id
        self._exists = exists
        self._documents: dict[NotebookId, int] = {}

    async def __aenter__(self) -> Self:
        if self._server_id in self.disk.servers:
            raise StoreUnavailable(f"Another live server is called {self._server_id}.")
        self.disk.servers[self._server_id] = Growth()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.disk.servers.pop(self._server_id).end()

    def _check_open(self) -> None:
        if self._server_id not in self.disk.servers:
            raise StoreUnavailable("The store is closed.")

    def _check_writable(self) -> None:
        self._check_open()
        if self.disk.failure is not None:
            raise StoreUnavailable(self.disk.failure.message, **self.disk.failure.detail)

    async def append(
        self, notebook_id: NotebookId, drafts: Sequence[Draft], *, fence: int | None = None
    ) -> list[Event]:
        """Append all of `drafts` or none; see `EventLog`."""
        self._check_writable()
        if not drafts:
            return []
        self._check_fences(notebook_id, fence)
        return self._append(notebook_id, drafts)

    def _check_fences(self, notebook_id: NotebookId, runtime: int | None = None) -> None:
        fences: dict[LeaseKind, int | None] = {
            "runtime": runtime,
            "documents": self._documents.get(notebook_id),
        }
        for kind, fence in fences.items():
            lease = self.disk.leases.get((notebook_id, kind))
            if fence is not None and (lease is None or lease.fence != fence):
                raise stale_fence(notebook_id, kind, fence)

    def append_now(self, notebook_id: NotebookId, drafts: Sequence[Draft]) -> list[Event] | None:
        """Append all of `drafts` without waiting, or return None; see `EventLog`."""
        try:
            self._check_writable()
            self._check_fences(notebook_id)
        except (StoreUnavailable, StaleFence):
            return None
        return self._append(notebook_id, drafts)

    def _append(self, notebook_id: NotebookId, drafts: Sequence[Draft]) -> list[Event]:
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
            for seq, draft in enumerate(drafts, start=self._head(notebook_id) + 1)
        ]
        self.disk.logs.setdefault(notebook_id, []).extend(events)
        for server_id, growth in self.disk.servers.items():
            mine = events if server_id == self._server_id else ()
            growth.announce(notebook_id, events[-1].seq, mine)
        return events

    async def read(
        self,
        notebook_id: NotebookId,
        after: Seq,
        *,
        limit: int = 1000,
        names: frozenset[str] | None = None,
    ) -> list[Event]:
        """Return up to `limit` events above `after`; see `EventLog`."""
        self._check_open()
        first_seq = self._first_seq(notebook_id)
        if after < first_seq - 1:
            raise compacted(first_seq)
        return [
            event
            for event in self.disk.logs.get(notebook_id, [])
            if event.seq > after and (names is None or event.name in names)
        ][:limit]

    async def caused_by(self, notebook_id: NotebookId, cause: str) -> list[Event]:
        """Return the events that `cause` led to; see `EventLog`."""
        self._check_open()
        return [event for event in self.disk.logs.get(notebook_id, []) if event.caused_by == cause]

    async def head(self, notebook_id: NotebookId) -> Seq:
        """Return the last `seq`; see `EventLog`."""
        self._check_open()
        return self._head(notebook_id)

    def _head(self, notebook_id: NotebookId) -> Seq:
        log = self.disk.logs.get(notebook_id)
        return log[-1].seq if log else Seq(self._first_seq(notebook_id) - 1)

    async def first_seq(self, notebook_id: NotebookId) -> Seq:
        """Return the first `seq` that can be read; see `EventLog`."""
        self._check_open()
        return self._first_seq(notebook_id)

    def _first_seq(self, notebook_id: NotebookId) -> Seq:
        return self.disk.floors.get(notebook_id, Seq(1))

    async def grown(self, notebook_id: NotebookId, after: Seq) -> Seq:
        """Wait for an event above `after`; see `EventLog`."""
        self._check_open()
        with self.disk.servers[self._server_id].watch(notebook_id) as watch:
            watch.announce(self._head(notebook_id))
            return await watch.beyond(after)

    def watch(self, notebook_id: NotebookId) -> AbstractContextManager[LogWatch]:
        """Hear of the log's growth; see `EventLog`."""
        self._check_open()
        return self.disk.servers[self._server_id].watch(notebook_id)

    async def put_snapshot(
        self, notebook_id: NotebookId, kind: SnapshotKind, snapshot: Snapshot
    ) -> None:
        """Keep a snapshot; see `EventLog`."""
        self._check_writable()
        self.disk.snapshots.setdefault((notebook_id, kind), {})[snapshot.seq] = snapshot

    async def snapshot(
        self, notebook_id: NotebookId, kind: SnapshotKind, at: Seq | None = None
    ) -> Snapshot | None:
        """Return the last snapshot; see `EventLog`."""
        self._check_open()
        kept = self.disk.snapshots.get((notebook_id, kind), {})
        seqs = [seq for seq in kept if at is None or seq <= at]
        return kept[max(seqs)] if seqs else None

    async def notebook_ids(self) -> list[NotebookId]:
        """Return every document that has a log; see `KeptLog`."""
        self._check_open()
        return sorted(self.disk.logs)

    async def summary(self, notebook_id: NotebookId) -> LogSummary:
        """Return what there is of a log; see `KeptLog`."""
        marks = await self.marks(notebook_id, Seq(0), self._head(notebook_id))
        known = await self.get(notebook_id)
        data = [
            snapshot.data
            for kind in get_args(SnapshotKind)
            for snapshot in self.disk.snapshots.get((notebook_id, kind), {}).values()
        ]
        return LogSummary(
            notebook_id=notebook_id,
            path=known.file.path if known else None,
            first_seq=self._first_seq(notebook_id),
            head=self._head(notebook_id),
            events=len(marks),
            size=sum(mark.size for mark in marks),
            snapshots=len(data),
            snapshot_size=sum(map(len, data)),
            checkpoint_seq=self._checkpoint_seq(notebook_id),
            last_recorded_at=max((mark.recorded_at for mark in marks), default=None),
        )

    async def checkpoint_seq(self, notebook_id: NotebookId) -> Seq:
        """Return up to where the file holds the document; see `KeptLog`."""
        self._check_open()
        return self._checkpoint_seq(notebook_id)

    def _checkpoint_seq(self, notebook_id: NotebookId) -> Seq:
        known = self.disk.documents.get(notebook_id)
        return known.checkpoint_seq if known else Seq(0)

    async def marks(self, notebook_id: NotebookId, after: Seq, limit: int) -> list[Mark]:
        """Return the marks of events; see `KeptLog`."""
        self._check_open()
        events = [event for event in self.disk.logs.get(notebook_id, []) if event.seq > after]
        return [Mark(event.seq, event.recorded_at, _size(event)) for event in events[:limit]]

    async def snapshot_seqs(self, notebook_id: NotebookId, kind: SnapshotKind) -> list[Seq]:
        """Return where there are snapshots; see `KeptLog`."""
        self._check_open()
        return sorted(self.disk.snapshots.get((notebook_id, kind), {}))

    async def fold(self, notebook_id: NotebookId, until: Seq, limit: int) -> Seq:
        """Delete some of the first events; see `KeptLog`."""
        self._check_writable()
        replaced = all(
            until in self.disk.snapshots.get((notebook_id, kind), {})
            for kind in get_args(SnapshotKind)
        )
        if not replaced or self._checkpoint_seq(notebook_id) < until:
            raise not_foldable(notebook_id, until)
        first = self._first_seq(notebook_id)
        left = Seq(max(first, min(first + limit, until + 1)))
        self.disk.floors[notebook_id] = left
        kept = [event for event in self.disk.logs[notebook_id] if event.seq >= left]
        self.disk.logs[notebook_id] = kept
        return left

    async def prune_snapshots(self, notebook_id: NotebookId, limit: int) -> int:
        """Delete some of the snapshots that nothing needs; see `KeptLog`."""
        self._check_writable()
        first, checkpoint = self._first_seq(notebook_id), self._checkpoint_seq(notebook_id)
        pruned = 0
        for kind in get_args(SnapshotKind):
            kept = self.disk.snapshots.get((notebook_id, kind), {})
            unneeded = sorted(kept.keys() - needed_snapshots(kept, first, checkpoint))
            for seq in unneeded[: limit - pruned]:
                del kept[seq]
                pruned += 1
        return pruned

    async def acquire(
        self, notebook_id: NotebookId, kind: LeaseKind, info: dict[str, Any]
    ) -> Lease:
        """Take a lease; see `Leases`."""
        self._check_writable()
        key = (notebook_id, kind)
        held = self.disk.leases.get(key)
        if held and held.holder != self._server_id and held.holder in self.disk.servers:
            raise lease_held(held)
        fence = self.disk.fences.get(key, 0) + 1
        self.disk.fences[key] = fence
        self.disk.leases[key] = Lease(notebook_id, kind, fence, self._server_id, info)
        if kind == "documents":
            self._documents[notebook_id] = fence
        return self.disk.leases[key]

    async def release(self, lease: Lease) -> None:
        """Give a lease back; see `Leases`."""
        self._check_writable()
        key = (lease.notebook_id, lease.kind)
        if self.disk.fences.get(key) == lease.fence:
            self.disk.leases.pop(key, None)
        if lease.kind == "documents" and self._documents.get(lease.notebook_id) == lease.fence:
            del self._documents[lease.notebook_id]

    async def current(self, notebook_id: NotebookId, kind: LeaseKind) -> Lease | None:
        """Return the lease as it stands; see `Leases`."""
        self._check_open()
        return self.disk.leases.get((notebook_id, kind))


def _size(event: Event) -> int:
    row = encode_payload(event.payload)
    return len(row.payload) + len(row.update or b"")
