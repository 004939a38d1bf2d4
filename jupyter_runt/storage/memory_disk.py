"""What a store in memory writes to."""

from dataclasses import dataclass, field

from jupyter_runt.artifacts import Holding
from jupyter_runt.errors import StoreUnavailable
from jupyter_runt.events.base import Event
from jupyter_runt.ids import NotebookId, Seq
from jupyter_runt.protocols import Lease, LeaseKind, MergeBase, Registration, Snapshot, SnapshotKind
from jupyter_runt.storage.growth import Growth


@dataclass
class MemoryDisk:
    """What outlives a `MemoryStore`: give it to another one, after the first or beside it."""

    logs: dict[NotebookId, list[Event]] = field(default_factory=dict)
    floors: dict[NotebookId, Seq] = field(default_factory=dict)
    snapshots: dict[tuple[NotebookId, SnapshotKind], dict[Seq, Snapshot]] = field(
        default_factory=dict
    )
    documents: dict[NotebookId, Registration] = field(default_factory=dict)
    bases: dict[NotebookId, dict[tuple[str, str], MergeBase]] = field(default_factory=dict)
    artifacts: dict[NotebookId, dict[str, Holding]] = field(default_factory=dict)
    deleted: dict[NotebookId, str] = field(default_factory=dict)
    """When, as events tell times."""
    leases: dict[tuple[NotebookId, LeaseKind], Lease] = field(default_factory=dict)
    fences: dict[tuple[NotebookId, LeaseKind], int] = field(default_factory=dict)
    """The last fence of each lease, released ones too."""
    servers: dict[str, Growth] = field(default_factory=dict)
    """Those that live, and who waits there."""
    failure: StoreUnavailable | None = None
    """Raised by all that writes, while it is set, as a full disk does."""
