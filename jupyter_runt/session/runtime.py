"""The one runtime of a notebook: its lease, its kernel, and the runner between them."""

import asyncio
from collections.abc import Coroutine, Iterable
from types import TracebackType
from typing import Any, Self

from jupyter_runt.document.materialize import Runtime
from jupyter_runt.errors import Conflict, RuntError, RuntimeLost, StaleFence
from jupyter_runt.events.runtime import EndReason
from jupyter_runt.execution.queue import RuntimeSession
from jupyter_runt.execution.remote import RemoteMachine
from jupyter_runt.execution.runner import Runner
from jupyter_runt.ids import ActorId, CellId, ExecutionId, done_by, new_id
from jupyter_runt.protocols import KernelConnection
from jupyter_runt.session.decide import RuntimeAction
from jupyter_runt.session.hosting import BackgroundTasks, logged
from jupyter_runt.session.kernel_effects import KernelEffects
from jupyter_runt.session.runtime_record import (
    OwnedKernel,
    RuntimeHost,
    RuntimeRecord,
    new_session,
    preferred_kernel,
)
from jupyter_runt.session.services import RuntimeServices
from jupyter_runt.session.takeover import (
    NOT_ITS_KERNEL,
    AbsentMachine,
    absent_machine,
    lease_info,
    left_by_others,
    take_over,
)


