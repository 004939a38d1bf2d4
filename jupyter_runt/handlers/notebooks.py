"""`/api/runt/status`, `/notebooks`, `/runtimes`: which document is which, and what it does."""

from contextlib import suppress
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from jupyter_runt._version import __version__
from jupyter_runt.errors import HistoryDamaged
from jupyter_runt.handlers.base import RuntHandler
from jupyter_runt.rooms.work import RoomClosed
from jupyter_runt.session.capabilities import Capability
from jupyter_runt.session.damage import set_aside
from jupyter_runt.storage.clock import now

PROTOCOL_VERSION = 1
"""Version of this REST API and of the events; grows when something is added."""


class StatusHandler(RuntHandler):
    """`GET /api/runt/status`."""

    @authenticated
    @authorized(action="read", resource="contents")
    async def get(self) -> None:
        """Answer with what this server is and who is asking."""
        self.send(
            {
                "version": __version__,
                "protocol_version": PROTOCOL_VERSION,
                "user": await self.actor(),
                **self.sessions.status(),
            }
        )


class NotebooksHandler(RuntHandler):
    """`GET /api/runt/notebooks`."""

    @authenticated
    @authorized(action="read", resource="contents")
    async def get(self) -> None:
        """Answer with the notebook at `path`, or with the open ones."""
        path = self.exact_argument("path")
        if path is None:
            # A session may stand for a file that nobody could open.
            sessions = [each for each in self.sessions.notebooks() if each.has_document]
            listed = []
            for session in sessions:
                with suppress(RoomClosed):  # it closes: it is no longer one of them
                    listed.append(await session.describe())
            self.send({"notebooks": listed})
        else:
            try:
                described = await self._described(path)
            except HistoryDamaged as error:
                await set_aside(self.sessions, error)
                described = await self._described(path)
            user, writable = await self.actor(), await self.allows(Capability.EDIT)
            self.send({**described, "user": user, "writable": writable})

    async def _described(self, path: str) -> dict[str, Any]:
        async with self.sessions.use_path(path) as session:
            return await session.describe()


class RuntimesHandler(RuntHandler):
    """`GET /api/runt/runtimes`."""

    @authenticated
    @authorized(action="read", resource="kernels")
    async def get(self) -> None:
        """Answer with the runtimes of the open notebooks."""
        described = [session.describe_runtime() for session in self.sessions.notebooks()]
        runtimes = [runtime for runtime in described if runtime is not None]
        self.send({"runtimes": runtimes, "now": now()})
