"""What a room and a peer talk over."""

from collections.abc import Callable
from typing import Protocol


class ChannelClosed(Exception):
    """The other side of a channel is gone."""


class Channel(Protocol):
    """A stream of binary frames to one peer: a WebSocket, or a pair in memory."""

    async def receive(self) -> bytes:
        """Return the next frame that the listener did not take.

        Raises:
            ChannelClosed: there is none and there will be none.
        """
        ...

    def listen(self, listener: Callable[[bytes], bool]) -> None:
        """Offer each frame to `listener` as it comes, if none waits; it tells whether it took it.

        What it took is received no more. This saves a turn of the event loop.
        """
        ...

    def offer(self, frame: bytes) -> bool:
        """Send a frame now if the transport takes it without waiting; tell whether it did."""
        ...

    async def send(self, frame: bytes) -> None:
        """Send a frame; returns when the transport has taken it, so that slowness is felt.

        Raises:
            ChannelClosed: nobody listens any more.
        """
        ...

    async def close(self, code: int, reason: str) -> None:
        """Close with a WebSocket close code (RFC 6455 §7.4); nothing happens the second time."""
        ...
