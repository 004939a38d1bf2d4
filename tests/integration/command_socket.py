"""The socket on which a page sends its commands."""

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.integration.server import TOKEN, Notebook, Server


class CommandSocket:
    """A page's socket for commands."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def send(self, said: str | bytes | dict[str, Any]) -> None:
        """Send a command, or something else."""
        await self._socket.send(json.dumps(said) if isinstance(said, dict) else said)

    async def answer(self) -> tuple[str | None, int, dict[str, Any]]:
        """Return the next answer: the command's id, a status and a body."""
        answer = json.loads(await self._socket.recv())
        return answer["command_id"], answer["status"], answer["body"]

    async def ask(self, said: str | bytes | dict[str, Any]) -> tuple[str | None, int, Any]:
        """Send something and return the answer."""
        await self.send(said)
        return await self.answer()


def socket_of(notebook: Notebook, **headers: str) -> AbstractAsyncContextManager[CommandSocket]:
    """A socket for a notebook's commands."""
    return socket_at(notebook.server, notebook.url, **headers)


@asynccontextmanager
async def socket_at(server: Server, url: str, **headers: str) -> AsyncIterator[CommandSocket]:
    """A socket for the commands of the notebook at a URL."""
    headers = {"Authorization": f"token {TOKEN}", **headers}
    address = f"ws://127.0.0.1:{server.port}{url}/commands/socket"
    async with connect(address, additional_headers=headers, proxy=None) as socket:
        yield CommandSocket(socket)
