"""Clients of a room, the same for every server: `websockets` and `pycrdt`, nothing else."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Self
from urllib.parse import quote

from pycrdt import Array, Doc, Text
from websockets.asyncio.client import ClientConnection, connect

from jupyter_runt.rooms.client import SyncClient
from tests.benchmarks.servers import Server
from tests.benchmarks.web import Connection

SYNC: Final = 0
"""First byte of the frames that carry the document."""


class RoomClient:
    """A connection to a room, and a document that it keeps in step."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.doc: Doc[Any] = Doc()
        self.cells = self.doc.get("cells", type=Array)
        self.sync = SyncClient(self.doc)
        self.synced_at = 0.0
        """When the document was here, as `time.perf_counter` has it."""
        self._answered = False

    def source(self, index: int = 0) -> Text:
        """Return the text of a cell."""
        source: Text = self.cells[index]["source"]
        return source

    async def join(self) -> Self:
        """Return when the document is here, and the server knows what it wants to of ours."""
        await self.connection.send(self.sync.greet())
        while not (self.sync.synced and self._answered):
            await self.hear_one()
            if self.sync.synced:
                self.synced_at = self.synced_at or time.perf_counter()
        return self

    async def hear_one(self) -> None:
        """Take in the next frame."""
        frame = await self.connection.recv(decode=False)
        if frame[0] == SYNC and (answer := self.sync.hear(frame)) is not None:
            await self.connection.send(answer)
            self._answered = True

    async def hear(self) -> None:
        """Take in frames for ever."""
        while True:
            await self.hear_one()


async def room_path(server: Server, path: str) -> str:
    """Return the path of a notebook's room."""
    async with Connection(server.address) as connection:
        if server.kind.sessions:
            body = {"format": "json", "type": "notebook"}
            url = f"/api/collaboration/session/{quote(path)}"
            session = await connection.request("PUT", url, body)
            room_id = f"json:notebook:{session['fileId']}"
            return f"/api/collaboration/room/{room_id}?sessionId={session['sessionId']}"
        file = await connection.request("POST", f"/api/fileid/index?path={quote(path)}")
        return f"/api/collaboration/room/json:notebook:{file['id']}"


@asynccontextmanager
async def joined(server: Server, room: str) -> AsyncIterator[RoomClient]:
    """A client that has the document; asyncio sets TCP_NODELAY on its connection."""
    headers = {"Authorization": f"token {server.address.token}"}
    url = server.address.url("ws", room)
    async with connect(
        url, additional_headers=headers, compression=None, max_size=None, ping_interval=None
    ) as connection:
        yield await RoomClient(connection).join()


@asynccontextmanager
async def listening(client: RoomClient) -> AsyncIterator[None]:
    """Have a client take in whatever comes."""
    task = asyncio.create_task(client.hear())
    try:
        yield
    finally:
        task.cancel()
