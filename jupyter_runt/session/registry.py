"""Which documents are open, and how a path, an id or a room id leads to one."""

import asyncio
import logging
from asyncio import to_thread
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Self

from jupyter_runt.document.shared import EmptyDocument, SharedDocument
from jupyter_runt.document.ydocs import text_kind
from jupyter_runt.errors import Conflict, NotebookNotFound, RuntError
from jupyter_runt.ids import NotebookId
from jupyter_runt.protocols import Registration, Store
from jupyter_runt.rooms.room import Room
from jupyter_runt.session.artifacts import Artifacts
from jupyter_runt.session.content import is_blank
from jupyter_runt.session.document_leases import DocumentLeases
from jupyter_runt.session.files import Files, is_within, require_notebook
from jupyter_runt.session.forks import Forks
from jupyter_runt.session.hosting import cancelled_at_exit
from jupyter_runt.session.notebook_session import NotebookSession
from jupyter_runt.session.open_document import OpenDocument
from jupyter_runt.session.pool import Pool

log = logging.getLogger(__name__)

GLOBAL_AWARENESS: Final = "JupyterLab:globalAwareness"
_Moving = NotebookSession | OpenDocument[Any]
LOOK_EVERY: Final = 2.0
"""Seconds between looks for documents that nobody needs."""


class UnknownRoom(NotebookNotFound):
    """No room has that id."""


class StaleEpoch(Conflict):
    """The runtime room was rebuilt under another id: ask the API for it again."""

    code = "stale_epoch"


class UnknownSession(Conflict):
    """The client holds another history of the document: it must not merge (RM3)."""

    code = "unknown_session"


@dataclass(frozen=True, slots=True)
class RoomLease:
    """A room that stays open as long as the lease is held."""

    room: Room[Any]
    writable: bool
    """Whether peers may write at all, given the permission."""
    path: str | None = None
    """Where its file is, if it is a document's."""


