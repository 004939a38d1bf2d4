"""A notebook of ours as a program sees it: commands in, events out."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect

from tests.benchmarks.notebooks import write_notebook
from tests.benchmarks.servers import Address, Server
from tests.benchmarks.web import Connection


class CommandedNotebook:
    """Sends commands over a socket, as a page does, and follows the events over a connection."""

    def __init__(
        self, found: dict[str, Any], connection: Connection, commands: ClientConnection
    ) -> None:
        self._found = found
        self._commands = commands
        self._path = f"/api/runt/notebooks/{found['notebook_id']}"
        self._connection = connection
        self._word = b""
        self._heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def expect(self, word: str) -> asyncio.Future[bytes]:
        """Return what is done when the next event arrives that has `word` in it."""
        self._word = word.encode()
        self._heard = asyncio.get_running_loop().create_future()
        return self._heard

    async def perform(self, command: dict[str, Any]) -> None:
        """Return when the command is answered."""
        await self._commands.send(json.dumps({"command_id": str(uuid4()), **command}))
        answer = json.loads(await self._commands.recv())
        if answer["status"] != 200:
            raise RuntimeError(f"{command}: {answer}")

    async def follow(self, connection: Connection, after: int, types: str) -> None:
        """Hear events (all, where `types` is empty) until cancelled."""
        path = f"{self._path}/events?after={after}&follow=1&types={types}"
        async with aclosing(connection.lines(path)) as lines:
            async for line in lines:
                if self._word in line and not self._heard.done():
                    self._heard.set_result(line)

    async def outputs(self) -> list[dict[str, Any]]:
        """Return the outputs of the first cell, whole."""
        described = await describe(self._connection, self._found["path"])
        then = f"{self._path}/at/{described['seq']}"
        notebook = await self._connection.request("GET", then)
        outputs: list[dict[str, Any]] = notebook["cells"][0]["outputs"]
        return outputs


async def describe(connection: Connection, path: str) -> dict[str, Any]:
    """Return what the server knows of a notebook."""
    described: dict[str, Any] = await connection.request("GET", f"/api/runt/notebooks?path={path}")
    return described


@asynccontextmanager
async def commanded(
    server: Server, source: str, *, types: str = "", path: str = "commanded.ipynb"
) -> AsyncIterator[CommandedNotebook]:
    """A new notebook of one cell, `cell-0`, whose events (all, by default) are followed."""
    write_notebook(server.root / path, 1, source=source)
    async with followed(server, path, types=types) as notebook:
        yield notebook


@asynccontextmanager
async def followed(
    server: Server, path: str, *, types: str = "", after: int | None = None
) -> AsyncIterator[CommandedNotebook]:
    """A notebook whose events are followed, from now on or after one of its log."""
    address = server.address
    async with Connection(address) as connection, Connection(address) as events:
        found = await describe(connection, path)
        since = found["seq"] if after is None else after
        async with _commands(address, found["notebook_id"]) as commands:
            notebook = CommandedNotebook(found, connection, commands)
            following = asyncio.create_task(notebook.follow(events, since, types))
            try:
                yield notebook
            finally:
                following.cancel()


def _commands(address: Address, notebook_id: str) -> connect:
    return connect(
        address.url("ws", f"/api/runt/notebooks/{notebook_id}/commands/socket"),
        additional_headers={"Authorization": f"token {address.token}"},
        compression=None,
        proxy=None,
    )
