"""The kernel that owns a notebook: its lease, its incarnations, and what the log says of them."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

from jupyter_runt.document.materialize import Runtime
from jupyter_runt.errors import RuntError, RuntimeLost, StaleFence, StoreUnavailable
from jupyter_runt.events.runtime import EndReason
from jupyter_runt.execution import queue
from jupyter_runt.execution.queue import RuntimeSession
from jupyter_runt.execution.remote import RemoteMachine
from jupyter_runt.execution.runner import Runner
from jupyter_runt.ids import ActorId, done_by
from jupyter_runt.session.kernel_effects import KernelEffects
from jupyter_runt.session.runtime_record import (
    OwnedKernel,
    RuntimeHost,
    RuntimeRecord,
    new_session,
    preferred_kernel,
)
from jupyter_runt.session.services import RuntimeServices
from jupyter_runt.session.takeover import lease_info, take_over

if TYPE_CHECKING:
    from jupyter_runt.session.runtime import NotebookRuntime


class Ownership:
    """What a notebook's kernel goes through. Callers hold `changing`: one change at a time.

    Args:
        runtime: whose the kernels are.
        after_record: called after each recorded step of the queue.
        spawn: runs a task, of which the second argument says what it is to do.
    """

    def __init__(
        self,
        host: RuntimeHost,
        services: RuntimeServices,
        runtime: "NotebookRuntime",
        after_record: Callable[[], None],
        spawn: Callable[[Coroutine[Any, Any, None], str], None],
    ) -> None:
        self.changing = asyncio.Lock()
        self.owned: OwnedKernel | None = None
        self.record = RuntimeRecord(host, services.host)
        self._effects = KernelEffects(host, services.artifacts, self._session, after_record)
        self.runner = Runner(self._effects, services.artifacts.limits)
        self._effects.on_lost_outputs = self.runner.outputs_cleared
        self._host = host
        self._services = services
        self._runtime = runtime
        self._spawn = spawn

    @property
    def existing(self) -> OwnedKernel:
        """The kernel; raises RuntimeLost if there is none."""
        if self.owned is None:
            raise RuntimeLost("The notebook has no kernel.")
        return self.owned

    def _session(self) -> RuntimeSession:
        return self.existing.session

    async def take_over(self, left: Runtime | None, machine: RemoteMachine | None = None) -> None:
        """Go on with the kernel that a dead server left, or note that it is lost."""
        host, services = self._host, self._services
        taken = await take_over(left, host, services, self.record, self._runtime, machine)
        if taken is None:
            return
        owned = self.owned = taken.owned
        if taken.starting:
            owned.kernel.connection.resume()
            self._attach_when_ready(owned)
        else:
            self.runner.resume(owned.session, owned.kernel.connection, taken.begun)

    async def start(
        self,
        kernel_name: str | None,
        kernel_id: str,
        actor: ActorId,
        machine: RemoteMachine | None = None,
    ) -> OwnedKernel:
        """Start a kernel where there is none.

        Raises:
            LeaseHeld: another server owns the notebook.
            RuntimeLost: the kernel could not be started.
        """
        services = self._services
        info = lease_info(services, machine)
        lease = await services.leases.acquire(self._host.notebook_id, "runtime", info)
        services.owners[kernel_id] = self._runtime
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
        owned = self.owned = OwnedKernel(kernel, lease, actor, new_session(lease), machine)
        try:
            await self.record.started(owned)
        except BaseException:  # a kernel that the log does not know must not run
            await services.gateway.stop(kernel_id)
            await self._forget(owned)
            raise
        self._attach_when_ready(owned)
        return owned

    async def restart(self, owned: OwnedKernel, actor: ActorId, *, keep_waiting: bool) -> None:
        """Replace the kernel's process by a new one; raises RuntimeLost if there is none then."""
        await self.record.status(owned, "restarting")
        cause = done_by("The kernel was restarted", actor)
        await self._detach(cause, "cancelled", keep_waiting=keep_waiting)
        await self.record.ended(owned, "restart", cause)
        await self._renew(owned)
        owned.owner = actor
        try:
            await self._services.gateway.restart(owned.kernel.kernel_id)
        except RuntError as error:
            await self._forget(owned)
            await self.record.gave_up(error.message)
            raise
        await self.record.started(owned)
        self._attach_when_ready(owned)

    async def stop(self, reason: EndReason, cause: str) -> None:
        """Stop the kernel, ending what runs and waits; nothing happens if there is none."""
        owned = self.owned
        if owned is None:
            return
        if owned.machine is not None:
            owned.machine.farewell = (reason, cause)
        elif await self._was_taken(owned):
            await self.runner.detach(cause, "cancelled")
            self._services.gateway.leave(owned.kernel.kernel_id)
            await self._forget(owned)
            return
        waits = queue.waiting(self._host.writer.state)
        await self.runner.detach(cause, "cancelled")
        await self._services.gateway.stop(owned.kernel.kernel_id)
        try:
            await self.record.gave_up(cause, waits)  # where it was not ready, the runner had none
            await self.record.ended(owned, reason, cause)
        finally:
            await self._forget(owned)

    async def died(self, cause: str, reason: EndReason, *, restarting: bool) -> None:
        """Note that the kernel ended, and go on with the one that Jupyter starts in its place."""
        owned = self.owned
        if owned is None:
            return
        try:
            if restarting:  # what a kernel that was not ready was to run waits for the next one
                await self.runner.detach(cause, "lost")
            else:
                await self._detach(cause, "lost")
            await self.record.ended(owned, reason, cause)
        except StaleFence:
            restarting = False
        if not restarting:
            await self._forget(owned)
            return
        await self._renew(owned)
        await self.record.started(owned)
        self._attach_when_ready(owned)

    async def _detach(
        self, cause: str, status: Literal["lost", "cancelled"], *, keep_waiting: bool = False
    ) -> None:
        """End what runs, and cancel what waits.

        Args:
            keep_waiting: leave what waits for a kernel that is not ready.
        """
        waits = queue.waiting(self._host.writer.state)
        await self.runner.detach(cause, status, keep_waiting=keep_waiting)
        if not keep_waiting:
            await self.record.gave_up(cause, waits)

    def _attach_when_ready(self, owned: OwnedKernel) -> None:
        self._spawn(self._attach(owned, owned.session), "attach the runner")

    async def _attach(self, owned: OwnedKernel, session: RuntimeSession) -> None:
        """Use a kernel once it answers, or stop one that never does."""
        problem: str | None = None
        try:
            await owned.kernel.connection.ready()
        except RuntimeLost as error:
            problem = error.message
        async with self.changing:
            if self.owned is not owned or owned.session is not session:
                return
            if problem is None:
                await self.record.status(owned, "ready")
                self.runner.attach(session, owned.kernel.connection)
            else:  # what is asked for next needs another one
                await self.stop("crashed", problem)

    async def _was_taken(self, owned: OwnedKernel) -> bool:
        """Tell whether a server that thought us dead goes on with the kernel."""
        with suppress(StoreUnavailable):
            lease = await self._services.leases.current(self._host.notebook_id, "runtime")
            return lease is not None and lease.fence > owned.lease.fence
        return False

    async def _renew(self, owned: OwnedKernel) -> None:
        """Make the next incarnation of the kernel a new owner: the old fence is refused now."""
        owned.lease = await self._services.leases.acquire(
            self._host.notebook_id, "runtime", owned.lease.info
        )
        owned.session = new_session(owned.lease)

    async def _forget(self, owned: OwnedKernel) -> None:
        self.owned = None
        self._services.owners.pop(owned.kernel.kernel_id, None)
        await self._services.leases.release(owned.lease)
