"""Which documents this server has open, as the servers beside it know."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from jupyter_runt.errors import StoreUnavailable
from jupyter_runt.ids import NotebookId
from jupyter_runt.protocols import Lease, Leases

log = logging.getLogger(__name__)


class DocumentLeases:
    """The leases of the documents that are open here.

    Args:
        info: what servers are told that want to open one of them.
    """

    def __init__(self, leases: Leases, info: dict[str, Any]) -> None:
        self._leases = leases
        self._info = info
        self._held: dict[NotebookId, Lease] = {}

    @asynccontextmanager
    async def held(self, notebook_id: NotebookId) -> AsyncIterator[None]:
        """Own a document's rooms; raises LeaseHeld."""
        lease = await self._leases.acquire(notebook_id, "documents", self._info)
        self._held[notebook_id] = lease
        try:
            yield
        finally:
            if self._held.get(notebook_id) is lease:
                del self._held[notebook_id]
            with suppress(StoreUnavailable):  # nobody asks for a lease of a server that is gone
                await self._leases.release(lease)

    async def taken(self) -> set[NotebookId]:
        """Return the documents that another server took: it thought us dead."""
        taken: set[NotebookId] = set()
        with suppress(StoreUnavailable):  # then nobody's appends come through
            for notebook_id, lease in list(self._held.items()):
                current = await self._leases.current(notebook_id, "documents")
                if current != lease and self._held.get(notebook_id) is lease:
                    log.warning("%s is another server's now, which took it.", notebook_id)
                    taken.add(notebook_id)
        return taken
