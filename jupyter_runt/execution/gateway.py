"""The kernels of notebooks, in this server's process: a `KernelGateway` over its kernel manager."""

import asyncio
import logging
import posixpath
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, Self

import zmq
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_core.utils import ensure_async

from jupyter_runt.errors import RuntimeLost
from jupyter_runt.execution.activity import Activity
from jupyter_runt.execution.connection import ZmqKernelConnection
from jupyter_runt.execution.kernel_manager import Gates
from jupyter_runt.protocols import Kernel

WATCH_SECONDS: Final = 0.5
"""How long the end of a kernel may go unnoticed (EX7); Jupyter's own restarter takes up to 3 s."""

GAVE_UP: Final = "The kernel ended again and again right after it was started."

log = logging.getLogger(__name__)


class Deaths(Protocol):
    """The part of `RuntimePort` that hears of kernels that ended by themselves."""

    def died(self, kernel_id: str, cause: str, *, restarting: bool) -> None:
        """See `RuntimePort.died`."""
        ...


@dataclass(slots=True)
class _Started:
    manager: Any
    """The `jupyter_client.KernelManager`."""

    connection: ZmqKernelConnection
    activity: Activity
    callbacks: dict[str, Callable[[], None]] = field(default_factory=dict)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    alive: bool = False

    def connect(self) -> None:
        """Meet the kernel's process."""
        self.activity.starting()
        self.connection.connect(self.manager.get_connection_info())
        self.alive = True

    def disconnect(self) -> None:
        """Let go of a process that is gone or about to go."""
        self.alive = False
        self.connection.disconnect()


class ServerKernelGateway:
    """A `KernelGateway` over the server's own session and kernel manager.

    They are instances of what `one_kernel_session_manager` and `owned_kernel_manager` return. Use
    it with `async with`: it ends with its connections closed; kernels that run are left to Jupyter.
    """

    def __init__(self, sessions: Any, deaths: Deaths) -> None:
        self._sessions = sessions
        self._kernels = sessions.kernel_manager
        self._deaths = deaths
        self._started: dict[str, _Started] = {}
        self._gates = Gates()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        """Open the gateway."""
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *exc: Any) -> None:
        """Close every connection."""
        for kernel_id in list(self._started):
            self._let_go(kernel_id, "The server stops.")
        await self._tasks.__aexit__(None, None, None)
        self._context.term()

    async def start(self, path: str, kernel_name: str | None, kernel_id: str) -> Kernel:
        """See `KernelGateway.start`."""
        folder = await ensure_async(self._sessions.contents_manager.get_kernel_path(path=path))
        env = self._sessions.get_kernel_env(path, posixpath.basename(path))
        try:
            await self._kernels.start_kernel(
                kernel_id=kernel_id, kernel_name=kernel_name, path=folder, env=env
            )
        except NoSuchKernel as error:
            raise RuntimeLost(f"There is no kernel named {error.name}.") from error
        except Exception as error:
            raise RuntimeLost(f"The kernel could not be started: {error}") from error
        manager = self._kernels.get_kernel(kernel_id)
        await _settled(manager)  # where Jupyter is configured not to wait for the process
        if (failure := manager.ready.exception()) is not None:
            await self._kernels.shutdown_owned(kernel_id)
            raise RuntimeLost(f"The kernel could not be started: {failure}") from failure
        activity = Activity(self._kernels, manager)
        connection = ZmqKernelConnection(self._context, activity.note)
        started = self._started[kernel_id] = _Started(manager, connection, activity)
        started.connect()
        self._watch(kernel_id, started)
        return Kernel(kernel_id, manager.kernel_name, started.connection)

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
            await _settled(started.manager)
            started.disconnect()
            try:
                answer = await self._kernels.restart_owned(kernel_id)
            except Exception as error:
                self._let_go(kernel_id, "The kernel could not be restarted.")
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
            await _settled(started.manager)
            self._let_go(kernel_id, "The kernel was shut down.")
            if kernel_id in self._kernels:
                await self._kernels.shutdown_owned(kernel_id)

    def _get(self, kernel_id: str) -> _Started:
        try:
            return self._started[kernel_id]
        except KeyError:
            raise RuntimeLost(f"There is no kernel {kernel_id}.", kernel_id=kernel_id) from None

    def _let_go(self, kernel_id: str, reason: str) -> None:
        started = self._started.pop(kernel_id)
        started.alive = False
        for event, callback in started.callbacks.items():
            started.manager.remove_restart_callback(callback, event)
        for task in started.tasks:
            task.cancel()
        started.connection.close(reason)

    def _watch(self, kernel_id: str, started: _Started) -> None:
        manager = started.manager

        def lost() -> None:
            if not started.alive:
                return
            started.disconnect()
            restarts = bool(manager.autorestart)
            self._deaths.died(kernel_id, _cause(manager), restarting=restarts)
            if not restarts:  # Jupyter would list it for ever
                self._spawn(self.stop(kernel_id))

        def restarting() -> None:
            lost()
            started.tasks.append(self._spawn(reconnect()))

        def dead() -> None:
            started.callbacks.clear()  # they are being called: none may be removed now
            self._let_go(kernel_id, GAVE_UP)
            self._deaths.died(kernel_id, f"{GAVE_UP} {_cause(manager)}", restarting=False)

        async def reconnect() -> None:
            await _settled(manager)
            started.connect()

        async def watch() -> None:
            while True:
                await asyncio.sleep(WATCH_SECONDS)
                if started.alive and manager.ready.done() and not await manager.is_alive():
                    lost()

        started.callbacks = {"restart": restarting, "dead": dead}
        for event, callback in started.callbacks.items():
            manager.add_restart_callback(callback, event)
        started.tasks.append(self._spawn(watch()))

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self._tasks.create_task(_logged(coroutine))


async def _settled(manager: Any) -> None:
    """Wait until no start or restart is under way, Jupyter's automatic one included."""
    while not manager.ready.done():
        ready = manager.ready
        waiting = ready if isinstance(ready, asyncio.Future) else asyncio.wrap_future(ready)
        await asyncio.wait([waiting])


async def _logged(coroutine: Coroutine[Any, Any, None]) -> None:
    """Keep one kernel's trouble from all others."""
    try:
        await coroutine
    except Exception:
        log.exception("A kernel could not be watched")


def _retrieve(answer: asyncio.Future[Any]) -> None:
    if not answer.cancelled():
        answer.exception()


def _cause(manager: Any) -> str:
    exits = getattr(manager.provisioner, "exits", None)
    return str(exits[-1]) if exits else "The kernel ended by itself."
