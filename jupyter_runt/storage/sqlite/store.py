"""The store of one host, whole."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Self

from jupyter_runt.storage.growth import Growth
from jupyter_runt.storage.sqlite.artifacts import SqliteArtifactTable
from jupyter_runt.storage.sqlite.connection import Durability, create
from jupyter_runt.storage.sqlite.damage import create_anew
from jupyter_runt.storage.sqlite.database import Database
from jupyter_runt.storage.sqlite.event_log import SqliteEventLog
from jupyter_runt.storage.sqlite.leases import SqliteLeases
from jupyter_runt.storage.sqlite.liveness import ServerLock
from jupyter_runt.storage.sqlite.registry import SqliteRegistry
from jupyter_runt.storage.sqlite.tokens import SqliteTokens
from jupyter_runt.storage.sqlite.upkeep import SqliteUpkeep


class SqliteStore(
    SqliteEventLog,
    SqliteUpkeep,
    SqliteRegistry,
    SqliteLeases,
    SqliteArtifactTable,
    SqliteTokens,
):
    """A `Store` in an SQLite database, which several servers of one user on one host can share.

    It is open, and its server known as alive to the others, inside one `async with`.
    """

    def __init__(
        self,
        path: Path,
        *,
        server_id: str,
        exists: Callable[[str], bool],
        durability: Durability = "process",
        busy_timeout: float = 5.0,
        renew_damaged: bool = False,
    ) -> None:
        """Name the store; nothing is opened yet.

        Args:
            path: the database file; it and its folder are made if need be.
            server_id: what other servers know this one by.
            exists: tells whether there is a file at a registered path; called in a thread.
            durability: what an append survives, the death of the process or the loss of power.
            busy_timeout: seconds to wait while another process keeps the database locked.
            renew_damaged: set a database that is damaged aside, and begin a new one.
        """
        self._servers = path.parent / "servers"
        make = partial(create_anew, servers=self._servers) if renew_damaged else create
        self._database = Database(path, durability, busy_timeout, make)
        self._growth = Growth()
        self._exists = exists
        self._server_id = server_id
        self._documents = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open the store.

        Raises:
            StoreUnavailable: the database is not ours to use; the message says why.
        """
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._database)
            lock = ServerLock(self._servers, self._server_id)
            await asyncio.to_thread(lock.acquire)
            stack.callback(lock.release)
            stack.callback(self._growth.end)
            group = await stack.enter_async_context(asyncio.TaskGroup())
            stack.callback(group.create_task(self._notice_others()).cancel)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Finish what waits, and close."""
        await self._stack.aclose()
