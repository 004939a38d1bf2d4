"""`/api/runt/notebooks/{id}/commands`: the one door for change, for a request or held open."""

import asyncio
import json
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, Final

from jupyter_server.auth.decorator import authorized, ws_authenticated
from jupyter_server.base.websocket import WebSocketMixin
from tornado.web import HTTPError, authenticated
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from jupyter_runt.commands import Command, parse_command
from jupyter_runt.errors import InvalidCommand, RuntError
from jupyter_runt.handlers.base import RuntHandler, RuntRequest
from jupyter_runt.ids import ActorId, NotebookId
from jupyter_runt.session.capabilities import Capability, required
from jupyter_runt.session.registry import SessionRegistry

MAX_MESSAGE: Final = 10 << 20
"""Bytes of a command."""

MAX_AT_ONCE: Final = 64
"""Commands of one socket that are performed; no more are read meanwhile."""


class CommandsHandler(RuntHandler):
    """One command in, its first events out."""

    @authenticated
    @authorized(action="read", resource="contents")
    async def post(self, notebook_id: str) -> None:
        """Perform a command as the authenticated person; what it needs is asked of them here."""
        command = parse_command(self.request.body)
        self.send(await _performed(self, self.sessions, NotebookId(notebook_id), command))


class CommandSocket(WebSocketMixin, WebSocketHandler, RuntRequest):
    """`GET …/commands/socket`: commands in, `{command_id, status, body}` out, as they are done.

    It spares a page what a request costs. A command has a `command_id`: whose reply was lost with
    the socket can be sent again, as a request too.
    """

    _sessions: SessionRegistry
    _notebook_id: NotebookId
    _actor: ActorId
    _tasks: asyncio.TaskGroup

    def initialize(self) -> None:
        """Perform nothing yet."""
        super().initialize()
        self._performing = 0
        self._done = asyncio.Event()

    @property
    def max_message_size(self) -> int:
        """The largest command that is taken, in bytes."""
        return MAX_MESSAGE

    def set_default_headers(self) -> None:
        """Set none: those of a page mean nothing here."""

    @ws_authenticated
    async def get(self, notebook_id: str) -> None:
        """Serve the socket until it closes; 403 without permission to read contents."""
        if not await self.allows(Capability.READ):
            raise HTTPError(403)
        self._sessions = await self.settings["runt_sessions"].sessions()
        registration = await self._sessions.registered_notebook(NotebookId(notebook_id))
        self._notebook_id = registration.notebook_id
        self._actor = await super().actor()
        async with asyncio.TaskGroup() as self._tasks:
            await super().get(notebook_id)

    def open(self, notebook_id: str) -> None:
        """Wait for commands: the handshake is done."""
        super().open(notebook_id)
        self.set_nodelay(True)

    async def actor(self) -> ActorId:
        """Return who opened the socket."""
        return self._actor

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        """Take a command; the next one does not wait for its end, unless there are many."""
        self._performing += 1
        self._tasks.create_task(self._answer(message), name=f"command for {self._notebook_id}")
        return None if self._performing < MAX_AT_ONCE else self._wait_for_one()

    async def _wait_for_one(self) -> None:
        self._done.clear()
        await self._done.wait()

    async def _answer(self, message: str | bytes) -> None:
        try:
            status, body = 200, await self._reply(message)
        except RuntError as error:
            status, body = error.status, error.to_json()
        except Exception:
            self.log.exception("A command for %s failed.", self._notebook_id)
            said = "The server failed; its log says how."
            status, body = 500, {"code": "internal_error", "message": said, "detail": {}}
        finally:
            self._performing -= 1
            self._done.set()
        answer = {"command_id": _id_of(message), "status": status, "body": body}
        with suppress(WebSocketClosedError):
            await self.write_message(json.dumps(answer))  # an id may be half a character

    async def _reply(self, message: str | bytes) -> dict[str, Any]:
        command = parse_command(message.encode() if isinstance(message, str) else message)
        if command.command_id is None:
            missing = [{"field": "command_id", "message": "is missing"}]
            raise InvalidCommand("command_id: is missing", errors=missing)
        return await _performed(self, self._sessions, self._notebook_id, command)


async def _performed(
    request: RuntRequest, sessions: SessionRegistry, notebook_id: NotebookId, command: Command
) -> dict[str, Any]:
    await request.require(required(command))
    async with sessions.use(notebook_id) as session:
        return (await session.perform(command, await request.requester())).to_json()


def _id_of(message: str | bytes) -> str | None:
    try:
        said = json.loads(message)
    except (ValueError, RecursionError):
        return None
    found = said.get("command_id") if isinstance(said, dict) else None
    return found if isinstance(found, str) else None
