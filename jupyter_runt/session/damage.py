"""A history that cannot be read costs no notebook: its file begins a new one (EL5)."""

import logging
from asyncio import to_thread
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

from jupyter_runt.document.shared import FileDocument
from jupyter_runt.errors import HistoryDamaged
from jupyter_runt.events.base import Event
from jupyter_runt.events.document import DocumentUpdated
from jupyter_runt.ids import FILE_ACTOR, NotebookId, Seq
from jupyter_runt.protocols import EventLog, Registration
from jupyter_runt.session.content import Content, NotebookContent, TextContent
from jupyter_runt.session.files import is_notebook
from jupyter_runt.session.history import PAGE
from jupyter_runt.session.kept import fingerprint, says_nothing
from jupyter_runt.session.registry import SessionRegistry

log = logging.getLogger(__name__)

MESSAGE: Final = (
    "The history of {} was damaged: it is set aside under the id {}, and the file was opened as it"
    " is. This is what could be read of the history."
)


async def set_aside(sessions: SessionRegistry, damaged: HistoryDamaged) -> Registration:
    """Give the file of a damaged history a new one, and return it; the old log stays as it is.

    What can still be read is kept beside the new history, if the file says something else.

    Raises:
        RuntError: the file is gone or cannot be opened, or the store cannot write.
    """
    notebook_id = NotebookId(damaged.detail["notebook_id"])
    async with sessions.setting_aside:
        known = await sessions.store.get(notebook_id)
        path = damaged.detail["path"] if known is None else known.file.path
        if known is not None:
            log.critical("%s It is set aside under the id %s.", damaged.message, notebook_id)
            await sessions.deleted(path)
        registration, _ = await sessions.register(path)
        if known is not None:
            await _keep(sessions, registration, notebook_id)
    return registration


async def _keep(sessions: SessionRegistry, new: Registration, old: NotebookId) -> None:
    path = new.file.path
    content: Content[Any, Any] = NotebookContent() if is_notebook(path) else TextContent()
    updates = [update async for update in _readable(sessions.store, old)]
    read = await to_thread(lambda: content.held_by(_made_of(updates, content)))
    async with sessions.use_document(content.room_id(new.notebook_id)) as document:
        now = await document.room.read(content.held_by)
        held = await sessions.store.held(old)
        await sessions.store.hold(new.notebook_id, [each.artifact for each in held.values()])
        if not says_nothing(read) and fingerprint(read) != fingerprint(now):
            message = MESSAGE.format(path, old)
            await document.kept.keep("foreign_history", message, read, FILE_ACTOR)


async def _readable(store: EventLog, notebook_id: NotebookId) -> AsyncIterator[bytes]:
    """Yield the updates of a log that can be read, or of its last snapshot on if it was folded."""
    after = Seq(0)
    if await store.first_seq(notebook_id) > 1:
        snapshot = await store.snapshot(notebook_id, "document")
        if snapshot is None:
            return
        after = snapshot.seq
        yield snapshot.data
    head = await store.head(notebook_id)
    while after < head:
        for event in await _page(store, notebook_id, after):
            if isinstance(event.payload, DocumentUpdated):
                yield event.payload.update
        after = Seq(after + PAGE)


async def _page(store: EventLog, notebook_id: NotebookId, after: Seq) -> list[Event]:
    try:
        return await store.read(notebook_id, after, limit=PAGE)
    except (LookupError, ValueError):
        pass  # one of them is damaged: look at each alone
    events: list[Event] = []
    for before in range(after, after + PAGE):
        try:
            events += await store.read(notebook_id, Seq(before), limit=1)
        except (LookupError, ValueError):
            continue
    return events


def _made_of(updates: Iterable[bytes], content: Content[Any, Any]) -> FileDocument:
    """Return what those updates make that are sound."""
    document: FileDocument = content.empty(None)
    sound: list[bytes] = []
    for update in updates:
        try:
            document.apply([update])
        except ValueError:  # it spoils the document
            document = content.empty(None)
            document.apply(sound)
        else:
            sound.append(update)
    return document
