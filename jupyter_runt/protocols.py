"""The seams: what a layer needs from another, without knowing who provides it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from jupyter_runt.artifacts import ArtifactTable
from jupyter_runt.events.base import Draft, Event
from jupyter_runt.ids import HistoryId, NotebookId, Seq

SnapshotKind = Literal["document", "runtime"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A projection of a log up to and with `seq`: replay is the snapshot and the events after."""

    seq: Seq
    data: bytes


class LogWatch(Protocol):
    """Hears of one log's growth."""

    async def beyond(self, after: Seq) -> Seq:
        """Wait until a head above `after` was announced, and return it; `after` itself on leaving.

        Raises:
            StoreUnavailable: the store was closed.
        """
        ...

    def tail(self, after: Seq) -> list[Event] | None:
        """Return the events above `after` if every one is at hand, None if they must be read."""
        ...

    def leave(self) -> None:
        """Let go whoever waits: the reader went away."""
        ...


class EventLog(Protocol):
    """One append-only log of events per document.

    An append is durable, and its events readable, before it returns (EL1). Rules EL1 to EL6 hold
    for every implementation: `tests/contracts/test_event_log.py`.
    """

    async def append(
        self, notebook_id: NotebookId, drafts: Sequence[Draft], *, fence: int | None = None
    ) -> list[Event]:
        """Append all of `drafts` or none, and return them with their `seq` and time.

        A caller that is cancelled while it waits does not take the append back: it hears of it when
        the events are in the log, or will never be.

        Args:
            fence: the token of the runtime lease that the writer believes it holds.

        Raises:
            StaleFence: the runtime lease has another fence, or another server took the documents.
            StoreUnavailable: nothing was written; the same append may be tried again.
        """
        ...

    def append_now(self, notebook_id: NotebookId, drafts: Sequence[Draft]) -> list[Event] | None:
        """Append all of `drafts`, which are one or more, without waiting for anything.

        Returns None, with nothing written, where it may take long, or fails: `append` says why.
        """
        ...

    async def read(
        self,
        notebook_id: NotebookId,
        after: Seq,
        *,
        limit: int = 1000,
        names: frozenset[str] | None = None,
    ) -> list[Event]:
        """Return up to `limit` committed events with a `seq` above `after`, in order.

        Args:
            names: only events of these names.

        Raises:
            Compacted: events above `after` were folded into a snapshot.
        """
        ...

    async def caused_by(self, notebook_id: NotebookId, cause: str) -> list[Event]:
        """Return the committed events whose `caused_by` is `cause`, in order.

        Events that were folded into a snapshot are not found.
        """
        ...

    async def head(self, notebook_id: NotebookId) -> Seq:
        """Return the last committed `seq`, 0 for an empty log."""
        ...

    async def first_seq(self, notebook_id: NotebookId) -> Seq:
        """Return the first `seq` that can be read: 1, or what follows the folded events."""
        ...

    async def grown(self, notebook_id: NotebookId, after: Seq) -> Seq:
        """Wait until the log has an event above `after`, and return the head."""
        ...

    def watch(self, notebook_id: NotebookId) -> AbstractContextManager[LogWatch]:
        """Hear of the log's growth: a later `read` returns an event, or the watch announces it."""
        ...

    async def put_snapshot(
        self, notebook_id: NotebookId, kind: SnapshotKind, snapshot: Snapshot
    ) -> None:
        """Keep a snapshot; an older one of the same kind and seq is replaced."""
        ...

    async def snapshot(
        self, notebook_id: NotebookId, kind: SnapshotKind, at: Seq | None = None
    ) -> Snapshot | None:
        """Return the last snapshot of the kind (with a `seq` of at most `at`), if any."""
        ...


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """What the file system knows of a file: next to nothing where contents are not plain files."""

    path: str
    """Root-relative, real and without a leading /."""
    device: int | None = None
    inode: int | None = None
    digest: str | None = None
    """SHA-256 (hex) of the content, when it is known."""
    empty: bool = False
    """The content could be anybody's (no text, no cell with a source): its digest proves little."""
    state: str | None = None
    """What the file system says of a large file as long as its content has the digest."""


