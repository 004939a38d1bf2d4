"""Who may write to a notebook, in SQLite."""

import json
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

from jupyter_runt.ids import NotebookId
from jupyter_runt.protocols import Lease, LeaseKind
from jupyter_runt.storage.refusals import lease_held, stale_fence
from jupyter_runt.storage.sqlite.database import Database
from jupyter_runt.storage.sqlite.liveness import is_alive


class SqliteLeases:
    """The `Leases` of an `SqliteStore`. A lease has no clock: it ends with its holder's life."""

    _database: Database
    _server_id: str
    _servers: Path
    """The folder of the servers' locks."""
    _documents: dict[NotebookId, int]
    """The fences of the documents that this server has open."""

    async def acquire(
        self, notebook_id: NotebookId, kind: LeaseKind, info: dict[str, Any]
    ) -> Lease:
        """Take a lease; see `Leases`."""
        lease = await self._database.write(partial(self._acquire, notebook_id, kind, info))
        if kind == "documents":
            self._documents[notebook_id] = lease.fence
        return lease

    def _acquire(
        self,
        notebook_id: NotebookId,
        kind: LeaseKind,
        info: dict[str, Any],
        connection: sqlite3.Connection,
    ) -> Lease:
        held = _current(notebook_id, kind, connection)
        if held and held.holder != self._server_id and is_alive(self._servers, held.holder):
            raise lease_held(held)
        # The row of a lease that was released stays, and with it the last fence.
        fence = connection.execute(
            "INSERT INTO leases (notebook_id, kind, fence, holder, info) VALUES (?, ?, 1, ?, ?)"
            " ON CONFLICT DO UPDATE"
            " SET fence = fence + 1, holder = excluded.holder, info = excluded.info"
            " RETURNING fence",
            (notebook_id, kind, self._server_id, json.dumps(info)),
        ).fetchone()[0]
        return Lease(notebook_id, kind, fence, self._server_id, info)

    async def release(self, lease: Lease) -> None:
        """Give a lease back; see `Leases`."""
        await self._database.write(partial(_release, lease))
        if lease.kind == "documents" and self._documents.get(lease.notebook_id) == lease.fence:
            del self._documents[lease.notebook_id]

    async def current(self, notebook_id: NotebookId, kind: LeaseKind) -> Lease | None:
        """Return the lease as it stands; see `Leases`."""
        return await self._database.read(partial(_current, notebook_id, kind), small=True)


def check_fence(
    connection: sqlite3.Connection, notebook_id: NotebookId, kind: LeaseKind, fence: int
) -> None:
    """Check that `fence` is that of the current lease of a kind.

    Raises:
        StaleFence: it is not, or nobody holds the lease.
    """
    lease = _current(notebook_id, kind, connection)
    if lease is None or lease.fence != fence:
        raise stale_fence(notebook_id, kind, fence)


def _current(
    notebook_id: NotebookId, kind: LeaseKind, connection: sqlite3.Connection
) -> Lease | None:
    row = connection.execute(
        "SELECT fence, holder, info FROM leases"
        " WHERE notebook_id = ? AND kind = ? AND holder IS NOT NULL",
        (notebook_id, kind),
    ).fetchone()
    if row is None:
        return None
    fence, holder, info = row
    return Lease(notebook_id, kind, fence, holder, json.loads(info))


def _release(lease: Lease, connection: sqlite3.Connection) -> None:
    connection.execute(
        "UPDATE leases SET holder = NULL WHERE notebook_id = ? AND kind = ? AND fence = ?",
        (lease.notebook_id, lease.kind, lease.fence),
    )
