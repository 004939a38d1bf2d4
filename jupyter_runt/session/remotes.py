"""The machines that were offered for notebooks' kernels."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from jupyter_runt.errors import Conflict, RuntError
from jupyter_runt.execution.remote import Channel, Introduction, RemoteMachine
from jupyter_runt.ids import ActorId, NotebookId
from jupyter_runt.protocols import Kernel, Lease
from jupyter_runt.session.hosting import BackgroundTasks, logged
from jupyter_runt.session.registry import SessionRegistry
from jupyter_runt.session.takeover import NOT_ITS_KERNEL


class RemoteGateway(Protocol):
    """What starts kernels on other machines; `execution/gateway.py`."""

    async def start_elsewhere(
        self, machine: RemoteMachine, lease: Lease, *, again: bool = False
    ) -> Kernel:
        """Have another machine start a kernel, or go on with one; raises RuntimeLost."""
        ...

    async def give_up(self, machine: RemoteMachine, cause: str) -> None:
        """Forget the kernel of a machine that runs it no more, and note how it ended."""
        ...


class RemoteMachines:
    """Those that run a kernel, or are about to, by the id of that.

    Args:
        lease_seconds: for how long a machine that is out of reach keeps its notebook.
        tasks: ended before the server is.
    """

    def __init__(
        self,
        sessions: SessionRegistry,
        gateway: RemoteGateway,
        lease_seconds: float,
        tasks: BackgroundTasks,
    ) -> None:
        self._sessions = sessions
        self._gateway = gateway
        self._lease_seconds = lease_seconds
        self._tasks = tasks
        self._machines: dict[str, tuple[NotebookId, RemoteMachine]] = {}

    async def notebook(self, path_or_id: str) -> NotebookId:
        """Return the id of a notebook; raises NotebookNotFound."""
        if path_or_id.endswith(".ipynb"):
            return (await self._sessions.register(path_or_id))[0].notebook_id
        return (await self._sessions.registered_notebook(NotebookId(path_or_id))).notebook_id

    def meet(
        self,
        notebook_id: NotebookId,
        about: Introduction,
        actor: ActorId,
        channel: Channel,
        stream: int,
        received: int,
    ) -> RemoteMachine:
        """Take a machine's connection; a new machine's kernel becomes the notebook's.

        One that ran it for a server that died goes on with it.

        Args:
            stream, received: see `RemoteMachine.attach`.

        Raises:
            Conflict: it has a kernel that is not the notebook's any more.
            BadStream: it says that it has what was never sent.
        """
        known_id, known = self._machines.get(about.kernel_id, (notebook_id, None))
        if known_id != notebook_id or (known is not None and known.about != about):
            raise Conflict("This kernel is another notebook's.")
        if known is not None and not known.gone:
            known.attach(channel, stream, received)
            return known
        if known is not None:
            raise Conflict(NOT_ITS_KERNEL)
        machine = RemoteMachine(
            about,
            self._lease_seconds,
            self._note_presence,
            self._gateway.start_elsewhere,
            self._spawn,
            stream,
        )
        self._machines[about.kernel_id] = notebook_id, machine
        machine.attach(channel, stream, received)
        self._spawn(self._hand_over(notebook_id, machine, actor, again=stream > 0))
        return machine

    def revoked(self, token_id: str) -> None:
        """Stop the kernels of the machines that a token let in, which is revoked now."""
        for _, machine in list(self._machines.values()):
            if machine.token_id == token_id:
                self.dismiss(machine, "The token of its machine was revoked.")

    def dismiss(self, machine: RemoteMachine, cause: str) -> None:
        """Stop the notebook's kernel, if it is still that machine's."""
        self._spawn(self._dismiss(machine, cause))

    async def _dismiss(self, machine: RemoteMachine, cause: str) -> None:
        notebook_id, _ = self._machines.get(machine.about.kernel_id, (None, None))
        if notebook_id is None:
            return
        async with self._sessions.use(notebook_id) as session:
            await session.runtime.dismiss(machine, cause)

    async def _hand_over(
        self, notebook_id: NotebookId, machine: RemoteMachine, actor: ActorId, *, again: bool
    ) -> None:
        try:
            async with self._sessions.use(notebook_id) as session:
                if again:
                    await session.runtime.returned(machine)
                else:
                    await session.runtime.hand_over(machine, actor)
            if (cause := await machine.expired()) is not None:
                await self._gateway.give_up(machine, cause)
        except RuntError as error:
            machine.farewell = ("refused", error.message)
            await machine.let_go()
        finally:
            del self._machines[machine.about.kernel_id]

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self._tasks.create_task(logged(coroutine, "serve another machine"))

    def _note_presence(self, machine: RemoteMachine) -> None:
        notebook_id, _ = self._machines.get(machine.about.kernel_id, (None, None))
        for session in self._sessions.notebooks():
            if session.notebook_id == notebook_id:
                self._spawn(session.runtime.presence(machine))