class NotebookRuntime:
    """Starts, restarts and stops a notebook's kernel, one change at a time."""

    def __init__(
        self, host: RuntimeHost, services: RuntimeServices, group: asyncio.TaskGroup
    ) -> None:
        self._host = host
        self._services = services
        self._tasks = BackgroundTasks(group)
        self._changing = asyncio.Lock()
        self._owned: OwnedKernel | None = None
        self._releasing = False
        self._absent: AbsentMachine | None = None
        self._record = RuntimeRecord(host, services.host)
        self._effects = KernelEffects(host, services.artifacts, self._session, self._after_record)
        self._runner = Runner(self._effects, services.artifacts.limits)
        self._effects.on_lost_outputs = self._runner.outputs_cleared

    async def __aenter__(self) -> Self:
        """Begin to run what waits; what a dead server left behind is met first (EX2)."""
        self._absent = await absent_machine(self._host, self._services)
        if self._absent is None:
            await self._take_over(left_by_others(self._host.writer.state))
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
        """Stop the kernel: it is this server's child."""
        self._give_up_waiting("The server was shut down.")
        try:
            await self.stop("shutdown", "The server was shut down.")
        finally:
            self._tasks.cancel()

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
            await self._start(None, new_id(), actor)
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
            self._releasing = False
            owned = self._owned or await self._start(name, kernel_id or new_id(), actor)
            return owned.kernel.kernel_id

    async def interrupt(self) -> None:
        """Interrupt the kernel; raises RuntimeLost if there is none."""
        await self._services.gateway.interrupt(self._existing().kernel.kernel_id)

    async def restart(self, actor: ActorId) -> None:
        """Restart the kernel, ending what runs and waits; raises RuntimeLost if there is none."""
        async with self._changing:
            await self._restart(self._existing(), actor, keep_waiting=False)

    async def switch(self, kernel_name: str, actor: ActorId) -> str:
        """Replace the kernel by one of another name; return the new id."""
        async with self._changing:
            await self._stop("shutdown", "The kernel was changed.")
            owned = await self._start(kernel_name, new_id(), actor)
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
            self._releasing = False
            about = machine.about
            if about.kernel_id in self._services.owners:
                raise Conflict("There is a kernel of this id.")
            await self._stop("displaced", f"The notebook runs on {about.host} now.")
            await self._start(about.kernel_name, about.kernel_id, actor, machine)

    async def presence(self, machine: RemoteMachine) -> None:
        """Note that a machine, perhaps that of the kernel, came or went."""
        async with self._changing:
            if self._owned is not None and self._owned.machine is machine:
                await self._record.presence(self._owned, machine)

    async def stop(self, reason: EndReason, cause: str, because: str | None = None) -> None:
        """Stop the kernel, ending what runs and waits; nothing happens if there is none."""
        async with self._changing, self._record.because(because):
            await self._stop(reason, cause)

    def release(self) -> None:
        """Stop the kernel once it has nothing to run."""
        self._releasing = True
        self._spawn(self._stop_if_released(), "stop a released kernel")

    def died(self, cause: str, *, restarting: bool, expired: bool = False) -> None:
        """The kernel's process ended by itself, or what ran it was not heard of for too long."""
        reason: EndReason = "expired" if expired else "crashed"
        self._spawn(self._after_death(cause, reason, restarting=restarting), "note a death")

    # one change at a time

    async def _restart_or_start(self, actor: ActorId, because: str) -> None:
        async with self._changing, self._record.because(because):
            if self._owned is None:
                await self._start_for_queue(actor)
            else:
                await self._restart(self._owned, actor, keep_waiting=True)

    async def _start(
        self,
        kernel_name: str | None,
        kernel_id: str,
        actor: ActorId,
        machine: RemoteMachine | None = None,
    ) -> OwnedKernel:
        services = self._services
        info = lease_info(services, machine)
        lease = await services.leases.acquire(self._host.notebook_id, "runtime", info)
        services.owners[kernel_id] = self
        try:
            if machine is None:
                name = kernel_name or await preferred_kernel(self._host)
                kernel = await services.gateway.start(self._host.path, name, kernel_id, lease)
            else:
                kernel = await machine.launch(lease)
        except BaseException:
            del services.owners[kernel_id]
            await services.leases.release(lease)
            raise
        owned = self._owned = OwnedKernel(kernel, lease, actor, new_session(lease), machine)
        try:
            await self._record.started(owned)
        except BaseException:  # a kernel that the log does not know must not run
            await services.gateway.stop(kernel_id)
            await self._forget(owned)
            raise
        self._attach_when_ready(owned)
        return owned

    async def _take_over(self, left: Runtime | None, machine: RemoteMachine | None = None) -> None:
        """Go on with the kernel that a dead server left, or note that it is lost."""
        taken = await take_over(left, self._host, self._services, self._record, self, machine)
        if taken is None:
            return
        owned = self._owned = taken.owned
        if taken.starting:
            owned.kernel.connection.resume()
            self._attach_when_ready(owned)
        else:
            self._runner.resume(owned.session, owned.kernel.connection, taken.begun)

    async def _wait_for(self, absent: AbsentMachine) -> None:
        try:
            machine = await absent.machine()
            if machine is None:
                await self._record.recover(absent.reason)
                await self._services.leases.release(absent.lease)
            else:
                await self._take_over(absent.left, machine)
        finally:
            self._absent = None
            self._changing.release()

    def _give_up_waiting(self, reason: str) -> None:
        if self._absent is not None:
            self._absent.give_up(reason)

    async def _restart(self, owned: OwnedKernel, actor: ActorId, *, keep_waiting: bool) -> None:
        await self._record.status(owned, "restarting")
        cause = done_by("The kernel was restarted", actor)
        await self._runner.detach(cause, "cancelled", keep_waiting=keep_waiting)
        await self._record.ended(owned, "restart", cause)
        await self._renew(owned)
        owned.owner = actor
        try:
            await self._services.gateway.restart(owned.kernel.kernel_id)
        except RuntError as error:
            await self._forget(owned)
            await self._record.gave_up(error.message)
            raise
        await self._record.started(owned)
        self._attach_when_ready(owned)

    async def _stop(self, reason: EndReason, cause: str) -> None:
        owned = self._owned
        if owned is None:
            return
        await self._runner.detach(cause, "cancelled")
        if owned.machine is not None:
            owned.machine.farewell = (reason, cause)
        await self._services.gateway.stop(owned.kernel.kernel_id)
        try:
            await self._record.ended(owned, reason, cause)
        finally:
            await self._forget(owned)

    async def _after_death(self, cause: str, reason: EndReason, *, restarting: bool) -> None:
        async with self._changing:
            owned = self._owned
            if owned is None:
                return
            try:
                await self._runner.detach(cause, "lost")
                await self._record.ended(owned, reason, cause)
            except StaleFence:
                restarting = False
            if not restarting:
                await self._forget(owned)
                return
            await self._renew(owned)
            await self._record.started(owned)
            self._attach_when_ready(owned)

    async def _stop_if_released(self) -> None:
        async with self._changing:
            if self._releasing and not self.busy:
                await self._stop("shutdown", "Its last session was closed.")

    def _attach_when_ready(self, owned: OwnedKernel) -> None:
        self._spawn(self._attach(owned, owned.session), "attach the runner")

    async def _attach(self, owned: OwnedKernel, session: RuntimeSession) -> None:
        """Use a kernel once it answers, or stop one that never does."""
        problem: str | None = None
        try:
            await owned.kernel.connection.ready()
        except RuntimeLost as error:
            problem = error.message
        async with self._changing:
            if self._owned is not owned or owned.session is not session:
                return
            if problem is None:
                await self._record.status(owned, "ready")
                self._runner.attach(session, owned.kernel.connection)
            else:  # what is asked for next needs another one
                await self._stop("crashed", problem)
                await self._record.gave_up(problem)

    async def _renew(self, owned: OwnedKernel) -> None:
        """Make the next incarnation of the kernel a new owner: the old fence is refused now."""
        owned.lease = await self._services.leases.acquire(
            self._host.notebook_id, "runtime", owned.lease.info
        )
        owned.session = new_session(owned.lease)

    async def _forget(self, owned: OwnedKernel) -> None:
        self._owned = None
        self._releasing = False
        self._services.owners.pop(owned.kernel.kernel_id, None)
        await self._services.leases.release(owned.lease)

    def _existing(self) -> OwnedKernel:
        if self._owned is None:
            raise RuntimeLost("The notebook has no kernel.")
        return self._owned

    def _session(self) -> RuntimeSession:
        return self._existing().session

    def _after_record(self) -> None:
        if self._releasing and not self.busy:
            self._spawn(self._stop_if_released(), "stop a released kernel")

    def _spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.create_task(logged(coroutine, name), name=name)
