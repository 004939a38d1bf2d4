"""Requests that come before everything is open wait for it here."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from jupyter_runt.errors import HistoryDamaged, RuntError, StoreUnavailable
from jupyter_runt.handlers.calm import Calm
from jupyter_runt.handlers.room_events import RoomEvents
from jupyter_runt.ids import ActorId
from jupyter_runt.rooms.work import RoomClosed
from jupyter_runt.session.damage import set_aside
from jupyter_runt.session.registry import RoomLease, SessionRegistry, UnknownSession
from jupyter_runt.session.rescue import rescue

log = logging.getLogger(__name__)

MAX_HOMELESS: Final = 1000


class Opening:
    """The open documents of the server, from the moment at which they can be opened."""

    def __init__(self) -> None:
        self.calm = Calm()
        self._events: RoomEvents | None = None
        self._settled = asyncio.Event()
        self._homeless: set[str] = set()
        """Rooms whose tabs come again and again, and hold what belongs nowhere."""
        self._ending = asyncio.Event()
        self._sessions: SessionRegistry | None = None
        self._task: asyncio.Task[None] | None = None
        self._error: BaseException | None = None

    def tell(self, emit: Callable[..., Any], linger: float) -> None:
        """Have other extensions hear of rooms; see `RoomEvents`."""
        self._events = RoomEvents(emit, linger)

    def begin(self, serving: Coroutine[Any, Any, None]) -> None:
        """Run the coroutine that opens everything, and then awaits `serve`."""
        self._task = asyncio.create_task(serving, name="jupyter_runt")
        self._task.add_done_callback(self._ended)

    async def serve(self, sessions: SessionRegistry) -> None:
        """Let requests through until `end`."""
        self._sessions = sessions
        self._settled.set()
        await self._ending.wait()
        self._sessions = None

    async def end(self) -> None:
        """Have everything closed, and return when it is."""
        self._ending.set()
        if self._events is not None:
            self._events.close()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def sessions(self) -> SessionRegistry:
        """Return the open documents.

        Raises:
            StoreUnavailable: they could not be opened; the message says why.
            RoomClosed: the server is stopping.
        """
        await self._settled.wait()
        if self._ending.is_set():
            raise RoomClosed("The server is stopping.")
        if self._sessions is None:
            reason = f": {self._error}" if self._error else "."
            raise StoreUnavailable(f"jupyter-runt is not running{reason}")
        return self._sessions

    @asynccontextmanager
    async def room(
        self, room_id: str, session_id: str | None, username: str
    ) -> AsyncIterator[RoomLease]:
        """Keep a room open for a tab; raises as `SessionRegistry.room`.

        A document whose history is damaged has another one when a tab comes the next time.
        """
        sessions = await self.sessions()
        try:
            async with AsyncExitStack() as stack:
                with self.calm.opening():
                    lease = await stack.enter_async_context(sessions.room(room_id, session_id))
                if self._events is not None and lease.path is not None:
                    stack.enter_context(self._events.tab(room_id, lease.path, username))
                yield lease
        except HistoryDamaged as error:
            new = await set_aside(sessions, error)
            raise UnknownSession(error.message, session_id=new.history_id) from error

    def is_document(self, room_id: str) -> bool:
        """Tell whether a room's tabs may hold what belongs to a document that there is."""
        return room_id.count(":") == 2 and room_id not in self._homeless

    async def rescue(self, room_id: str, update: bytes, actor: ActorId) -> None:
        """Keep what a tab that may not join holds; raises as `rescue`."""
        if not await rescue(await self.sessions(), room_id, update, actor):
            if len(self._homeless) >= MAX_HOMELESS:
                self._homeless.clear()
            self._homeless.add(room_id)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._sessions = None
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = _only(error)
            explained = isinstance(self._error, RuntError)
            log.error(
                "jupyter-runt stopped working: %s",
                self._error,
                exc_info=None if explained else error,
            )
        self._settled.set()


def _only(error: BaseException) -> BaseException:
    """Return what went wrong in groups of tasks, if it is one thing."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
