"""Between a local socket and another machine: what each of them says is brought to the other."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from jupyter_runt.execution.carrier import Carrier

CHUNK: Final = 256 * 1024

Post = Callable[[bytes], None]
"""Sends a message over the connection that there is; it may be lost with that."""


class Ferry:
    """Runs between a socket and a connection, whichever there is; `run` closes the socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._carrier = Carrier()
        self._post: Post | None = None
        self._room = asyncio.Event()

    @classmethod
    async def open(cls, local: socket.socket) -> "Ferry":
        """Return one for a connected stream socket."""
        return cls(*await asyncio.open_connection(sock=local))

    @property
    def received(self) -> int:
        """How much came from the other machine."""
        return self._carrier.received

    async def run(self) -> None:
        """Carry what the socket says until it, or the other end, said its last."""
        try:
            while True:
                data = b""
                with suppress(OSError):
                    data = await self._reader.read(CHUNK)
                message = self._carrier.send(data)
                if self._post is not None:
                    self._post(message)
                if not data:
                    return
                await self._wait_for_room()
        finally:
            self._writer.close()

    async def _wait_for_room(self) -> None:
        while self._carrier.full:
            self._room.clear()
            await self._room.wait()

    def connected(self, post: Post, place: int) -> None:
        """Go on over a new connection.

        Args:
            place: how much the other end has.

        Raises:
            BadStream: it cannot be there.
        """
        for message in self._carrier.again(place):
            post(message)
        self._post = post
        self._room.set()

    def disconnected(self) -> None:
        """Keep what is said until there is another connection."""
        self._post = None

    def acknowledged(self, place: int) -> None:
        """Hear how much the other end has; raises BadStream."""
        self._carrier.acknowledged(place)
        self._room.set()

    async def take(self, message: bytes) -> int:
        """Bring a message to the socket, and return how much has come; raises BadStream."""
        data = self._carrier.take(message)
        if not self._writer.is_closing():
            with suppress(OSError):
                self._writer.write(data)
                await self._writer.drain()
                if self._carrier.ended:
                    self._writer.close()
        return self._carrier.received
