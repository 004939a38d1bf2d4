"""The kernels of notebooks, in this server's process: a `KernelGateway` over its kernel manager."""

import asyncio
import logging
import posixpath
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import zmq
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_core.utils import ensure_async

from jupyter_runt.errors import RuntimeLost
from jupyter_runt.execution.activity import Activity
from jupyter_runt.execution.connection import LinkedKernelConnection
from jupyter_runt.execution.doorstep import Doorstep
from jupyter_runt.execution.kernel_manager import Gates
from jupyter_runt.execution.remote import RemoteMachine, write_connection_file
from jupyter_runt.execution.started import StartedKernel, settled
from jupyter_runt.protocols import Kernel, Lease
from jupyter_runt.provisioning.agents import (
    AgentPlan,
    Survivor,
    end_survivor,
    survivors,
)
from jupyter_runt.wire import PROTOCOL, Channel, Record

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """How the agents of a server's kernels are."""

    journals: Path
    ttl: float
    journal_bytes: int
    root: str
    """Folder of the notebooks."""

    def plan(self, kernel_id: str, kernel_name: str | None, lease: Lease) -> AgentPlan:
        """Return what the agent of a kernel is to be."""
        return AgentPlan(
            self.journals,
            self.ttl,
            self.journal_bytes,
            kernel_id=kernel_id,
            kernel_name=kernel_name,
            notebook_id=lease.notebook_id,
            root=self.root,
        )


class Deaths(Protocol):
    """The part of `RuntimePort` that hears of kernels that ended by themselves."""

    def died(self, kernel_id: str, cause: str, *, restarting: bool, expired: bool = False) -> None:
        """See `RuntimePort.died`."""
        ...


