"""The notebooks' runtimes, as Jupyter's session and kernel REST APIs reach them."""

import logging
from collections.abc import Awaitable, Callable, Mapping

from jupyter_runt.errors import (
    FileUnreadable,
    LeaseHeld,
    NotebookNotFound,
    RuntError,
    RuntimeLost,
)
from jupyter_runt.ids import ActorId, NotebookId
from jupyter_runt.provisioning.agents import Survivor, end_survivor
from jupyter_runt.session.files import is_notebook
from jupyter_runt.session.registry import SessionRegistry
from jupyter_runt.session.runtime import NotebookRuntime

log = logging.getLogger(__name__)


async def adopt_survivor(sessions: SessionRegistry, survivor: Survivor) -> None:
    """Open the notebook of an agent that lives, or end it if that knows nothing of it."""
    try:
        async with sessions.use(NotebookId(survivor.notebook_id)) as session:
            if session.runtime.kernel_id == survivor.kernel_id:
                return
    except LeaseHeld:
        return  # its server lives
    except NotebookNotFound:
        pass
    except RuntError as error:
        log.warning("Kernel %s was not taken over: %s", survivor.kernel_id, error.message)
        return
    log.warning("Kernel %s belongs to no notebook and is ended.", survivor.kernel_id)
    await end_survivor(survivor)


class Runtimes:
    """`RuntimePort` of `execution/hooks.py` over the open documents.

    Args:
        sessions: returns the open documents once they can be opened.
        owners: which runtime each kernel id belongs to.
        actor: returns who sent the request that is being handled.
    """

    def __init__(
        self,
        sessions: Callable[[], Awaitable[SessionRegistry]],
        owners: Mapping[str, NotebookRuntime],
        actor: Callable[[], Awaitable[ActorId]],
    ) -> None:
        self._sessions = sessions
        self._owners = owners
        self._actor = actor

    async def notebook_at(self, path: str) -> str | None:
        """See `RuntimePort`."""
        if not is_notebook(path):
            return None
        try:
            return (await (await self._sessions()).files.identify(path)).path
        except (NotebookNotFound, FileUnreadable):
            return None

    async def ensure(self, path: str, kernel_name: str | None, kernel_id: str | None) -> str:
        """See `RuntimePort`."""
        sessions = await self._sessions()
        async with sessions.use_path(path) as session:
            return await session.runtime.ensure(kernel_name, kernel_id, await self._actor())

    async def switch(self, kernel_id: str, kernel_name: str) -> str:
        """See `RuntimePort`."""
        return await self._owner(kernel_id).switch(kernel_name, await self._actor())

    async def interrupt(self, kernel_id: str) -> None:
        """See `RuntimePort`."""
        await self._owner(kernel_id).interrupt()

    async def restart(self, kernel_id: str) -> None:
        """See `RuntimePort`."""
        await self._owner(kernel_id).restart(await self._actor())

    async def stop(self, kernel_id: str) -> None:
        """See `RuntimePort`."""
        await self._owner(kernel_id).stop("shutdown", "The kernel was shut down.")

    async def release(self, kernel_id: str) -> None:
        """See `RuntimePort`."""
        self._owner(kernel_id).release()

    def busy(self, kernel_id: str) -> bool:
        """See `RuntimePort`."""
        return kernel_id in self._owners and self._owners[kernel_id].busy

    def kernel_of(self, path: str) -> str | None:
        """See `RuntimePort`."""
        owned = (kernel_id for kernel_id, owner in self._owners.items() if owner.path == path)
        return next(owned, None)

    def notebook_of(self, kernel_id: str) -> str | None:
        """See `RuntimePort`."""
        owner = self._owners.get(kernel_id)
        return None if owner is None else owner.path

    def died(self, kernel_id: str, cause: str, *, restarting: bool, expired: bool = False) -> None:
        """See `RuntimePort`."""
        if kernel_id in self._owners:
            self._owners[kernel_id].died(cause, restarting=restarting, expired=expired)

    def _owner(self, kernel_id: str) -> NotebookRuntime:
        if kernel_id not in self._owners:
            raise RuntimeLost(f"No notebook owns kernel {kernel_id}.")
        return self._owners[kernel_id]