@dataclass(frozen=True, slots=True)
class MergeBase:
    """What the file held when another program's change was merged into the document of a room.

    The next change is told from it. It counts from `seq` on; where that is 0, from the event on
    whose `caused_by` names it.
    """

    room_id: str
    digest: str
    state: bytes
    """As a Yjs update of an empty document."""
    seq: Seq


@dataclass(frozen=True, slots=True)
class Registration:
    """A document in the registry."""

    notebook_id: NotebookId
    history_id: HistoryId
    file: FileIdentity
    checkpoint_seq: Seq
    """Everything up to here is in the file as we last read or wrote it; 0 before the first."""
    announced: tuple[str, Seq] | None = None
    """Digest and `seq` of a write since, which may or may not have come about."""


class Registry(Protocol):
    """Which file is which document. Paths are as `FileIdentity` says."""

    async def resolve(self, file: FileIdentity) -> tuple[Registration, bool]:
        """Return the document of a file that exists, and whether it was registered just now.

        The same path is the same document, whatever its inode. A path never seen is a file that was
        moved behind our back if exactly one registered path is gone and fits as ARCHITECTURE's
        Identity says; else, or without a digest, a new document. `checkpointed` alone changes that.
        """
        ...

    async def any_lost(self) -> bool:
        """Tell whether a registered file may be gone, so that the digest of another matters."""
        ...

    async def get(self, notebook_id: NotebookId) -> Registration | None:
        """Return the document of an id, None where there is none or its file was deleted."""
        ...

    async def find(self, path: str) -> Registration | None:
        """Return the document at a path."""
        ...

    async def moved(self, old: str, new: str) -> None:
        """Record that a file, or every file of a folder, was renamed through the contents API.

        What was registered at a path that another file took now counts as deleted.
        """
        ...

    async def deleted(self, path: str) -> None:
        """Record a deletion through the contents API; a new file at the path is a new document."""
        ...

    async def checkpointed(self, notebook_id: NotebookId, file: FileIdentity, seq: Seq) -> None:
        """Record that the file holds the document as of `seq`; its registered path stays.

        What was announced, and what was merged before, is forgotten.

        Raises:
            NotebookNotFound: there never was such a document.
        """
        ...

    async def announce(self, notebook_id: NotebookId, digest: str, seq: Seq) -> None:
        """Record that the file is about to be written, with the document as of `seq`."""
        ...

    async def put_base(self, notebook_id: NotebookId, base: MergeBase) -> None:
        """Keep what a merge was made of until the next checkpoint; with a `seq`, no other one."""
        ...

    async def bases(self, notebook_id: NotebookId, room_id: str) -> list[MergeBase]:
        """Return what was merged into a room's document since the last checkpoint."""
        ...


LeaseKind = Literal["documents", "runtime"]


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write. Each acquisition of the same lease has a larger `fence`."""

    notebook_id: NotebookId
    kind: LeaseKind
    fence: int
    holder: str
    """Server id of the holder."""
    info: dict[str, Any]
    """What others are told, such as the holder's URL."""


class Leases(Protocol):
    """Who may write to a notebook: its documents, and as its runtime."""

    async def acquire(
        self, notebook_id: NotebookId, kind: LeaseKind, info: dict[str, Any]
    ) -> Lease:
        """Take a lease that is free, ours already (with a new fence), or of a dead holder.

        Raises:
            LeaseHeld: another live server holds it; `detail` is its `info`.
        """
        ...

    async def release(self, lease: Lease) -> None:
        """Give a lease back; nothing happens if its fence is no longer the current one."""
        ...

    async def current(self, notebook_id: NotebookId, kind: LeaseKind) -> Lease | None:
        """Return the lease as it stands, its holder alive or not."""
        ...


class Store(EventLog, Registry, Leases, ArtifactTable, AbstractAsyncContextManager[Any], Protocol):
    """Everything that is kept but for the bytes of artifacts, behind one lifetime."""


