"""A notebook of ours as a program sees it: commands in, events out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from tests.benchmarks.notebooks import write_notebook
from tests.benchmarks.servers import Server
from tests.benchmarks.web import Connection


class CommandedNotebook:
    """Sends commands over one connection, and follows the events over another."""

    def __init__(self, notebook_id: str, connection: Connection) -> None:
        self._path = f"/api/runt/notebooks/{notebook_id}"
        self._connection = connection
        self._word = b""
        self._heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def expect(self, word: str) -> asyncio.Future[None]:
        """Return what is done when the next event arrives that has `word` in it."""
        self._word = word.encode()
        self._heard = asyncio.get_running_loop().create_future()
        return self._heard

    async def perform(self, command: dict[str, Any]) -> None:
        """Return when the command is answered."""
        await self._connection.request("POST", f"{self._path}/commands", command)

    async def follow(self, connection: Connection, after: int, types: str) -> None:
        """Hear events (all, where `types` is empty) until cancelled."""
        path = f"{self._path}/events?after={after}&follow=1&types={types}"
        async with aclosing(connection.lines(path)) as lines:
            async for line in lines:
                if self._word in line and not self._heard.done():
                    self._heard.set_result(None)


@asynccontextmanager
async def commanded(
    server: Server, source: str, *, types: str = ""
) -> AsyncIterator[CommandedNotebook]:
    """A new notebook of one cell, `cell-0`, whose events (all, by default) are followed."""
    write_notebook(server.root / "commanded.ipynb", 1, source=source)
    async with Connection(server.address) as connection, Connection(server.address) as events:
        found = await connection.request("GET", "/api/runt/notebooks?path=commanded.ipynb")
        notebook = CommandedNotebook(found["notebook_id"], connection)
        following = asyncio.create_task(notebook.follow(events, found["seq"], types))
        try:
            yield notebook
        finally:
            following.cancel()
