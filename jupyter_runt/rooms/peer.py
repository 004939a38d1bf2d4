"""One connection to a room: what waits to be sent to it, and how it ends."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from jupyter_runt.ids import ActorId
from jupyter_runt.rooms.channel import Channel

CLOSE_NORMAL: Final = 1000
CLOSE_TOO_BIG: Final = 1009
CLOSE_RESTART: Final = 1012
"""Reconnect and synchronise again: what the peer knows may not be what the log holds."""
CLOSE_BAD_FRAME: Final = 4400
CLOSE_FORBIDDEN: Final = 4403
CLOSE_TOO_SLOW: Final = 4429
CLOSE_FAILED: Final = 4500


@dataclass(frozen=True, slots=True)
class RoomLimits:
    """What a room bears before it protects itself."""

    frame_bytes: int = 32 * 2**20
    """Of a frame from a peer."""
    awareness_bytes: int = 2**20
    """Of an awareness update from a peer: everybody gets a copy."""
    outbox_frames: int = 4096
    """That wait for a slow peer; with one more it is closed."""
    outbox_bytes: int = 32 * 2**20
    """The same in bytes. The answer to its SyncStep1 does not count: a document may be large."""
    inbox_updates: int = 4096
    """Of one peer that wait for the log; the room reads no more from it meanwhile."""
    inbox_bytes: int = 32 * 2**20
    """The same in bytes."""
    batch_updates: int = 512
    """That are applied and committed at once: bounds how long the event loop is held."""
    batch_bytes: int = 2**20
    """The same in bytes; a single larger update is a batch of its own."""
    requests: int = 32
    """Of one peer, for a sync or a save, that may be unanswered at once."""
    publish_interval: float = 0.1
    """Seconds between two states that the server publishes."""
    renew_interval: float = 12.0
    """Seconds until the server says its state again: peers forget one after 30 s of silence."""
    retry_first: float = 0.05
    """Seconds before an append that the store could not take is tried again; it doubles."""
    retry_last: float = 5.0
    """The longest pause between two tries."""
    shutdown: float = 5.0
    """Seconds that the last appends may take when the room closes."""


class PeerState(Enum):
    """The life of a peer."""

    JOINED = "joined"
    """It has our SyncStep1, and gets awareness alone: updates would come before what they need."""
    LIVE = "live"
    """Its SyncStep1 was answered, so it gets every update."""
    GONE = "gone"
    """It ended, by itself or by us."""


class Peer:
    """A connection, as the room sees it."""

    def __init__(
        self,
        channel: Channel,
        actor: ActorId,
        may_write: Callable[[], bool],
        limits: RoomLimits,
    ) -> None:
        self.channel = channel
        self.actor = actor
        self.may_write = may_write
        self.state = PeerState.JOINED
        self.refused = False
        """An update of it broke a rule: those after it are not applied."""
        self.owes_step2 = True
        """It has not yet answered the last SyncStep1."""
        self.asked_again = False
        """It was asked for missing predecessors."""
        self._requests = 0
        self.ended: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        self._limits = limits
        self._outbox: deque[tuple[bytes, int]] = deque()
        self._outbox_bytes = 0
        self._filled = asyncio.Event()
        self._drained = False
        self._inbox_updates = 0
        self._inbox_bytes = 0
        self._emptied = asyncio.Event()

    def put(self, frame: bytes, *, counted: bool = True) -> None:
        """Send a frame, or queue it; a peer that lets too much pile up is ended instead."""
        if self.state is PeerState.GONE:
            return
        if self._drained and not self._outbox and self.channel.offer(frame):
            return
        limits = self._limits
        if len(self._outbox) >= limits.outbox_frames or self._outbox_bytes > limits.outbox_bytes:
            self.end(CLOSE_TOO_SLOW, "too slow")
            return
        size = len(frame) if counted else 0
        self._outbox.append((frame, size))
        self._outbox_bytes += size
        self._filled.set()

    async def drain(self) -> None:
        """Send what is queued, for ever.

        Raises:
            ChannelClosed: nobody listens any more.
        """
        while True:
            while self._outbox:
                frame, size = self._outbox.popleft()
                self._outbox_bytes -= size
                await self.channel.send(frame)
            self._filled.clear()
            self._drained = True
            await self._filled.wait()
            self._drained = False

    def end(self, code: int, reason: str) -> None:
        """Let the peer go with a close code; nothing happens the second time."""
        if self.state is not PeerState.GONE:
            self.state = PeerState.GONE
            self._outbox.clear()
            if not self.ended.done():  # it is cancelled with who waits for it
                self.ended.set_result((code, reason))

    def refuse(self, code: int, reason: str) -> None:
        """End a peer that broke a rule, and apply nothing more of it."""
        self.refused = True
        self.end(code, reason)

    def begin_request(self) -> bool:
        """Count a request that is not yet answered; False if that ends the peer."""
        if self._requests >= self._limits.requests:
            self.end(CLOSE_TOO_SLOW, "too many requests at once")
            return False
        self._requests += 1
        return True

    def end_request(self) -> None:
        """Count a request that is answered."""
        self._requests -= 1

    @property
    def flooded(self) -> bool:
        """Whether too much of it waits for the log."""
        limits = self._limits
        return (
            self._inbox_updates >= limits.inbox_updates or self._inbox_bytes >= limits.inbox_bytes
        )

    async def calm(self) -> None:
        """Wait until it is flooded no more."""
        while self.flooded:
            self._emptied.clear()
            await self._emptied.wait()

    def received(self, size: int) -> None:
        """Count an update that waits for the log."""
        self._inbox_updates += 1
        self._inbox_bytes += size

    def settled(self, updates: int, size: int) -> None:
        """Count updates that wait no more, and their bytes."""
        self._inbox_updates -= updates
        self._inbox_bytes -= size
        self._emptied.set()