class SessionRegistry:
    """Every open document of this server."""

    def __init__(
        self,
        store: Store,
        files: Files,
        make_session: Callable[[Registration], NotebookSession],
        make_text: Callable[[Registration, str], OpenDocument[Any]],
        *,
        artifacts: Artifacts,
        lease_info: dict[str, Any],
        free_after: float,
    ) -> None:
        self.store = store
        self.artifacts = artifacts
        self.files = files
        self._make_session = make_session
        self._make_text = make_text
        self._leases = DocumentLeases(store, lease_info)
        self._group = asyncio.TaskGroup()
        self._notebooks = Pool(self._group, self._open_notebook, free_after)
        self._texts = Pool(self._group, self._open_text, free_after)
        self._moving: list[_Moving] = []
        """Who has to hear where their files go, from before they count as open."""
        self.setting_aside = asyncio.Lock()
        self.forks = Forks(self._group, free_after)
        self._global: Room[SharedDocument] = Room(GLOBAL_AWARENESS, load=_nothing, commit=None)
        self._lifetime = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Begin to free what nobody needs."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._group)
            await stack.enter_async_context(self._global)
            stack.push_async_callback(self._close_all)
            tasks = await stack.enter_async_context(cancelled_at_exit())
            tasks.create_task(self._free_idle(), name="free idle documents")
            self._lifetime = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Save and close everything."""
        await self._lifetime.__aexit__(kind, error, traceback)

    async def _close_all(self) -> None:
        """Close everything at once: each may have to wait for the store."""
        await asyncio.gather(self.forks.close(), self._notebooks.close(), self._texts.close())

    async def _free_idle(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            await self._forsake(await self._leases.taken())
            for pool in (self._notebooks, self._texts, self.forks):
                await pool.close_idle()

    # which document is it

    async def register(self, path: str) -> tuple[Registration, bool]:
        """Return the document at an API path, and whether it was unknown until now.

        Raises:
            NotebookNotFound, FileUnreadable: there is no such file, or it cannot be read.
        """
        identity = await self.files.identify(path)
        known = await self.store.find(identity.path)
        if known is not None:
            return known, False
        content = await self.files.read(path, hashed=False)
        if content.identity.digest is None and await self.store.any_lost():
            content = await to_thread(content.hashed)  # it may tell that it was moved here
        blank = await to_thread(is_blank, content)
        found, new = await self.store.resolve(replace(content.identity, empty=blank))
        for document in list(self._moving):
            ours = document.registration.notebook_id == found.notebook_id
            if ours and document.path != found.file.path:
                await document.moved(found.file.path)
        return found, new

    def _text_keys(self, notebook_id: NotebookId) -> list[str]:
        return [key for key in self._texts.keys() if _id_of(key) == notebook_id]  # noqa: SIM118

    async def registered(self, notebook_id: NotebookId) -> Registration:
        """Return the document of an id.

        Raises:
            NotebookNotFound: nobody ever opened it here, or it was deleted.
        """
        registration = await self.store.get(notebook_id)
        if registration is None:
            raise NotebookNotFound(f"There is no notebook {notebook_id}.")
        return registration

    async def registered_notebook(self, notebook_id: NotebookId) -> Registration:
        """Return the notebook of an id; raises as `registered`, and NotANotebook."""
        registration = await self.registered(notebook_id)
        require_notebook(registration.file.path)
        return registration

    # open documents

    def notebooks(self) -> list[NotebookSession]:
        """Return the sessions of the open notebooks."""
        return self._notebooks.open_ones()

    def use(self, notebook_id: NotebookId) -> AbstractAsyncContextManager[NotebookSession]:
        """Keep a notebook's session open; raises NotebookNotFound or NotANotebook."""
        return self._notebooks.use(notebook_id)

    @asynccontextmanager
    async def use_path(self, path: str) -> AsyncIterator[NotebookSession]:
        """Keep open the session of the notebook at an API path.

        Raises:
            NotebookNotFound, FileUnreadable: as `register`.
            NotANotebook: the file is of another kind.
        """
        registration, _ = await self.register(path)
        require_notebook(path)
        async with self.use(registration.notebook_id) as session:
            yield session

    @asynccontextmanager
    async def _open_notebook(self, key: str) -> AsyncIterator[NotebookSession]:
        registration = await self.registered_notebook(NotebookId(key))
        async with (
            self._leases.held(registration.notebook_id),
            self._make_session(registration) as session,
            self._told_of_moves(registration.notebook_id, session),
        ):
            yield session

    @asynccontextmanager
    async def _open_text(self, key: str) -> AsyncIterator[OpenDocument[Any]]:
        registration = await self.registered(_id_of(key))
        kind = key.partition(":")[0]
        await self.claim_kind(registration, kind)
        async with (
            self._leases.held(registration.notebook_id),
            self._make_text(registration, kind) as text,
            self._told_of_moves(registration.notebook_id, text),
        ):
            yield text

    @asynccontextmanager
    async def _told_of_moves(
        self, notebook_id: NotebookId, document: _Moving
    ) -> AsyncIterator[None]:
        """Tell a document where its file went while it opened, and from now on."""
        self._moving.append(document)
        try:
            known = await self.store.get(notebook_id)
            if known is not None and known.file.path != document.path:
                await document.moved(known.file.path)
            yield
        finally:
            self._moving.remove(document)

    async def claim_kind(self, registration: Registration, kind: str) -> None:
        """Refuse to open a file in two ways at once; what nobody needs any more is closed.

        Args:
            kind: `notebook`, or what a text file is opened as.

        Raises:
            Conflict: it is open in another way.
        """
        notebook_id = registration.notebook_id
        own = None if kind == "notebook" else f"{text_kind(kind)}:{notebook_id}"
        for key in self._text_keys(notebook_id):
            if key != own and not await self._texts.vacate(key):
                raise _open_otherwise(registration, "text")
        session = self._notebooks.get(notebook_id)
        if own is None or session is None or not session.has_document:
            return
        if not await self._notebooks.vacate(notebook_id):
            raise _open_otherwise(registration, "a notebook")

    @asynccontextmanager
    async def room(self, room_id: str, session_id: str | None) -> AsyncIterator[RoomLease]:
        """Keep the room of an id open.

        Raises:
            UnknownRoom: there is none, or its document is gone.
            UnknownSession: `session_id` is of another history.
            StaleEpoch: the runtime room has another id now.
            RuntError: the document cannot be opened.
        """
        match room_id.split(":"):
            case ["JupyterLab", _] if room_id == GLOBAL_AWARENESS:
                yield RoomLease(self._global, writable=False)  # nothing in it is in a log
            case ["runt", "runtime", notebook_id, _]:
                async with self.use(NotebookId(notebook_id)) as session:
                    if session.writer.room.room_id != room_id:
                        raise StaleEpoch("The runtime room has another id now.")
                    session.writer.show()  # who comes sees what the API says
                    yield RoomLease(session.writer.room, writable=False)
            case [_, _, notebook_id]:
                await self._check_history(notebook_id, session_id)
                async with self.use_document(room_id) as document:
                    yield RoomLease(document.room, writable=True, path=document.path)
            case [fork_id]:
                async with self.forks.use(fork_id) as fork:
                    await self._check_history(fork.notebook_id, session_id)
                    await fork.catch_up()
                    yield RoomLease(fork.room, writable=True)
            case _:
                raise UnknownRoom(f"There is no room {room_id}.")

    @asynccontextmanager
    async def use_document(self, room_id: str) -> AsyncIterator[OpenDocument[Any]]:
        """Keep open the document of a room.

        Raises:
            UnknownRoom: the room is not a document's, or the document is gone.
            RuntError: it cannot be opened.
        """
        match room_id.split(":"):
            case ["json", "notebook", notebook_id]:
                async with self.use(NotebookId(notebook_id)) as session:
                    yield await session.document()
            case ["text", kind, notebook_id]:
                async with self._texts.use(f"{text_kind(kind)}:{notebook_id}") as text:
                    yield text
            case _:
                raise UnknownRoom(f"There is no document in room {room_id}.")

    def is_open(self, room_id: str) -> bool:
        """Tell whether the document of a room is open."""
        match room_id.split(":"):
            case ["json", "notebook", notebook_id]:
                session = self._notebooks.get(notebook_id)
                return session is not None and session.has_document
            case ["text", kind, notebook_id]:
                return self._texts.get(f"{text_kind(kind)}:{notebook_id}") is not None
        return False

    async def _check_history(self, notebook_id: str, session_id: str | None) -> None:
        registration = await self.registered(NotebookId(notebook_id))
        if session_id != registration.history_id:
            raise UnknownSession(
                "This tab holds another history of the document.",
                session_id=registration.history_id,
            )

    # the contents API told us

    async def moved(self, old: str, new: str) -> None:
        """Follow a file or folder to its new path."""
        known = await self._known_as_moved(old, new)
        if not known:
            await self.store.moved(old, new)
        for document in list(self._moving):
            if is_within(document.path, old):
                await document.moved(new + document.path.removeprefix(old))
        if not known:  # last, as it asks the store for each document that is open
            await self._close_gone()

    async def found(self, old: str, new: str) -> bool:
        """Follow a file that was moved behind our back, unless its new place is another's."""
        if await self.store.find(new) is not None:
            return False
        await self.moved(old, new)
        return True

    async def deleted(self, path: str) -> None:
        """Close the documents of a deleted file or folder; their logs stay."""
        await self.store.deleted(path)
        await self._close_gone()

    async def _known_as_moved(self, old: str, new: str) -> bool:
        """Tell whether somebody opened the file at its new path before we heard of the move."""
        known = await self.store.find(new)
        if known is None or await self.store.find(old) is not None:
            return False
        try:
            file = await self.files.identify(new)
        except RuntError:
            return False
        return (file.device, file.inode) == (known.file.device, known.file.inode)

    async def _close_gone(self) -> None:
        """Close the documents whose file was deleted, or taken over by another document."""
        opened = {NotebookId(key) for key, _ in self._notebooks.open_by_key()}
        opened |= {_id_of(key) for key, _ in self._texts.open_by_key()}
        await self._forsake({each for each in opened if await self.store.get(each) is None})
        await self._forget_forks()

    async def _forsake(self, notebook_ids: set[NotebookId]) -> None:
        """Close documents whose files are not ours to write any more."""
        for key, session in self._notebooks.open_by_key():
            if key in notebook_ids:
                session.forsake()
                await self._notebooks.close_one(key)
        for key, text in self._texts.open_by_key():
            if _id_of(key) in notebook_ids:
                text.forsake()
                await self._texts.close_one(key)

    async def _forget_forks(self) -> None:
        """Close the forks of documents that are gone."""
        for notebook_id in self.forks.roots():
            if await self.store.get(notebook_id) is None:
                await self.forks.remove_all_of({notebook_id})

    def status(self) -> dict[str, Any]:
        """Return how much is open."""
        notebooks = self.notebooks()
        return {
            "store": type(self.store).__name__.removesuffix("Store").lower(),
            "notebooks": len(notebooks),
            "runtimes": sum(session.runtime.alive for session in notebooks),
            "rooms": 1
            + len(notebooks)
            + sum(session.has_document for session in notebooks)
            + len(self._texts.open_ones())
            + len(self.forks),
        }


def _id_of(text_key: str) -> NotebookId:
    """Return the document of a key `kind:id`."""
    return NotebookId(text_key.partition(":")[2])


def _open_otherwise(registration: Registration, how: str) -> Conflict:
    path = registration.file.path
    return Conflict(f"{path} is open as {how}: close that view first.", path=path)


async def _nothing() -> SharedDocument:
    return EmptyDocument()
