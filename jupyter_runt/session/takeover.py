"""Taking over the kernel of a notebook that a server which died left behind."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from jupyter_runt.document.materialize import Runtime, RuntimeState
from jupyter_runt.errors import Conflict, RuntimeLost, StoreUnavailable
from jupyter_runt.execution.queue import RuntimeSession
from jupyter_runt.execution.remote import RemoteMachine
from jupyter_runt.protocols import Lease
from jupyter_runt.session.adoption import Begun, begun
from jupyter_runt.session.runtime_record import SERVER_DIED, OwnedKernel, RuntimeHost, RuntimeRecord
from jupyter_runt.session.services import RuntimeServices

if TYPE_CHECKING:
    from jupyter_runt.session.runtime import NotebookRuntime

NOT_ITS_KERNEL: Final = "The notebook does not run on this kernel any more."

_MACHINE: Final = "machine"


@dataclass(frozen=True, slots=True)
class TakenOver:
    """A kernel that is the notebook's under this server."""

    owned: OwnedKernel
    begun: Begun | None
    """What it runs."""
    starting: bool
    """It has not answered yet."""


class AbsentMachine:
    """Another machine that ran the kernel, and may come back while its lease lasts.

    Args:
        left: the runtime, as the dead server left it.
        host: what people call the machine.
        seconds: how long it may run the kernel without a server.
        lease: ours, while nobody else has the kernel.
    """

    def __init__(self, left: Runtime, host: str, seconds: float, lease: Lease) -> None:
        self.left = left
        self.lease = lease
        self.reason = f"{host} did not come back within {seconds:g} seconds after the server did."
        """Why nobody waits for it any more."""
        self._seconds = seconds
        self._outcome: asyncio.Future[RemoteMachine | None] = (
            asyncio.get_running_loop().create_future()
        )

    def came(self, machine: RemoteMachine) -> None:
        """Note that it is here; raises Conflict if it is another one."""
        if machine.about.kernel_id != self.left.kernel_id:
            raise Conflict(NOT_ITS_KERNEL)
        if not self._outcome.done():
            self._outcome.set_result(machine)

    def give_up(self, reason: str) -> None:
        """Wait no longer."""
        if not self._outcome.done():
            self.reason = reason
            self._outcome.set_result(None)

    async def machine(self) -> RemoteMachine | None:
        """Return it when it comes; None if it does not."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._outcome
        except TimeoutError:
            return None


def lease_info(services: RuntimeServices, machine: RemoteMachine | None) -> dict[str, Any]:
    """Return what a runtime lease says of its holder, also to the server that comes after it."""
    info: dict[str, Any] = {"url": services.url, "host": services.host}
    if machine is not None:
        info[_MACHINE] = {"host": machine.about.host, "seconds": machine.lease_seconds}
    return info


def left_by_others(state: RuntimeState) -> Runtime | None:
    """Return the runtime that a notebook has by its log, where we do not run one yet."""
    left = state.runtime
    return None if left is None or left.status == "lost" else left


async def absent_machine(host: RuntimeHost, services: RuntimeServices) -> AbsentMachine | None:
    """Return the machine that may still run the notebook's kernel, and say that it is away.

    Raises:
        LeaseHeld: its server lives.
    """
    left = left_by_others(host.writer.state)
    lease = await services.leases.current(host.notebook_id, "runtime")
    machine = None if lease is None else lease.info.get(_MACHINE)
    if left is None or lease is None or machine is None:
        return None
    lease = await services.leases.acquire(host.notebook_id, "runtime", lease.info)
    session = RuntimeSession(left.runtime_session_id, lease.fence)
    reason = f"{machine['host']} is out of reach."
    await RuntimeRecord(host, machine["host"]).away(session, reason)
    return AbsentMachine(left, machine["host"], float(machine["seconds"]), lease)


async def take_over(
    left: Runtime | None,
    host: RuntimeHost,
    services: RuntimeServices,
    record: RuntimeRecord,
    runtime: "NotebookRuntime",
    machine: RemoteMachine | None,
) -> TakenOver | None:
    """Make the kernel the notebook's under this server, or note that it is lost.

    Args:
        runtime: whose it is from now on.
        machine: what it runs on, if that is another one.
    """
    cause = SERVER_DIED
    if left is not None:
        try:
            taken = await _take_over(left, host, services, record, runtime, machine)
        except RuntimeLost as error:
            cause = error.message
        else:
            if taken is not None:
                return taken
    await record.recover(cause)
    return None


async def _take_over(
    left: Runtime,
    host: RuntimeHost,
    services: RuntimeServices,
    record: RuntimeRecord,
    runtime: "NotebookRuntime",
    machine: RemoteMachine | None,
) -> TakenOver | None:
    lease = await services.leases.acquire(
        host.notebook_id, "runtime", lease_info(services, machine)
    )
    services.owners[left.kernel_id] = runtime
    taken: TakenOver | None = None
    try:
        if machine is None:
            kernel = await services.gateway.adopt(host.path, left.kernel_id, lease)
        else:
            kernel = await machine.launch(lease, again=True)
        if kernel is not None:
            session = RuntimeSession(left.runtime_session_id, lease.fence)
            owned = OwnedKernel(kernel, lease, left.owner, session, machine)
            began = await begun(services.log, host.notebook_id, host.writer.state)
            await record.adopted(owned)
            if left.status not in {"ready", "starting"} or machine is not None:
                await record.status(owned, "ready" if left.status != "starting" else "starting")
            taken = TakenOver(owned, began, left.status == "starting")
    except StoreUnavailable:  # it goes on by itself until the store can take note of it
        services.gateway.leave(left.kernel_id)
        raise
    except BaseException:
        await services.gateway.stop(left.kernel_id)
        raise
    finally:
        if taken is None:
            services.owners.pop(left.kernel_id, None)
            with suppress(StoreUnavailable):  # a dead server's is taken all the same
                await services.leases.release(lease)
    return taken
