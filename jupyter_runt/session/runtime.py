"""The one runtime of a notebook: what people and Jupyter ask of it, one change at a time."""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from types import TracebackType
from typing import Any, Final, Self

from jupyter_runt.errors import Conflict, RuntError, StoreUnavailable
from jupyter_runt.events.runtime import EndReason
from jupyter_runt.execution.queue import RuntimeSession
from jupyter_runt.execution.remote import RemoteMachine
from jupyter_runt.ids import ActorId, CellId, ExecutionId, done_by, new_id
from jupyter_runt.protocols import KernelConnection
from jupyter_runt.session.decide import RuntimeAction
from jupyter_runt.session.hosting import BackgroundTasks, logged
from jupyter_runt.session.ownership import Ownership
from jupyter_runt.session.runtime_record import OwnedKernel, RuntimeHost
from jupyter_runt.session.services import RuntimeServices
from jupyter_runt.session.takeover import (
    NOT_ITS_KERNEL,
    AbsentMachine,
    absent_machine,
    left_by_others,
)

log = logging.getLogger(__name__)

SETTLE: Final = 5.0
"""Seconds for what a kernel said until its server stops to come into the log."""


class NotebookRuntime:
    """Starts, restarts and stops a notebook's kernel, one change at a time."""

    def __init__(
        self, host: RuntimeHost, services: RuntimeServices, group: asyncio.TaskGroup
    ) -> None:
        self._host = host
        self._services = services
        self._tasks = BackgroundTasks(group)
        self._released: OwnedKernel | None = None
        """The kernel that is to stop once it has nothing to run."""
        self._absent: AbsentMachine | None = None
        self._ownership = Ownership(host, services, self, self._after_record, self._spawn)
        self._changing, self._record = self._ownership.changing, self._ownership.record
        self._runner = self._ownership.runner

    async def __aenter__(self) -> Self:
        """Begin to run what waits; what a dead server left behind is met first (EX2)."""
        self._absent = await absent_machine(self._host, self._services)
        if self._absent is None:
            await self._ownership.take_over(left_by_others(self._host.writer.state))
        else:
            await self._changing.acquire()  # until it is known what becomes of the kernel
            self._spawn(self._wait_for(self._absent), "wait for another machine")
        self._tasks.create_task(self._runner.run(), name=f"runner of {self._host.path}")
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Stop the kernel: it is this server's child. The log says so if the store can write."""
        self._give_up_waiting("The server was shut down.")
        # A runner that waits for a store that is full would wait for ever.
        patience = asyncio.get_running_loop().call_later(SETTLE, self._tasks.cancel)
        try:
            await self.stop("shutdown", "The server was shut down.")
        except StoreUnavailable as error:
            log.warning("%s: its kernel's end is not logged: %s", self.path, error.message)
        finally:
            patience.cancel()
            self._tasks.cancel()

    @property
    def _owned(self) -> OwnedKernel | None:
        return self._ownership.owned

    @property
    def alive(self) -> bool:
        """Whether there is a kernel, if perhaps out of reach."""
        return self._owned is not None or self._absent is not None

    @property
    def path(self) -> str:
        """Where the notebook is, root-relative."""
        return self._host.path

    @property
    def kernel_id(self) -> str | None:
        """The id of the kernel, if there is one."""
        return None if self._owned is None else self._owned.kernel.kernel_id

    @property
    def connection(self) -> KernelConnection | None:
        """How the kernel is talked to, if there is one."""
        return None if self._owned is None else self._owned.kernel.connection

    @property
    def busy(self) -> bool:
        """Whether the notebook has cells to run."""
        return bool(self._host.writer.state.queue)

    # what people ask for

    async def act(self, action: RuntimeAction, actor: ActorId, because: str) -> None:
        """Do what a command led to, which the log then says; raises RuntError if it cannot."""
        if action.kind in {"restart", "stop", "evict"}:
            self._give_up_waiting(done_by("The kernel was given up", actor))
        match action.kind:
            case "run":
                self._run_soon(actor)
                await asyncio.sleep(0)  # the runner's commit goes on while the reply is written
            case "start":
                await self.ensure(action.kernel_name, None, actor, because)
            case "interrupt":
                await self.interrupt()
            case "restart":
                await self._restart_or_start(actor, because)
            case "stop":
                await self.stop("shutdown", "The kernel was shut down.", because)
            case "evict":
                await self.stop("evicted", done_by("The runtime was evicted", actor), because)
            case "reply" if action.execution_id is not None:
                self._runner.reply_input(action.execution_id, action.value or "")

    @property
    def free(self) -> RuntimeSession | None:
        """The session of a kernel that waits for work, if there is one."""
        return None if self._changing.locked() else self._runner.free

    def take(self, session: RuntimeSession, execution_id: ExecutionId) -> None:
        """Run what was recorded as started in a session that was free."""
        self._runner.take(session, execution_id, self._host.writer.state)

    def outputs_cleared(self, cell_ids: Iterable[CellId] | None) -> None:
        """Note that outputs went that the runner did not remove."""
        self._runner.outputs_cleared(cell_ids)

    def _run_soon(self, actor: ActorId) -> None:
        if self._owned is not None and not self._changing.locked():
            self._runner.wake()
        else:  # a kernel that is being stopped will not run it
            self._spawn(self._run_queue(actor), "start the kernel")

    async def _run_queue(self, actor: ActorId) -> None:
        async with self._changing:
            if self._owned is None and self.busy:
                await self._start_for_queue(actor)
        self._runner.wake()

    async def _start_for_queue(self, actor: ActorId) -> None:
        try:
            await self._ownership.start(None, new_id(), actor)
        except RuntError as error:
            if not self.busy:
                raise
            await self._record.gave_up(error.message)

    async def ensure(
        self, name: str | None, kernel_id: str | None, actor: ActorId, because: str | None = None
    ) -> str:
        """Return the id of the kernel, started if there was none.

        Raises:
            LeaseHeld: another server owns the notebook.
            RuntimeLost: the kernel could not be started.
        """
        async with self._changing, self._record.because(because):
            self._released = None
            owned = self._owned or await self._ownership.start(name, kernel_id or new_id(), actor)
            return owned.kernel.kernel_id

    async def interrupt(self) -> None:
        """Interrupt the kernel; raises RuntimeLost if there is none.

        One that starts is left alone: it runs nothing yet, and the signal would end it.
        """
        owned, runtime = self._ownership.existing, self._host.writer.state.runtime
        if runtime is not None and runtime.status not in ("starting", "restarting"):
            await self._services.gateway.interrupt(owned.kernel.kernel_id)

    async def restart(self, actor: ActorId) -> None:
        """Restart the kernel, ending what runs and waits; raises RuntimeLost if there is none."""
        async with self._changing:
            await self._ownership.restart(self._ownership.existing, actor, keep_waiting=False)

    async def switch(self, kernel_name: str, actor: ActorId) -> str:
        """Replace the kernel by one of another name; return the new id."""
        async with self._changing:
            await self._ownership.stop("shutdown", "The kernel was changed.")
            owned = await self._ownership.start(kernel_name, new_id(), actor)
            return owned.kernel.kernel_id

    async def returned(self, machine: RemoteMachine) -> None:
        """Go on with the kernel of a machine that ran it for a server that died.

        Raises:
            Conflict: the notebook does not wait for it.
        """
        absent = self._absent
        if absent is None:
            raise Conflict(NOT_ITS_KERNEL)
        absent.came(machine)
        async with self._changing:
            if self._owned is None or self._owned.machine is not machine:
                raise Conflict(NOT_ITS_KERNEL)

    async def hand_over(self, machine: RemoteMachine, actor: ActorId) -> None:
        """Run the notebook on another machine from now on; raises as `ensure`."""
        async with self._changing:
            self._released = None
            about = machine.about
            if about.kernel_id in self._services.owners:
                raise Conflict("There is a kernel of this id.")
            await self._ownership.stop("displaced", f"The notebook runs on {about.host} now.")
            await self._ownership.start(about.kernel_name, about.kernel_id, actor, machine)

    async def dismiss(self, machine: RemoteMachine, cause: str) -> None:
        """Stop the kernel if it is that of a machine which may not run it any more."""
        async with self._changing:
            if self._owned is not None and self._owned.machine is machine:
                await self._ownership.stop("evicted", cause)

    async def presence(self, machine: RemoteMachine) -> None:
        """Note that a machine, perhaps that of the kernel, came or went."""
        async with self._changing:
            if self._owned is not None and self._owned.machine is machine:
                await self._record.presence(self._owned, machine)

    async def stop(self, reason: EndReason, cause: str, because: str | None = None) -> None:
        """Stop the kernel, ending what runs and waits; nothing happens if there is none."""
        async with self._changing, self._record.because(because):
            await self._ownership.stop(reason, cause)

    def release(self) -> None:
        """Stop the kernel once it has nothing to run."""
        self._released = self._owned
        self._spawn(self._stop_if_released(), "stop a released kernel")

    def died(self, cause: str, *, restarting: bool, expired: bool = False) -> None:
        """The kernel's process ended by itself, or what ran it was not heard of for too long."""
        reason: EndReason = "expired" if expired else "crashed"
        self._spawn(self._after_death(cause, reason, restarting=restarting), "note a death")

    async def _after_death(self, cause: str, reason: EndReason, *, restarting: bool) -> None:
        async with self._changing:
            await self._ownership.died(cause, reason, restarting=restarting)

    # one change at a time

    async def _restart_or_start(self, actor: ActorId, because: str) -> None:
        async with self._changing, self._record.because(because):
            if self._owned is None:
                await self._start_for_queue(actor)
            else:
                await self._ownership.restart(self._owned, actor, keep_waiting=True)

    async def _wait_for(self, absent: AbsentMachine) -> None:
        try:
            machine = await absent.machine()
            if machine is None:
                await self._record.recover(absent.reason)
                await self._services.leases.release(absent.lease)
            else:
                await self._ownership.take_over(absent.left, machine)
        finally:
            self._absent = None
            self._changing.release()

    def _give_up_waiting(self, reason: str) -> None:
        if self._absent is not None:
            self._absent.give_up(reason)

    async def _stop_if_released(self) -> None:
        async with self._changing:
            if self._is_released:
                await self._ownership.stop("shutdown", "Its last session was closed.")

    @property
    def _is_released(self) -> bool:
        return self._owned is not None and self._released is self._owned and not self.busy

    def _after_record(self) -> None:
        if self._is_released:
            self._spawn(self._stop_if_released(), "stop a released kernel")

    def _spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.create_task(logged(coroutine, name), name=name)
