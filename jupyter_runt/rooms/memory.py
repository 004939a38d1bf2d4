"""Channels without a network: both ends in one process, delivery when the test says so."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Self

from jupyter_runt.rooms.channel import ChannelClosed

CAPACITY: Final = 1024
"""Frames on the way that a sender need not wait for, as a socket's buffer."""


class MemoryChannel:
    """One end of a pair. What it sends is on the way until `flush` delivers it.

    `automatic` ends deliver at once. `closed` is the close code and reason, from either side.
    """

    def __init__(self, *, automatic: bool, capacity: int) -> None:
        self.closed: tuple[int, str] | None = None
        self._automatic = automatic
        self._capacity = capacity
        self._other = self
        self._sent: deque[bytes] = deque()
        self._received: deque[bytes] = deque()
        self._listener: Callable[[bytes], bool] = lambda _frame: False
        self._changed = asyncio.Event()

    @classmethod
    def pair(cls, *, automatic: bool = False, capacity: int = CAPACITY) -> tuple[Self, Self]:
        """Return two connected ends."""
        one = cls(automatic=automatic, capacity=capacity)
        other = cls(automatic=automatic, capacity=capacity)
        one._other, other._other = other, one
        return one, other

    @property
    def sent(self) -> tuple[bytes, ...]:
        """What is on the way from this end, the oldest first."""
        return tuple(self._sent)

    @property
    def waiting(self) -> int:
        """How many frames were delivered to this end and not yet received."""
        return len(self._received)

    def flush(self, count: int | None = None) -> int:
        """Deliver the first `count` frames (all, by default); return how many there were."""
        size = len(self._sent) if count is None else min(count, len(self._sent))
        frames = [self._sent.popleft() for _ in range(size)]
        for frame in frames:
            self._other._arrive(frame)
        self._wake()
        return len(frames)

    def cut(self) -> None:
        """Lose the connection, and with it everything on the way and not yet received."""
        for end in (self, self._other):
            end._sent.clear()
            end._received.clear()
        self._end(1006, "cut")

    def listen(self, listener: Callable[[bytes], bool]) -> None:
        """Offer each frame that is delivered to this end, if none waits."""
        self._listener = listener

    def _arrive(self, frame: bytes) -> None:
        if self._received or not self._listener(frame):
            self._received.append(frame)

    async def receive(self) -> bytes:
        """Return the next frame that was delivered to this end."""
        while not self._received:
            if self.closed is not None:
                raise ChannelClosed
            self._changed.clear()
            await self._changed.wait()
        frame = self._received.popleft()
        self._wake()
        return frame

    def offer(self, frame: bytes) -> bool:
        """Send a frame if fewer than `capacity` are on the way."""
        if self.closed is not None or self._on_the_way() >= self._capacity:
            return False
        self._put(frame)
        return True

    async def send(self, frame: bytes) -> None:
        """Send a frame, as soon as fewer than `capacity` are on the way."""
        while self.closed is None and self._on_the_way() >= self._capacity:
            self._changed.clear()
            await self._changed.wait()
        if self.closed is not None:
            raise ChannelClosed
        self._put(frame)

    def _put(self, frame: bytes) -> None:
        self._sent.append(frame)
        if self._automatic:
            self.flush()

    async def close(self, code: int, reason: str) -> None:
        """Close both ends; what was delivered can still be received."""
        self._end(code, reason)

    def _on_the_way(self) -> int:
        return len(self._sent) + len(self._other._received)

    def _end(self, code: int, reason: str) -> None:
        if self.closed is None:
            self.closed = self._other.closed = (code, reason)
            self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._other._changed.set()
