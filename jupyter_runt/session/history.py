"""A document as it was: a snapshot and the updates after it."""

from collections.abc import AsyncIterator
from typing import TypeVar

from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.shared import SharedDocument
from jupyter_runt.events.base import Event
from jupyter_runt.events.document import DocumentUpdated
from jupyter_runt.ids import NotebookId, Seq
from jupyter_runt.protocols import EventLog

PAGE = 1000
_UPDATES = frozenset({DocumentUpdated.event_name})

DocT = TypeVar("DocT", bound=SharedDocument)


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


async def restore(
    log: EventLog, notebook_id: NotebookId, doc: DocT, at: Seq | None = None
) -> tuple[Seq, int]:
    """Bring an empty document to its last committed state, or to the one at `at`.

    Returns:
        The `seq` of the last update applied (0 if none), and how many came after the snapshot.

    Raises:
        Compacted: the history of that moment was folded away.
    """
    seq, replayed = Seq(0), 0
    snapshot = await log.snapshot(notebook_id, "document", at)
    if snapshot is not None:
        doc.apply([snapshot.data])
        seq = snapshot.seq
    async for events in pages(log, notebook_id, seq, _UPDATES):
        wanted = [event for event in events if at is None or event.seq <= at]
        doc.apply(
            event.payload.update for event in wanted if isinstance(event.payload, DocumentUpdated)
        )
        if wanted:
            seq, replayed = wanted[-1].seq, replayed + len(wanted)
        if len(wanted) < len(events):
            break
    return seq, replayed


async def notebook_at(log: EventLog, notebook_id: NotebookId, at: Seq) -> NotebookDoc:
    """Return the notebook as it was at `at`; raises as `restore`."""
    doc = NotebookDoc()
    await restore(log, notebook_id, doc, at)
    return doc
