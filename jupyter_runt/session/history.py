"""A document as it was: a snapshot and the updates after it."""

from asyncio import to_thread
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.restore import sound
from jupyter_runt.document.shared import SharedDocument
from jupyter_runt.errors import Compacted, HistoryDamaged
from jupyter_runt.events.base import Event
from jupyter_runt.events.document import DocumentUpdated, VersionKept
from jupyter_runt.ids import NotebookId, Seq
from jupyter_runt.protocols import EventLog, Registration, Snapshot, SnapshotKind

T = TypeVar("T")
DocT = TypeVar("DocT", bound=SharedDocument)

PAGE = 1000
_UPDATES = frozenset({DocumentUpdated.event_name})


async def pages(
    log: EventLog, notebook_id: NotebookId, after: Seq, names: frozenset[str] | None = None
) -> AsyncIterator[list[Event]]:
    """Yield the committed events above `after`, a page at a time; raises as `EventLog.read`."""
    while True:
        events = await log.read(notebook_id, after, limit=PAGE, names=names)
        if not events:
            return
        yield events
        after = events[-1].seq


@dataclass(frozen=True, slots=True)
class Past:
    """What makes an empty document one as the log had it."""

    updates: list[bytes]
    seq: Seq
    """Of the last update; 0 if there is none."""
    replayed: int
    """How many updates came after the snapshot."""


@contextmanager
def readable(registration: Registration) -> Iterator[None]:
    """Turn what the CRDT library and the codec say of a damaged log into HistoryDamaged."""
    try:
        yield
    except (LookupError, ValueError) as error:
        path = registration.file.path
        message = f"The history of {path} is damaged ({error}); its file is untouched."
        notebook_id = registration.notebook_id
        raise HistoryDamaged(message, path=path, notebook_id=notebook_id) from error


async def past(log: EventLog, notebook_id: NotebookId, at: Seq | None = None) -> Past:
    """Return the document's past until now, or until `at`.

    Raises:
        Compacted: the history of that moment was folded away.
    """
    return await from_snapshot(
        log, notebook_id, "document", partial(_past, log, notebook_id, at), at
    )


async def from_snapshot(
    log: EventLog,
    notebook_id: NotebookId,
    kind: SnapshotKind,
    replay: Callable[[Snapshot | None], Awaitable[T]],
    at: Seq | None = None,
) -> T:
    """Return what `replay` makes of the last snapshot (up to `at`) and the events after it.

    Raises:
        Compacted: the history of that moment was folded away.
    """
    snapshot = await log.snapshot(notebook_id, kind, at)
    while True:
        try:
            return await replay(snapshot)
        except Compacted:
            last, snapshot = snapshot, await log.snapshot(notebook_id, kind, at)
            if snapshot is None or (last is not None and snapshot.seq <= last.seq):
                raise
            # The events were folded after the first look, into the snapshot that is there now.


async def _past(
    log: EventLog, notebook_id: NotebookId, at: Seq | None, snapshot: Snapshot | None
) -> Past:
    updates: list[bytes] = []
    seq, replayed = Seq(0), 0
    if snapshot is not None:
        updates.append(snapshot.data)
        seq = snapshot.seq
    async for events in pages(log, notebook_id, seq, _UPDATES):
        wanted = [event for event in events if at is None or event.seq <= at]
        updates += [
            event.payload.update for event in wanted if isinstance(event.payload, DocumentUpdated)
        ]
        if wanted:
            seq, replayed = wanted[-1].seq, replayed + len(wanted)
        if len(wanted) < len(events):
            break
    return Past(updates, seq, replayed)


async def kept_at(log: EventLog, notebook_id: NotebookId, seq: Seq) -> VersionKept | None:
    """Return what was kept at `seq`, None if nothing was, or if it was folded away."""
    try:
        events = await log.read(notebook_id, Seq(max(seq, 1) - 1), limit=1)
    except Compacted:
        return None
    payload = events[0].payload if events else None
    return payload if isinstance(payload, VersionKept) else None


async def restorable(log: EventLog, notebook_id: NotebookId, seq: Seq) -> dict[str, Any] | None:
    """Return the notebook that `seq` names, None if the log is not that long.

    That is what was kept there, or else the notebook as it was, its cells with ids.

    Raises:
        Compacted: the history of that moment was folded away.
    """
    if not 1 <= seq <= await log.head(notebook_id):
        return None
    kept = await kept_at(log, notebook_id, seq)
    if kept is not None and not isinstance(kept.content, str):
        return kept.content
    return sound(await notebook_at(log, notebook_id, seq, always_ids=True))


async def notebook_at(
    log: EventLog, notebook_id: NotebookId, at: Seq, *, always_ids: bool = False
) -> dict[str, Any]:
    """Return the notebook as it was at `at`; raises as `past`."""
    before = await past(log, notebook_id, at)

    def build() -> dict[str, Any]:
        doc = NotebookDoc()
        doc.load(before.updates)
        return doc.notebook(always_ids=always_ids)

    return await to_thread(build)
