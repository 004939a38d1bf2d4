"""Tabs: Yjs documents kept in step with a room over a real WebSocket."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, Self
from urllib.parse import quote, urlencode

from jupyter_ydoc import YNotebook
from pycrdt import Array, Doc, Map, Text
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from jupyter_runt.document.lib0 import write_bytes, write_integer
from jupyter_runt.rooms.client import SyncClient
from jupyter_runt.rooms.protocol import (
    RAW,
    awareness_frame,
    read_bytes,
)
from tests.frames import save_request_frame
from tests.integration.server import TOKEN, Notebook, Server

LIMIT: Final = 60.0


class Peer:
    """One connection after another to one room, with one document."""

    def __init__(
        self,
        server: Server,
        room_id: str,
        session_id: str | None = None,
        *,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.server = server
        self.room_id = room_id
        self.session_id = session_id
        self.doc: Doc[Any] = Doc()
        self.client = SyncClient(self.doc)
        self.replies: list[dict[str, Any]] = []
        """What the server answered to requests to save."""
        self.closed: tuple[int, str] | None = None
        self._headers = {"Authorization": f"token {TOKEN}", **(headers or {})}
        self._heard = asyncio.Condition()
        self._socket: ClientConnection
        self._hearing: asyncio.Task[None] | None = None
        self._clock = 0

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    async def connect(self) -> None:
        """Open the WebSocket and greet the room; what was not sent yet goes along."""
        query = urlencode({"sessionId": self.session_id}) if self.session_id else ""
        url = f"ws://127.0.0.1:{self.server.port}/api/collaboration/room/{quote(self.room_id)}"
        self._socket = await connect(
            f"{url}?{query}", additional_headers=self._headers, max_size=None, proxy=None
        )
        self.closed = None
        self._hearing = asyncio.create_task(self._hear())
        await self.send(self.client.greet())

    @property
    def connected(self) -> bool:
        """Whether the WebSocket is open, as far as anybody heard."""
        return self._hearing is not None and self.closed is None

    async def leave(self) -> None:
        """Close the WebSocket."""
        if self._hearing is not None:
            await self._socket.close()
            await self._hearing

    async def _hear(self) -> None:
        try:
            async for frame in self._socket:
                await self._take(bytes(frame))  # type: ignore[arg-type]  # rooms send no text
        except ConnectionClosed:
            pass
        self.closed = (self._socket.close_code or 1006, self._socket.close_reason or "")
        async with self._heard:
            self._heard.notify_all()

    async def _take(self, frame: bytes) -> None:
        if frame[0] == RAW:
            self.replies.append(json.loads(read_bytes(frame, 1)[0]))
        elif (answer := self.client.hear(frame)) is not None:
            await self.send(answer)
        async with self._heard:
            self._heard.notify_all()

    async def send(self, *frames: bytes) -> None:
        """Send frames; nothing happens on a connection that is gone."""
        try:
            for frame in frames:
                await self._socket.send(frame)
        except ConnectionClosed:
            return

    async def send_text(self, text: str) -> None:
        """Send a frame that is text, which no room expects."""
        await self._socket.send(text)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until what was heard makes the condition true."""
        async with asyncio.timeout(LIMIT), self._heard:
            await self._heard.wait_for(lambda: bool(condition()))

    async def synced(self) -> None:
        """Wait until everything is here that the room had at the greeting."""
        await self.until(lambda: self.client.synced)

    async def ended(self) -> tuple[int, str]:
        """Wait until the server closes the connection; return the code and the reason."""
        await self.until(lambda: self.closed)
        assert self.closed is not None
        return self.closed

    async def tell(self) -> None:
        """Send what was changed here."""
        await self.send(*self.client.take_unsent())

    async def be_present(self, state: dict[str, Any]) -> None:
        """Send an awareness state."""
        self._clock += 1
        head = write_integer(1) + write_integer(self.doc.client_id) + write_integer(self._clock)
        await self.send(awareness_frame(head + write_bytes(json.dumps(state).encode())))

    def has_heard_of(self, text: str) -> bool:
        """Tell whether some awareness state contains a text."""
        return any(text.encode() in payload for payload in self.client.awareness)

    async def save(self, request_id: int) -> str:
        """Ask for a save, as Ctrl+S does, and return how it went."""
        await self.send(save_request_frame(request_id))

        def answer() -> dict[str, Any] | None:
            asked = (r for r in self.replies if r["responseTo"] == request_id)
            return next(asked, None)

        await self.until(answer)
        found = answer()
        assert found is not None
        return str(found["status"])


class Tab(Peer):
    """A tab that has a notebook open, as JupyterLab holds it."""

    def __init__(
        self, server: Server, room_id: str, session_id: str | None, **options: Any
    ) -> None:
        super().__init__(server, room_id, session_id, **options)
        self.notebook = YNotebook(self.doc)

    def source(self, index: int = 0) -> Text:
        """Return the shared source of a cell."""
        text: Text = self.notebook.ycells[index]["source"]
        return text

    @property
    def sources(self) -> list[str]:
        """The source of each cell."""
        return [str(cell["source"]) for cell in self.notebook.ycells]

    def outputs(self, index: int = 0) -> list[Any]:
        """Return the outputs of a cell as plain values."""
        outputs: list[Any] = self.notebook.ycells[index]["outputs"].to_py()
        return outputs

    async def type(self, text: str, at: int | None = None, cell: int = 0) -> None:
        """Insert text into a cell, at its end by default (offsets in UTF-8 bytes), and send it."""
        source = self.source(cell)
        source.insert(len(source) if at is None else at, text)
        await self.tell()


class RuntimeTab(Peer):
    """A tab that watches the runtime room of a notebook."""

    def __init__(self, server: Server, room_id: str, **options: Any) -> None:
        super().__init__(server, room_id, **options)
        self._queue: Array[Any] = self.doc.get("queue", type=Array)
        self._runtime: Map[Any] = self.doc.get("runtime", type=Map)
        self._executions: Map[Any] = self.doc.get("executions", type=Map)

    def forge(self, execution_id: str) -> None:
        """Write here what only the server may."""
        self._executions[execution_id] = "ok"

    @property
    def runtime(self) -> dict[str, Any]:
        return self._runtime.to_py() or {}

    @property
    def queue(self) -> list[str]:
        return self._queue.to_py() or []

    @property
    def executions(self) -> dict[str, Any]:
        return self._executions.to_py() or {}


class TextTab(Peer):
    """A tab that has a text file open."""

    def __init__(self, server: Server, room_id: str, session_id: str, **options: Any) -> None:
        super().__init__(server, room_id, session_id, **options)
        self.text: Text = self.doc.get("source", type=Text)


async def tab(notebook: Notebook, **options: Any) -> Tab:
    """Return a tab for a notebook; its connection is not open yet."""
    session = await notebook.server.session(notebook.path)
    return Tab(notebook.server, notebook.room_id, session.body["sessionId"], **options)


@asynccontextmanager
async def tabs(notebook: Notebook, count: int = 1) -> AsyncIterator[list[Tab]]:
    """Open a notebook in tabs, and wait until each shows it."""
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(await tab(notebook)) for _ in range(count)]
        for each in opened:
            await each.synced()
        yield opened
