"""The WebSocket of a room, as jupyter-collaboration's front ends open it.

Close codes: 1003 with a JSON reason where the tab must reload, 4400 for a bad frame, 4403 without
permission, 4404 for no such room, 4410 for a runtime room of old, 4429 for a peer that is too slow,
4500 where the document cannot be opened; 1009 and 1012 as RFC 6455 has them (after 1012 the client
connects again and synchronises).
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Final, Protocol

from jupyter_server.auth.decorator import ws_authenticated
from jupyter_server.base.websocket import WebSocketMixin
from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from jupyter_runt.errors import RuntError, StoreUnavailable
from jupyter_runt.handlers.base import RuntRequest
from jupyter_runt.ids import ActorId
from jupyter_runt.rooms.channel import ChannelClosed
from jupyter_runt.rooms.foreign import holdings
from jupyter_runt.rooms.peer import (
    CLOSE_BAD_FRAME,
    CLOSE_FAILED,
    CLOSE_FORBIDDEN,
    CLOSE_RESTART,
    RoomLimits,
)
from jupyter_runt.rooms.protocol import BadFrame
from jupyter_runt.rooms.room import Room
from jupyter_runt.session.capabilities import Capability

CLOSE_UNKNOWN_SESSION: Final = 1003
CLOSE_NOT_FOUND: Final = 4404
CLOSE_OLD_EPOCH: Final = 4410

RECHECK_EVERY: Final = 3.0
"""Seconds after which Jupyter's authorizer is asked again about a socket that stays open (RM6)."""

MAX_WAITING: Final = 1024
"""Frames that wait for the room; no more are read from the socket meanwhile."""

MAX_REASON: Final = 123
"""Bytes of a close reason (RFC 6455 §5.5)."""

LEAVE_WITHIN: Final = 3.0
"""Seconds for our front end to close a tab that cannot be, with the reason: the stock one has none.

It slows down others, too, that try again at once.
"""

KEPT: Final = "Its history began anew. What you typed is kept."

_CODES: Final = {
    "unknown_session": CLOSE_UNKNOWN_SESSION,
    "stale_epoch": CLOSE_OLD_EPOCH,
    "room_closed": CLOSE_RESTART,
}
_LEAVE_MUCH: Final = frozenset({CLOSE_UNKNOWN_SESSION, CLOSE_NOT_FOUND})
"""Tabs that are closed with these may hold what nobody else has."""

_STOCK_WORDS: Final = frozenset({CLOSE_FAILED, CLOSE_NOT_FOUND})
"""The stock front end says of these what it likes."""

_STATUSES: Final = {403: CLOSE_FORBIDDEN, 404: CLOSE_NOT_FOUND}


class JoinedRoom(Protocol):
    """A room that stays open for us."""

    @property
    def room(self) -> Room[Any]:
        """The room."""
        ...

    @property
    def writable(self) -> bool:
        """Whether any peer may write into it."""
        ...


class Rooms(Protocol):
    """Who finds rooms; `settings["runt_sessions"]`."""

    def room(
        self, room_id: str, session_id: str | None, username: str
    ) -> AbstractAsyncContextManager[JoinedRoom]:
        """Keep a room open for somebody; raises a `RuntError` if there is none for this client."""
        ...

    def is_document(self, room_id: str) -> bool:
        """Tell whether a room's tabs may hold what belongs to a document that there is."""
        ...

    async def rescue(self, room_id: str, update: bytes, actor: ActorId) -> None:
        """Keep what a tab of another history holds; raises BadFrame, or a `RuntError`."""
        ...


class SocketChannel:
    """A WebSocket as a channel."""

    def __init__(self, socket: WebSocketHandler) -> None:
        self._socket = socket
        self._frames: deque[bytes] = deque()
        self._listener: Callable[[bytes], bool] = lambda _frame: False
        self._arrived = asyncio.Event()
        self._taken = asyncio.Event()
        self._closed = False

    def deliver(self, frame: bytes) -> Awaitable[None] | None:
        """Take a frame from the network; to wait for the result holds back the next ones."""
        if not self._frames and self._listener(frame):
            return None
        self._frames.append(frame)
        self._arrived.set()
        return self._wait_for_room() if len(self._frames) >= MAX_WAITING else None

    async def _wait_for_room(self) -> None:
        while len(self._frames) >= MAX_WAITING and not self._closed:
            self._taken.clear()
            await self._taken.wait()

    def lost(self) -> None:
        """Know that the socket is closed; what has arrived can still be received."""
        self._closed = True
        self._arrived.set()
        self._taken.set()

    def listen(self, listener: Callable[[bytes], bool]) -> None:
        """Offer each frame to `listener` as it comes, if none waits."""
        self._listener = listener

    async def receive(self) -> bytes:
        """Return the next frame that the listener did not take."""
        while not self._frames:
            if self._closed:
                raise ChannelClosed
            self._arrived.clear()
            await self._arrived.wait()
        self._taken.set()
        return self._frames.popleft()

    def offer(self, frame: bytes) -> bool:
        """Send a frame if none waits in the socket's buffer."""
        connection = self._socket.ws_connection
        stream = None if connection is None or connection.is_closing() else connection.stream
        if stream is None or stream.writing():
            return False
        sending = self._socket.write_message(frame, binary=True)
        sending.add_done_callback(_let_fail)
        return True

    async def send(self, frame: bytes) -> None:
        """Send a frame; returns when the socket's buffer has it."""
        try:
            await self._socket.write_message(frame, binary=True)
        except WebSocketClosedError:
            raise ChannelClosed from None

    async def close(self, code: int, reason: str) -> None:
        """Close the socket."""
        self._socket.close(code, _shortened(reason))
        self.lost()


