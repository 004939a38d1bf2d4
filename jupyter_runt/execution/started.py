"""A kernel that the server started or adopted: its connection, and how its end is noticed."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

from jupyter_runt.execution.activity import Activity
from jupyter_runt.execution.agent_link import AgentDoor, AgentEnd
from jupyter_runt.execution.connection import LinkedKernelConnection
from jupyter_runt.wire import Record

WATCH_SECONDS: Final = 0.5
"""How long the end of a kernel may go unnoticed (EX7); Jupyter's own restarter takes up to 3 s."""

GAVE_UP: Final = "The kernel ended again and again right after it was started."

AGENT_LOST: Final = "The process keeping the kernel's outputs was killed, and the kernel with it."


class Keeper(Protocol):
    """The gateway, as one of its kernels needs it."""

    def let_go(self, kernel_id: str, reason: str) -> None:
        """Close the connection for ever, and watch no more."""
        ...

    def forget(self, kernel_id: str) -> None:
        """Have Jupyter list the kernel no more, without ending it."""
        ...

    async def stop(self, kernel_id: str) -> None:
        """Have Jupyter shut the kernel down."""
        ...

    def sessions_of(self, kernel_id: str) -> list[dict[str, Any]]:
        """Return Jupyter's sessions of the kernel."""
        ...

    def died(self, kernel_id: str, cause: str, *, restarting: bool) -> None:
        """See `RuntimePort.died`."""
        ...

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something for as long as the gateway is open."""
        ...


class StartedKernel:
    """One kernel, for its whole life here, restarts included.

    Args:
        manager: its `jupyter_client.KernelManager`.
        fence: with which its agents know us.
        overhear: told all that a kernel with an agent says, as it says it.
    """

    def __init__(
        self,
        kernel_id: str,
        manager: Any,
        connection: LinkedKernelConnection,
        activity: Activity,
        fence: int,
        keeper: Keeper,
        overhear: Callable[[Record], None] | None = None,
    ) -> None:
        self.manager = manager
        self.connection = connection
        self._kernel_id = kernel_id
        self._activity = activity
        self._fence = fence
        self._keeper = keeper
        self._overhear = overhear
        self._alive = False
        self._callbacks: dict[str, Callable[[], None]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def connect(self) -> None:
        """Meet the kernel's process."""
        self._activity.starting()
        agent = getattr(self.manager.provisioner, "agent", None)
        door = None if agent is None else self._door(agent)
        self.connection.connect(self.manager.get_connection_info(), door)
        self.note_sessions()
        self._alive = True

    async def meet_again(self) -> list[dict[str, Any]]:
        """Meet the agent of a kernel that outlived its server, and return the sessions it had.

        Raises:
            RuntimeLost: the agent does not let us in.
        """
        door = self._door(self.manager.provisioner.agent)
        note = await self.connection.adopt(self.manager.get_connection_info(), door)
        self._alive = True
        return list(note.get("sessions", ()))

    def disconnect(self) -> None:
        """Let go of a process that is gone or about to go."""
        self._alive = False
        self.connection.disconnect()

    def note_sessions(self) -> None:
        """Have the agent know the sessions, which a server that adopts the kernel has not."""
        self.connection.note({"sessions": self._keeper.sessions_of(self._kernel_id)})

    def watch(self) -> None:
        """Notice from now on how the kernel ends."""
        self._callbacks = {"restart": self._restarting, "dead": self._dead}
        for event, callback in self._callbacks.items():
            self.manager.add_restart_callback(callback, event)
        self._tasks.append(self._keeper.spawn(self._look()))

    def let_go(self, reason: str) -> None:
        """Let go of the kernel for ever."""
        self._alive = False
        for event, callback in self._callbacks.items():
            self.manager.remove_restart_callback(callback, event)
        for task in self._tasks:
            task.cancel()
        self.connection.close(reason)

    def _door(self, agent: Any) -> AgentDoor:
        return AgentDoor(agent.connect, self._fence, self._ended, self._overhear)

    def _ended(self, end: AgentEnd) -> None:
        """Hear from the agent, or of it, that there is no more to come."""
        if end.refusal is not None:
            reason = f"The kernel is another server's: {end.refusal}."
            self._keeper.let_go(self._kernel_id, reason)
            self._keeper.forget(self._kernel_id)
            self._keeper.died(self._kernel_id, reason, restarting=False)
        elif end.code is None:
            self._keeper.spawn(self.manager.provisioner.kill())  # the kernel, if it is left
            self._lost(AGENT_LOST)
        else:
            self.manager.provisioner.ended(end.code, oom=end.oom)
            self._lost(self._cause())

    def _lost(self, cause: str) -> None:
        if not self._alive:
            return
        self.disconnect()
        restarts = bool(self.manager.autorestart)
        self._keeper.died(self._kernel_id, cause, restarting=restarts)
        if not restarts:  # Jupyter would list it for ever
            self._keeper.spawn(self._keeper.stop(self._kernel_id))

    def _restarting(self) -> None:
        self._lost(self._cause())
        self._tasks.append(self._keeper.spawn(self._reconnect()))

    async def _reconnect(self) -> None:
        await settled(self.manager)
        self.connect()

    def _dead(self) -> None:
        self._callbacks.clear()  # they are being called: none may be removed now
        self._keeper.let_go(self._kernel_id, GAVE_UP)
        self._keeper.died(self._kernel_id, f"{GAVE_UP} {self._cause()}", restarting=False)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if self._alive and self.manager.ready.done() and not await self.manager.is_alive():
                self._lost(self._cause())

    def _cause(self) -> str:
        exits = getattr(self.manager.provisioner, "exits", None)
        return str(exits[-1]) if exits else "The kernel ended by itself."


async def settled(manager: Any) -> None:
    """Wait until no start or restart is under way, Jupyter's automatic one included."""
    while not manager.ready.done():
        ready = manager.ready
        waiting = ready if isinstance(ready, asyncio.Future) else asyncio.wrap_future(ready)
        await asyncio.wait([waiting])