@dataclass(frozen=True, slots=True)
class KernelMessage:
    """A message from a kernel, as Jupyter's messaging protocol 5.4 defines it."""

    channel: Literal["shell", "iopub", "stdin", "control"]
    msg_type: str
    parent_id: str | None
    """`msg_id` of the request that it answers."""
    content: dict[str, Any]
    metadata: dict[str, Any]
    buffers: tuple[memoryview, ...] = ()
    parent_type: str | None = None
    position: int = 0
    """Its place in the journal of the kernel's agent; 0 where there is none."""
    aside: bool = False
    """It is about a request to a subshell, which is answered whatever the kernel runs."""


class KernelConnection(Protocol):
    """The client side of one kernel, for its whole life, restarts included."""

    def listen(self, listener: Callable[[Sequence[KernelMessage]], None]) -> None:
        """Call `listener`, the only one, with batches in order per channel; it returns at once."""
        ...

    async def ready(self) -> None:
        """Wait until it answers and no output can be missed; raises RuntimeLost if it will not."""
        ...

    def execute(self, msg_id: str, code: str, *, metadata: dict[str, Any] | None = None) -> None:
        """Send an execute_request: history and stdin on, stop_on_error off; `msg_id` is ours.

        A request that a kernel had not taken when it died never reaches its successor.
        """
        ...

    async def evaluate(
        self, expression: str, begun: Callable[[], None], *, aside: bool = False
    ) -> dict[str, Any]:
        """Return the reply to a silent request for an expression's value, named `answer`.

        `begun` is called when the kernel comes to it. Raises RuntimeLost; Conflict if not `aside`.
        """
        ...

    def reply_input(self, value: str) -> None:
        """Answer the pending input_request."""
        ...

    def tell_comm(self, comm_id: str, data: dict[str, Any]) -> None:
        """Send a comm_msg, as the front end of a widget does; heard in a cell where that may be."""
        ...

    def resume(self) -> None:
        """Let an adopted kernel be heard: its journal, requests too, `REPLAYED`, what is new."""
        ...

    @property
    def left(self) -> dict[str, Any]:
        """What an earlier server noted of a kernel that was adopted."""
        ...

    def note(self, note: dict[str, Any]) -> None:
        """Leave something for a server that adopts the kernel, beside what was left before."""
        ...

    def retire(self, position: int) -> None:
        """Note that everything up to a place in the journal is in the log."""
        ...


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel that runs and belongs to one notebook."""

    kernel_id: str
    kernel_name: str
    connection: KernelConnection


class KernelGateway(Protocol):
    """Starts, restarts and stops kernels for notebooks; `execution/gateway.py`.

    What happens to one unasked (a death, the automatic restart) is told to its `RuntimePort`.
    """

    async def start(
        self, path: str, kernel_name: str | None, kernel_id: str, lease: Lease | None = None
    ) -> Kernel:
        """Start a kernel under `kernel_id` for the notebook at `path`, and connect to it.

        Returns when the process runs; `connection.ready()` tells when it answers.

        Args:
            path: API path of the notebook: the kernel's working directory and session name.
            kernel_name: name of a kernelspec, the server's default one if None.
            lease: whose kernel it is; without one, nobody can adopt it.

        Raises:
            RuntimeLost: it could not be started; the message says why.
        """
        ...

    async def adopt(self, path: str, kernel_id: str, lease: Lease) -> Kernel | None:
        """Take over a kernel that a dead server left, unheard until `resume`; None if it is gone.

        Raises RuntimeLost if it lives and could not be taken over: it was ended.
        """
        ...

    def leave(self, kernel_id: str) -> None:
        """Let go of a kernel that was adopted, without ending it."""
        ...

    async def interrupt(self, kernel_id: str) -> None:
        """Interrupt the kernel; raises RuntimeLost if there is no such one."""
        ...

    async def restart(self, kernel_id: str) -> None:
        """Restart the kernel in place: same id, same connection; then await `ready()`.

        Raises RuntimeLost if there is none, or it did not come back.
        """
        ...

    async def stop(self, kernel_id: str) -> None:
        """Shut a kernel down, if it is there, with its connection; no process stays behind."""
        ...