class RoomSocket(WebSocketMixin, WebSocketHandler, RuntRequest):
    """`GET /api/collaboration/room/{room_id}?sessionId=`: a peer of a room."""

    def initialize(
        self, recheck_every: float = RECHECK_EVERY, leave_within: float = LEAVE_WITHIN
    ) -> None:
        """Take the route's arguments."""
        super().initialize()
        self._recheck_every = recheck_every
        self._leave_within = leave_within
        self._channel = SocketChannel(self)
        self._may_write = False

    def set_default_headers(self) -> None:
        """Set none: those of a page mean nothing here."""

    def get_compression_options(self) -> dict[str, Any] | None:
        """Return the server's setting; off by default, as typing is too short to gain by it."""
        options: dict[str, Any] | None = self.settings.get("websocket_compression_options")
        return options

    @property
    def max_message_size(self) -> int:
        """The largest frame that a room takes, in bytes."""
        return RoomLimits().frame_bytes

    @ws_authenticated
    async def get(self, room_id: str) -> None:
        """Serve the socket until it closes; 403 without permission to read contents."""
        if not await self.allows(Capability.READ):
            raise HTTPError(403)
        self._may_write = await self.allows(Capability.EDIT)
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            await super().get(room_id)

    def open(self, room_id: str) -> None:
        """Begin to serve: the handshake is done."""
        super().open(room_id)
        self.set_nodelay(True)
        self._tasks.create_task(self._serve(room_id), name=f"peer of {room_id}")

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        """Take a frame; the next is not read before there is room for it."""
        if isinstance(message, str):
            self.close(CLOSE_BAD_FRAME, "frames are binary")
            return None
        return self._channel.deliver(message)

    def on_close(self) -> None:
        """Let the room know."""
        self._channel.lost()

    async def _serve(self, room_id: str) -> None:
        rooms: Rooms = self.settings["runt_sessions"]
        try:
            actor = await self.actor()
            session_id = self.get_query_argument("sessionId", None)
            async with rooms.room(room_id, session_id, self.current_user.username) as joined:
                watch = self._tasks.create_task(self._watch_permission())
                try:
                    await joined.room.serve(
                        self._channel,
                        actor=actor,
                        may_write=lambda: self._may_write and joined.writable,
                    )
                finally:
                    watch.cancel()
        except RuntError as error:
            self.log.info("A peer cannot join %s: %s", room_id, error.message)
            leaves_by = asyncio.get_running_loop().time() + self._leave_within
            farewell = _close_of(error)
            if farewell[0] in _LEAVE_MUCH and self._may_write and rooms.is_document(room_id):
                farewell = await self._rescue(rooms, room_id, error) or farewell
            if farewell[0] in _STOCK_WORDS:
                await self._see_off(leaves_by)
            await self._channel.close(*farewell)
        except Exception:
            self.log.exception("A peer of %s failed.", room_id)
            await self._channel.close(CLOSE_FAILED, "internal error")

    async def _see_off(self, leaves_by: float) -> None:
        """Give a tab the time to leave by itself."""
        with suppress(TimeoutError, ChannelClosed):
            async with asyncio.timeout_at(leaves_by):
                while True:
                    await self._channel.receive()

    async def _rescue(
        self, rooms: Rooms, room_id: str, refusal: RuntError
    ) -> tuple[int, str] | None:
        """Have kept what a tab of another history holds.

        Returns:
            The code and reason to close it with instead, if they are others.
        """
        try:
            update = await holdings(self._channel)
            if update is not None:
                await rooms.rescue(room_id, update, await self.actor())
                return _close_of(refusal, kept=True)
        except BadFrame as error:
            return CLOSE_BAD_FRAME, str(error)
        except StoreUnavailable as error:
            return CLOSE_RESTART, error.message  # it still has it
        except RuntError as error:
            if error.code == "unknown_session":
                return _close_of(error, kept=True)
            self.log.warning("What a tab of %s held is not kept: %s", room_id, error.message)
        except ChannelClosed:
            self.log.info("A tab of %s left before it said what it held.", room_id)
        except Exception:
            self.log.exception("What a tab of %s held is not kept.", room_id)
        return None

    async def _watch_permission(self) -> None:
        while True:
            await asyncio.sleep(self._recheck_every)
            try:
                readable = await self.allows(Capability.READ)
                self._may_write = await self.allows(Capability.EDIT)
            except Exception:
                self.log.exception("The authorizer failed.")
                await self._channel.close(CLOSE_FAILED, "permission cannot be checked")
                return
            if not readable:
                await self._channel.close(CLOSE_FORBIDDEN, "access was revoked")
                return


def _close_of(error: RuntError, *, kept: bool = False) -> tuple[int, str]:
    """Return the close code and reason that tell a client of an error.

    Args:
        kept: what the client held is in the document's history.
    """
    code = _CODES.get(error.code) or _STATUSES.get(error.status, CLOSE_FAILED)
    if code != CLOSE_UNKNOWN_SESSION:
        return code, error.message
    reason: dict[str, Any] = {"reason": "unknown_session", "reloadable": True}
    for key, value in (
        ("kept", kept),
        ("errorReason", KEPT if kept else error.message),
        ("sessionId", error.detail.get("session_id", "")),
    ):
        longer = {**reason, key: value}
        if value and len(_compact(longer)) <= MAX_REASON:
            reason = longer
    return code, _compact(reason)


def _compact(reason: dict[str, Any]) -> str:
    return json.dumps(reason, separators=(",", ":"))


def _let_fail(sending: "asyncio.Future[None]") -> None:
    """Leave it to who receives to learn that the socket was closed."""
    if not sending.cancelled():
        sending.exception()


def _shortened(reason: str) -> str:
    return reason.encode()[:MAX_REASON].decode(errors="ignore")
