"""What goes through a room's pipeline, and who hears what becomes of it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Generic, Literal, Protocol, TypeVar

from jupyter_runt.document.shared import SharedDocument
from jupyter_runt.errors import RuntError
from jupyter_runt.events.base import Draft, Event
from jupyter_runt.events.codec import document_updated
from jupyter_runt.ids import ActorId
from jupyter_runt.rooms.integration import Attempt, Edit, Integrated
from jupyter_runt.rooms.peer import Peer, RoomLimits

DocT = TypeVar("DocT", bound=SharedDocument)

Health = Literal["ready", "unsaved", "failed"]
"""`unsaved`: the store cannot write, edits are kept in memory. `failed`: the document is lost to
this room; the log is not."""


class RoomClosed(RuntError):
    """The room is closed or failed; open the document again."""

    code = "room_closed"
    status = 503


@dataclass(frozen=True, slots=True)
class Committed:
    """What an edit of the server led to."""

    attempt: Attempt
    edit: Edit | None
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class FromPeer:
    """An update that a peer sent."""

    peer: Peer
    update: bytes
    answers: bool
    """It is a SyncStep2: all that the peer has and we had not."""
    patient: ClassVar[bool] = True

    def fail(self, error: Exception) -> None:
        """Forget it: the peer brings it again."""


@dataclass(frozen=True, slots=True)
class FromServer(Generic[DocT]):
    """An edit by the server's own code."""

    edit: Callable[[DocT], object]
    actor: ActorId
    caused_by: str | None
    done: asyncio.Future[Committed]
    patient: bool = True
    """It waits for a store that cannot write; else it fails then, and nothing is changed."""
    journal_seq: int | None = None

    def fail(self, error: Exception) -> None:
        """Tell who asked for it that it is not made."""
        if not self.done.done():
            self.done.set_exception(error)


@dataclass(frozen=True, slots=True)
class Look(Generic[DocT]):
    """Somebody wants to see the document as the log has it."""

    view: Callable[[DocT], None]
    fail: Callable[[Exception], None]
    patient: bool = True
    """As with edits."""


Item = FromPeer | FromServer[DocT] | Look[DocT]


@dataclass(slots=True)
class Batch:
    """One transaction, or two with the scrub, on its way: into the log, then to everybody."""

    actor: ActorId
    caused_by: str | None
    edits: tuple[Edit, ...]
    author: Peer | None = None
    public: bytes | None = None
    """What everybody but the author is to apply."""
    corrective: bytes | None = None
    """What the author is to apply."""
    received: tuple[int, int] = (0, 0)
    """How many updates of the author went in, and their bytes."""
    journal_seq: int | None = None
    settle: Callable[[tuple[Event, ...]], None] | None = None
    fail: Callable[[Exception], None] | None = None

    def drafts(self) -> list[Draft]:
        """Return the events that it leads to."""
        return [
            Draft(
                payload=document_updated(edit.update, edit.changes, self.journal_seq),
                actor=self.actor,
                caused_by=self.caused_by,
            )
            for edit in self.edits
        ]


@dataclass(slots=True)
class Group:
    """Batches that go into the log together."""

    batches: list[Batch] = field(default_factory=list)
    updates: int = 0
    size: int = 0
    patient: bool = True
    """False where the store's refusal takes it back: then it is one edit alone."""

    def is_full(self, limits: RoomLimits) -> bool:
        """Tell whether it holds the event loop for long enough."""
        return (
            not self.patient
            or self.updates >= limits.batch_updates
            or self.size >= limits.batch_bytes
        )

    def take(self, update: bytes) -> None:
        """Count an update."""
        self.updates += 1
        self.size += len(update)

    def drafts(self) -> list[Draft]:
        """Return the events that it leads to."""
        return [draft for batch in self.batches for draft in batch.drafts()]


class Audience(Protocol):
    """Who the pipeline tells: the room."""

    def may_apply(self, item: FromPeer) -> bool:
        """Tell whether a peer's update may go into the document now."""
        ...

    def integrated(self, item: FromPeer, outcome: Integrated) -> None:
        """Hear what became of a peer's updates, before they are in the log."""
        ...

    def committed(self, batches: Sequence[Batch], events: Sequence[Event]) -> None:
        """Hear what is now in the log, as which events; nothing else was applied since."""
        ...

    def discarded(self) -> None:
        """Hear that an append was refused: peers have what the log has not."""
        ...

    def health_changed(self, health: Health) -> None:
        """Hear how it goes."""
        ...
