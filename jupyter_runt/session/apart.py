"""Edits that are made on a copy of a document, by another Yjs client than the server (EX9)."""

from asyncio import to_thread
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from jupyter_runt.document.shared import FileDocument
from jupyter_runt.events.base import Event
from jupyter_runt.ids import ActorId
from jupyter_runt.rooms.room import Room

DocT = TypeVar("DocT", bound=FileDocument)
T = TypeVar("T")


TRIES: Final = 5
"""How often an edit is made anew because somebody wrote while it was made."""


class Outdated(Exception):
    """The document is not any more what an edit was made on."""


@dataclass(frozen=True, slots=True)
class Apart(Generic[T]):
    """An edit that the document itself does not have yet."""

    result: T
    """What the edit returned."""
    update: bytes | None
    """What brings it into the document; None where it changed nothing."""
    made_on: tuple[FileDocument, int]
    """The document, and its moment."""


async def edit_apart(
    room: Room[DocT],
    empty: Callable[[], DocT],
    edit: Callable[[DocT], T],
    actor: ActorId,
    caused_by: str | None = None,
) -> Sequence[Event]:
    """Make an edit apart and bring it in, as if nobody had written meanwhile.

    If somebody did, it is made anew: a cell that is moved, or comes back, by two edits that do not
    know of each other is there twice. After `TRIES` of them it is merged with what they wrote.

    Args:
        empty: makes an empty document, of another client than the server.

    Raises as `make_apart`.
    """
    async with room.apart:
        made = await make_apart(room, empty(), edit)
        for _ in range(TRIES):
            try:
                return await bring(room, made, actor, caused_by, exactly=True)
            except Outdated:
                made = await make_apart(room, empty(), edit)
        return await bring(room, made, actor, caused_by)


async def make_apart(room: Room[DocT], copy: DocT, edit: Callable[[DocT], T]) -> Apart[T]:
    """Make an edit on an empty document that a room's is copied to.

    Costs the size of the document, in a thread. Raises what `edit` raises, and as `bring`.
    """
    state, made_on = await room.read(
        lambda doc: (doc.doc.get_update(), (doc, doc.moment)), patient=False
    )

    def on_copy() -> Apart[Any]:
        copy.load([state])
        done = copy.transact(lambda: edit(copy))
        return Apart(done.result, done.update, made_on)

    return await to_thread(on_copy)


async def bring(
    room: Room[DocT],
    made: Apart[Any],
    actor: ActorId,
    caused_by: str | None = None,
    *,
    exactly: bool = False,
) -> Sequence[Event]:
    """Bring an edit that was made apart into the room; returns when it is in the log.

    Args:
        exactly: only if the document is still what the edit was made on.

    Raises:
        Outdated: it is not.
        StoreUnavailable: the store cannot write; nothing was changed.
    """
    update = made.update
    if update is None:
        return ()

    def apply(doc: DocT) -> None:
        if exactly and made.made_on != (doc, doc.moment):
            raise Outdated
        doc.doc.apply_update(update)

    edited = await room.edit(apply, actor=actor, caused_by=caused_by, patient=False)
    return edited.events
