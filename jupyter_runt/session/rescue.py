"""Keeping what a tab of another history held, where nobody else has it (RM3)."""

import hashlib
from asyncio import to_thread
from typing import Any, Final

from pycrdt import Map

from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.restore import sound
from jupyter_runt.errors import Compacted, NotebookNotFound
from jupyter_runt.events.document import DocumentUpdated
from jupyter_runt.ids import ActorId, NotebookId, Seq
from jupyter_runt.protocols import EventLog
from jupyter_runt.rooms.foreign import read_holdings
from jupyter_runt.rooms.protocol import BadFrame
from jupyter_runt.session.content import Content as Kind
from jupyter_runt.session.history import Past, pages, past
from jupyter_runt.session.kept import Content, fingerprint, says_nothing
from jupyter_runt.session.open_document import OpenDocument
from jupyter_runt.session.registry import SessionRegistry, UnknownSession
from jupyter_runt.session.version_pages import version_page

LOOKED_AT: Final = 20
"""Versions of the document, its last ones, that a tab's content is compared with."""

MESSAGE: Final = (
    "A tab held a version from another history, which cannot be merged with this one."
    " What it held is kept."
)

_UPDATES: Final = frozenset({DocumentUpdated.event_name})


async def rescue(sessions: SessionRegistry, room_id: str, update: bytes, actor: ActorId) -> bool:
    """Keep what a tab held that may not join a room, beside the document that it is of.

    That is the document of the room, or, where nobody knows the room (the store was lost), the one
    at the path that the tab believes its file to be at.

    Args:
        update: all that the tab holds, as a Yjs update.

    Returns:
        Whether there is such a document.

    Raises:
        UnknownSession: it is under another id now.
        BadFrame: it is no such update.
        RuntError: it could not be kept.
    """
    file_format, kind, notebook_id = room_id.split(":")
    if await sessions.store.get(NotebookId(notebook_id)) is not None:
        async with sessions.use_document(room_id) as document:
            await rescue_into(document, sessions.store, update, actor)
        return True
    path = await to_thread(_path, update)
    if not path:
        return False
    try:
        registration, _ = await sessions.register(path)
    except NotebookNotFound:
        return False
    home = f"{file_format}:{kind}:{registration.notebook_id}"
    async with sessions.use_document(home) as document:
        await rescue_into(document, sessions.store, update, actor)
    raise UnknownSession(
        "The document has another history now.", session_id=registration.history_id
    )


def _path(update: bytes) -> str | None:
    """Return where a tab believes its file to be."""
    state = read_holdings(NotebookDoc(), update).doc.get("state", type=Map)
    path = state.get("path")
    return path if isinstance(path, str) else None


async def rescue_into(
    document: OpenDocument[Any], log: EventLog, update: bytes, actor: ActorId
) -> None:
    """Keep what a tab held, unless the document or its last versions say the same.

    A tab that comes again and again with the same costs nothing after the first time.

    Args:
        update: all that the tab holds, as a Yjs update.

    Raises:
        BadFrame: it is no such update.
        StoreUnavailable: it is not kept.
    """
    name = await to_thread(lambda: hashlib.sha256(update).hexdigest())
    if name in document.kept.rescued:
        return
    found = await to_thread(_read, document.content, update)
    if not says_nothing(found) and not await _is_here(document, log, found):
        await document.kept.keep("foreign_history", MESSAGE, found, actor)
    document.kept.rescued.add(name)


async def _is_here(document: OpenDocument[Any], log: EventLog, found: Content) -> bool:
    """Tell whether the document says, or lately said, the same."""
    digest = await to_thread(fingerprint, found)
    now = await document.room.read(lambda doc: doc.doc.get_update())
    return await to_thread(_says, document.content, [[now]], digest) or await _was(
        document, log, digest
    )


def _says(kind: Kind[Any, Any], steps: list[list[bytes]], digest: str) -> bool:
    """Tell whether a document says, after one of these steps, what has that fingerprint."""
    doc = kind.empty(None)
    for updates in steps:
        doc.load(updates)
        if fingerprint(kind.held_by(doc)) == digest:
            return True
    return False


def _read(kind: Kind[Any, Any], update: bytes) -> Content:
    held = read_holdings(kind.empty(None), update)
    try:
        content = kind.held_by(held)
    except (TypeError, ValueError) as error:
        raise BadFrame("it is no such document") from error
    return content if isinstance(content, str) else sound(content)


async def _was(document: OpenDocument[Any], log: EventLog, digest: str) -> bool:
    """Tell whether one of the last versions of a document said what has that fingerprint."""
    notebook_id = document.registration.notebook_id
    page = await version_page(log, notebook_id, None, LOOKED_AT)
    seqs = sorted(version.seq for version in page.versions)
    if not seqs:
        return False
    steps: list[list[bytes]] = [[] for _ in seqs]
    try:
        first = await past(log, notebook_id, seqs[0])
        await _collect(log, document, first, seqs, steps)
    except Compacted:
        return False  # meanwhile: it is rather kept twice

    return await to_thread(_says, document.content, steps, digest)


async def _collect(
    log: EventLog,
    document: OpenDocument[Any],
    first: Past,
    seqs: list[Seq],
    steps: list[list[bytes]],
) -> None:
    """Put the updates that lead to each of `seqs` from the one before into its step."""
    steps[0] += first.updates
    index = 1
    async for events in pages(log, document.registration.notebook_id, seqs[0], _UPDATES):
        for event in events:
            while index < len(seqs) and event.seq > seqs[index]:
                index += 1
            if index == len(seqs):
                return
            if isinstance(event.payload, DocumentUpdated):
                steps[index].append(event.payload.update)
