"""Edits that are made on a copy of a document, by another Yjs client than the server (EX9)."""

from asyncio import to_thread
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from jupyter_runt.document.shared import FileDocument
from jupyter_runt.events.base import Event
from jupyter_runt.ids import ActorId
from jupyter_runt.rooms.room import Room

DocT = TypeVar("DocT", bound=FileDocument)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Apart(Generic[T]):
    """An edit that the document itself does not have yet."""

    result: T
    """What the edit returned."""
    update: bytes | None
    """What brings it into the document; None where it changed nothing."""


async def make_apart(room: Room[DocT], copy: DocT, edit: Callable[[DocT], T]) -> Apart[T]:
    """Make an edit on an empty document that a room's is copied to.

    Costs the size of the document, in a thread. Raises what `edit` raises, and as `bring`.
    """
    state = await room.read(lambda doc: doc.doc.get_update(), patient=False)

    def on_copy() -> Apart[Any]:
        copy.load([state])
        done = copy.transact(lambda: edit(copy))
        return Apart(done.result, done.update)

    return await to_thread(on_copy)


async def bring(
    room: Room[DocT], made: Apart[Any], actor: ActorId, caused_by: str | None = None
) -> Sequence[Event]:
    """Bring an edit that was made apart into the room; returns when it is in the log.

    Raises:
        StoreUnavailable: the store cannot write; nothing was changed.
    """
    update = made.update
    if update is None:
        return ()
    edited = await room.edit(
        lambda doc: doc.doc.apply_update(update), actor=actor, caused_by=caused_by, patient=False
    )
    return edited.events