class ServerKernelGateway:
    """A `KernelGateway` over the server's own session and kernel manager.

    They are instances of what `one_kernel_session_manager` and `owned_kernel_manager` return. Use
    it with `async with`: it ends with its connections closed; kernels that run are left to Jupyter.

    Args:
        agents: what agents beside kernels are to be; without it, or where the operating system
            has no Unix sockets, kernels are reached over ZeroMQ and end with the server.
    """

    def __init__(self, sessions: Any, deaths: Deaths, agents: AgentConfig | None = None) -> None:
        self._agents = agents
        self._sessions = sessions
        self._kernels = sessions.kernel_manager
        self._deaths = deaths
        self._started: dict[str, StartedKernel] = {}
        self._gates = Gates()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        """Open the gateway."""
        await self._tasks.__aenter__()
        self._sessions.on_rows = self._note_sessions
        self._kernels.connection_of = self._connection_of
        return self

    async def __aexit__(self, *exc: Any) -> None:
        """Close every connection."""
        for kernel_id in list(self._started):
            self.let_go(kernel_id, "The server stops.")
        await self._tasks.__aexit__(None, None, None)
        self._context.term()

    async def start(
        self, path: str, kernel_name: str | None, kernel_id: str, lease: Lease | None = None
    ) -> Kernel:
        """See `KernelGateway.start`."""
        folder, env = await self._surroundings(path)
        if lease is not None and self._agents is not None:
            env |= self._agents.plan(kernel_id, kernel_name, lease).to_env()
        try:
            await self._kernels.start_kernel(
                kernel_id=kernel_id, kernel_name=kernel_name, path=folder, env=env
            )
        except NoSuchKernel as error:
            raise RuntimeLost(f"There is no kernel named {error.name}.") from error
        except Exception as error:
            raise RuntimeLost(f"The kernel could not be started: {error}") from error
        manager = self._kernels.get_kernel(kernel_id)
        await settled(manager)  # where Jupyter is configured not to wait for the process
        if (failure := manager.ready.exception()) is not None:
            await self._kernels.shutdown_owned(kernel_id)
            raise RuntimeLost(f"The kernel could not be started: {failure}") from failure
        started = self._manage(kernel_id, manager, lease)
        started.connect()
        return Kernel(kernel_id, manager.kernel_name, started.connection)

    async def _surroundings(self, path: str) -> tuple[str, dict[str, str]]:
        """Return the API path of a notebook's working directory, and its environment."""
        folder = await ensure_async(self._sessions.contents_manager.get_kernel_path(path=path))
        env = self._sessions.get_kernel_env(path, posixpath.basename(path))
        return str(folder), dict(env)

    async def start_elsewhere(
        self, machine: RemoteMachine, lease: Lease, *, again: bool = False
    ) -> Kernel:
        """Have another machine start a kernel, and connect to it.

        Args:
            again: it goes on with the one that it ran for a server that died, unheard until
                `resume`.

        Raises:
            RuntimeLost: it could not be started; the message says why.
        """
        kernel_id = machine.about.kernel_id
        folder = Path(self._kernels.connection_dir)

        def hand_on(channel: Channel, parts: Sequence[bytes]) -> None:
            if (started := self._started.get(kernel_id)) is not None:
                started.connection.hand_on(channel, parts)

        doorstep = Doorstep(self._context, hand_on)
        file = str(folder / f"kernel-{kernel_id}.json")
        try:
            await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
            await asyncio.to_thread(write_connection_file, file, machine.about, doorstep.ports)
            manager = await self._kernels.start_elsewhere(
                machine, file, doorstep.close, again=again
            )
        except BaseException:
            doorstep.close()
            raise
        started = self._manage(kernel_id, manager, lease, doorstep.tell)
        if again:
            try:
                await self._sessions.restore(kernel_id, await started.meet_again())
            except RuntimeLost as error:
                await self._drop(started, machine, f"{machine.about.host}: {error.message}")
                raise
        else:
            started.connect()
        return Kernel(kernel_id, manager.kernel_name, started.connection)

    async def give_up(self, machine: RemoteMachine, cause: str) -> None:
        """Forget the kernel of a machine that runs it no more; `died` is told of it."""
        kernel_id = machine.about.kernel_id
        if (started := self._started.get(kernel_id)) is None:
            return
        await self._drop(started, machine, cause)
        self._deaths.died(kernel_id, cause, restarting=False, expired=True)

    async def _drop(self, started: StartedKernel, machine: RemoteMachine, cause: str) -> None:
        kernel_id = machine.about.kernel_id
        machine.farewell = ("expired", cause)
        self.let_go(kernel_id, cause)
        await started.manager.provisioner.cleanup()
        started.manager.cleanup_connection_file()
        self.forget(kernel_id)

    def _manage(
        self,
        kernel_id: str,
        manager: Any,
        lease: Lease | None,
        overhear: Callable[[Record], None] | None = None,
    ) -> StartedKernel:
        activity = Activity(self._kernels, manager)
        connection = LinkedKernelConnection(self._context, activity.note)
        fence = 0 if lease is None else lease.fence
        started = StartedKernel(kernel_id, manager, connection, activity, fence, self, overhear)
        self._started[kernel_id] = started
        started.watch()
        return started

    async def survivors(self) -> list[Survivor]:
        """Return the agents that live, of other servers of these notebooks too."""
        config = self._agents
        if config is None:
            return []
        living = await asyncio.to_thread(survivors, config.journals)
        return [each for each in living if each.root == config.root]

    async def adopt(self, path: str, kernel_id: str, lease: Lease) -> Kernel | None:
        """See `KernelGateway.adopt`."""
        found = [each for each in await self.survivors() if each.kernel_id == kernel_id]
        if not found:
            return None
        try:
            return await self._adopt(path, found[0], lease)
        except Exception as error:
            self.leave(kernel_id)
            await end_survivor(found[0])
            raise RuntimeLost(f"The kernel outlived its server, but {_why(error)}.") from error

    async def _adopt(self, path: str, survivor: Survivor, lease: Lease) -> Kernel:
        if survivor.protocol != PROTOCOL:
            raise RuntimeLost(
                f"its agent speaks protocol {survivor.protocol}, this version {PROTOCOL}"
            )
        kernel_id = survivor.kernel_id
        folder, env = await self._surroundings(path)
        if self._agents is not None:
            env |= self._agents.plan(kernel_id, survivor.kernel_name, lease).to_env()
        manager = await self._kernels.adopt(survivor, path=folder, env=env)
        started = self._manage(kernel_id, manager, lease)
        await self._sessions.restore(kernel_id, await started.meet_again())
        return Kernel(kernel_id, manager.kernel_name, started.connection)

    def leave(self, kernel_id: str) -> None:
        """See `KernelGateway.leave`."""
        if kernel_id in self._started:
            self.let_go(kernel_id, "The kernel could not be taken over.")
        if kernel_id in self._kernels:
            self._kernels.forget(kernel_id)

    def _connection_of(self, kernel_id: str) -> LinkedKernelConnection | None:
        started = self._started.get(kernel_id)
        return None if started is None else started.connection

    def _note_sessions(self, kernel_id: str) -> None:
        if kernel_id in self._started:
            self._started[kernel_id].note_sessions()

    async def interrupt(self, kernel_id: str) -> None:
        """See `KernelGateway.interrupt`."""
        self._get(kernel_id)
        try:
            await self._kernels.interrupt_owned(kernel_id)
        except Exception as error:
            raise RuntimeLost(f"The kernel could not be interrupted: {error}") from error

    async def restart(self, kernel_id: str) -> None:
        """See `KernelGateway.restart`."""
        async with self._gates[kernel_id]:
            started = self._get(kernel_id)
            await settled(started.manager)
            started.disconnect()
            try:
                answer = await self._kernels.restart_owned(kernel_id)
            except Exception as error:
                self.let_go(kernel_id, "The kernel could not be restarted.")
                await self._kernels.shutdown_owned(kernel_id, now=True)
                raise RuntimeLost(f"The kernel could not be restarted: {error}") from error
            if isinstance(answer, asyncio.Future):  # Jupyter waits for an answer; we do in `ready`
                answer.add_done_callback(_retrieve)
            started.connect()

    async def stop(self, kernel_id: str) -> None:
        """See `KernelGateway.stop`."""
        async with self._gates[kernel_id]:
            started = self._started.get(kernel_id)
            if started is None:
                return
            await settled(started.manager)
            self.let_go(kernel_id, "The kernel was shut down.")
            if kernel_id in self._kernels:
                await self._kernels.shutdown_owned(kernel_id)

    def _get(self, kernel_id: str) -> StartedKernel:
        try:
            return self._started[kernel_id]
        except KeyError:
            raise RuntimeLost(f"There is no kernel {kernel_id}.", kernel_id=kernel_id) from None

    # what its kernels need

    def let_go(self, kernel_id: str, reason: str) -> None:
        """See `Keeper`."""
        self._started.pop(kernel_id).let_go(reason)

    def forget(self, kernel_id: str) -> None:
        """See `Keeper`."""
        self._kernels.forget(kernel_id)

    def sessions_of(self, kernel_id: str) -> list[dict[str, Any]]:
        """See `Keeper`."""
        return list(self._sessions.rows_of(kernel_id))

    def died(self, kernel_id: str, cause: str, *, restarting: bool) -> None:
        """See `Keeper`."""
        self._deaths.died(kernel_id, cause, restarting=restarting)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """See `Keeper`."""
        return self._tasks.create_task(_logged(coroutine))


async def _logged(coroutine: Coroutine[Any, Any, None]) -> None:
    """Keep one kernel's trouble from all others."""
    try:
        await coroutine
    except Exception:
        log.exception("A kernel could not be watched")


def _retrieve(answer: asyncio.Future[Any]) -> None:
    if not answer.cancelled():
        answer.exception()


def _why(error: Exception) -> str:
    """Return why a kernel could not be adopted, without the paths of our files."""
    if isinstance(error, RuntimeLost):
        return error.message
    return f"it cannot be reached: {getattr(error, 'strerror', None) or error}"
