"""Documents as `jupyter_ydoc`'s classes, for extensions that were written for jupyter-server-ydoc.

A live one is a peer of its room: what the extension changes goes the way of every peer's edits.
"""

import asyncio
import logging
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Final, Self
from weakref import WeakValueDictionary, finalize

from jupyter_ydoc.ybasedoc import YBaseDoc
from pycrdt import Doc

from jupyter_runt.document.ydocs import is_registered, ydoc_class, ydoc_class_without_undo
from jupyter_runt.errors import RuntError
from jupyter_runt.ids import extension_actor
from jupyter_runt.rooms.peer import CLOSE_RESTART, CLOSE_TOO_SLOW
from jupyter_runt.rooms.replica import Replica
from jupyter_runt.session.hosting import cancelled_at_exit
from jupyter_runt.session.registry import SessionRegistry

log = logging.getLogger(__name__)

SETTLE_SECONDS: Final = 5.0
"""How long the last edits of a document that was let go of may take."""

REJOIN_SECONDS: Final = 1.0

Key = tuple[str, str]
"""A room, and the extension that has its document; empty where all share one."""


class LiveDocuments:
    """The documents that extensions hold.

    A live document keeps its room open as long as somebody holds the object, and `linger` seconds
    after: its parts may be in use without it.
    """

    def __init__(self, sessions: SessionRegistry, *, linger: float) -> None:
        self._sessions = sessions
        self._linger = linger
        self._held: WeakValueDictionary[Key, YBaseDoc] = WeakValueDictionary()
        self._opening: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()
        self._lifetime = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Begin to keep documents in step."""
        self._tasks = await self._lifetime.enter_async_context(cancelled_at_exit())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Bring in the last edits, and let go of every document."""
        await self._lifetime.__aexit__(kind, error, traceback)

    async def copy(self, room_id: str) -> YBaseDoc:
        """Return a document of its own with what the room's has now.

        Raises:
            RuntError: it cannot be opened.
        """
        async with self._sessions.use_document(room_id) as document:
            state = await document.room.read(lambda shared: shared.doc.get_update())
        doc: Doc[Any] = Doc()
        doc.apply_update(state)
        return ydoc_class(_kind(room_id))(doc)

    async def live(self, room_id: str, extension: str) -> YBaseDoc:
        """Return the extension's document in a room: the same object as long as it is held.

        Documents of registered kinds are one object for all extensions, and all act as the first
        of them: such a class does the server's part of the work, which must not be done twice.

        Raises:
            RuntError: it cannot be opened.
        """
        key = (room_id, "" if is_registered(_kind(room_id)) else extension)
        lock = self._opening.setdefault(key, asyncio.Lock())
        async with lock:
            held = self._held.get(key)
            if held is None:
                held = self._held[key] = await self._join(key, extension)
            return held

    async def _join(self, key: Key, extension: str) -> YBaseDoc:
        room_id, _ = key
        released = asyncio.Event()
        async with self._sessions.use_document(room_id):
            replica = Replica(Doc())
            # Before it has content, as in jupyter-server-ydoc: some classes watch it come in.
            ydoc = ydoc_class_without_undo(_kind(room_id))(replica.doc, replica.awareness)
            keeping = self._keep(key, extension, replica, released)
            task = self._tasks.create_task(keeping, name=f"{extension} in {room_id}")
            try:
                await replica.synced.wait()
            except BaseException:
                task.cancel()
                raise
        if ydoc.dirty:
            ydoc.dirty = False  # some say at first that they are, and wait for this
        finalize(ydoc, _release, asyncio.get_running_loop(), released).atexit = False
        return ydoc

    async def _keep(
        self, key: Key, extension: str, replica: Replica, released: asyncio.Event
    ) -> None:
        """Be in the room until the document is let go of, or the room is lost."""
        try:
            async with cancelled_at_exit() as tasks:
                staying = tasks.create_task(self._stay(key[0], extension, replica))
                letting_go = tasks.create_task(released.wait())
                try:
                    await asyncio.wait((staying, letting_go), return_when=asyncio.FIRST_COMPLETED)
                    if not staying.done():
                        await asyncio.wait((staying,), timeout=self._linger)
                finally:
                    await replica.settled(SETTLE_SECONDS)
        finally:
            if not released.is_set():
                self._held.pop(key, None)
            replica.synced.set()
            replica.close()

    async def _stay(self, room_id: str, extension: str, replica: Replica) -> None:
        actor = extension_actor(extension)
        try:
            while True:
                async with self._sessions.use_document(room_id) as document:
                    code, reason = await replica.join(document.room, actor)
                if code not in (CLOSE_RESTART, CLOSE_TOO_SLOW):
                    log.error("%s was put out of %s: %s", extension, room_id, reason)
                    return
                await asyncio.sleep(REJOIN_SECONDS)
        except RuntError as error:
            log.warning("%s lost %s: %s", extension, room_id, error.message)


def _kind(room_id: str) -> str:
    return room_id.partition(":")[2].partition(":")[0]


def _release(loop: asyncio.AbstractEventLoop, released: asyncio.Event) -> None:
    """Tell that an object is gone; whoever collects it may be in any thread."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(released.set)
