"""What keeping a store in order needs of it, beyond what documents need."""

from dataclasses import dataclass
from typing import Protocol

from jupyter_runt.artifacts import ArtifactTable
from jupyter_runt.ids import NotebookId, Seq
from jupyter_runt.protocols import EventLog, SnapshotKind
from jupyter_runt.storage.retention import Mark


@dataclass(frozen=True, slots=True)
class LogSummary:
    """A log at a glance."""

    notebook_id: NotebookId
    path: str | None
    """Where its file is, root-relative; None where the file was deleted."""
    first_seq: Seq
    """The first event that there still is, or will be."""
    head: Seq
    events: int
    size: int
    """Bytes of the events' payloads."""
    snapshots: int
    snapshot_size: int
    """Bytes."""
    checkpoint_seq: Seq
    last_recorded_at: str | None


class KeptLog(EventLog, Protocol):
    """An `EventLog` that can be looked over and folded."""

    async def notebook_ids(self) -> list[NotebookId]:
        """Return every document that has a log, a deleted one too."""
        ...

    async def summary(self, notebook_id: NotebookId) -> LogSummary:
        """Return what there is of a log; costs its length."""
        ...

    async def checkpoint_seq(self, notebook_id: NotebookId) -> Seq:
        """Return up to where the file is known to hold the document, also of a deleted one."""
        ...

    async def marks(self, notebook_id: NotebookId, after: Seq, limit: int) -> list[Mark]:
        """Return the marks of up to `limit` events above `after`, in order."""
        ...

    async def snapshot_seqs(self, notebook_id: NotebookId, kind: SnapshotKind) -> list[Seq]:
        """Return where there are snapshots of a kind, in order."""
        ...

    async def fold(self, notebook_id: NotebookId, until: Seq, limit: int) -> Seq:
        """Delete up to `limit` of the first events, up to `until`, and return the new first seq.

        Raises:
            Conflict: a snapshot of each kind at `until` is missing, or the file's checkpoint is
                below it; nothing was deleted.
        """
        ...

    async def prune_snapshots(self, notebook_id: NotebookId, limit: int) -> int:
        """Delete up to `limit` snapshots that nothing needs, and return how many."""
        ...


class KeptArtifacts(KeptLog, ArtifactTable, Protocol):
    """A `KeptLog` that knows which artifacts its notebooks need."""
