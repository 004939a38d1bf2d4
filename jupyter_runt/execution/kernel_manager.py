"""Jupyter's kernel manager, where the kernels of notebooks go through their owner."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from weakref import WeakValueDictionary

from jupyter_client.kernelspec import KernelSpec, NoSuchKernel
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_core.utils import ensure_async
from jupyter_server.prometheus.metrics import KERNEL_CURRENTLY_RUNNING_TOTAL

from jupyter_runt.execution.connection import LinkedKernelConnection
from jupyter_runt.execution.hooks import RuntimePort
from jupyter_runt.execution.remote import RemoteMachine
from jupyter_runt.execution.remote_provisioner import RemoteProvisioner
from jupyter_runt.provisioning.agents import Survivor


class Gates:
    """A lock for each key, for as long as somebody needs it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def __getitem__(self, key: str) -> asyncio.Lock:
        """Return the lock of a key."""
        return self._locks.setdefault(key, asyncio.Lock())


ASIDE: Final = ("comm_msg", "complete_request", "inspect_request", "is_complete_request")
"""What subshells answer beside a cell; a front end must not take its end for that of the cell."""

ConnectionOf = Callable[[str], LinkedKernelConnection | None]
"""Returns the owner's connection to a kernel, if that is a notebook's."""

_Base: Any = object


class OwnedKernels(_Base):  # type: ignore[misc]
    """What `owned_kernel_manager` adds."""

    runtimes: RuntimePort | None = None
    adopting: asyncio.Event | None = None
    """Set when the kernels that outlived a server are back; None where nobody looks for them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.connection_of: ConnectionOf = lambda _kernel_id: None
        traits: Any = self
        self._aside = [name for name in ASIDE if name not in traits.untracked_message_types]
        traits.untracked_message_types = [*traits.untracked_message_types, *self._aside]
        self._gates = Gates()
        self._spared: set[str] = set()
        self._replaced: set[str] = set()

    async def start_kernel(self, *, kernel_id: str | None = None, **kwargs: Any) -> str:
        """See the base class. Starts of one id at the same time make one process."""
        if kernel_id is None:
            started = await ensure_async(super().start_kernel(**kwargs))
        else:
            async with self._gates[kernel_id]:
                try:
                    started = await ensure_async(
                        super().start_kernel(kernel_id=kernel_id, **kwargs)
                    )
                except Exception:
                    self._pending_kernels.pop(kernel_id, None)  # else the server stops with errors
                    raise
        return str(started)

    async def shutdown_kernel(
        self, kernel_id: str, now: bool = False, restart: bool = False
    ) -> None:
        """See the base class. The owner stops a notebook's kernel."""
        if kernel_id in self._replaced:
            return
        if kernel_id in self._spared:
            self._spared.discard(kernel_id)
        elif owner := self._owner(kernel_id):
            await owner.stop(kernel_id)
        else:
            await self.shutdown_owned(kernel_id, now=now, restart=restart)

    async def restart_kernel(self, kernel_id: str, now: bool = False) -> Any:
        """See the base class. The owner restarts a notebook's kernel."""
        if owner := self._owner(kernel_id):
            return await owner.restart(kernel_id)
        return await self.restart_owned(kernel_id, now=now)

    async def interrupt_kernel(self, kernel_id: str) -> None:
        """See the base class. The owner interrupts a notebook's kernel."""
        if owner := self._owner(kernel_id):
            await owner.interrupt(kernel_id)
        else:
            await self.interrupt_owned(kernel_id)

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """See the base class. A kernel whose queue is not empty is not idle."""
        owner = self._owner(kernel_id)
        if owner is None or not owner.busy(kernel_id):
            await ensure_async(super().cull_kernel_if_idle(kernel_id))

    def start_watching_activity(self, kernel_id: str) -> None:
        """See the base class. The owner's connection tells what a notebook's kernel does."""
        if self._owner(kernel_id) is None:
            super().start_watching_activity(kernel_id)

    def track_message_type(self, message_type: Any) -> bool:
        """See the base class. Front ends do not follow those that are answered aside; we do."""
        return message_type in self._aside or bool(super().track_message_type(message_type))

    def list_kernels(self) -> Any:
        """See the base class. Kernels that are about to come back are waited for."""
        if self.adopting is None or self.adopting.is_set():
            return super().list_kernels()
        return self._list_when_adopted(self.adopting)

    async def _list_when_adopted(self, adopted: asyncio.Event) -> Any:
        await adopted.wait()
        return await ensure_async(super().list_kernels())

    def spare(self, kernel_id: str) -> None:
        """Let the kernel live through the next `shutdown_kernel`.

        Jupyter's handler shuts a kernel down when a session leaves it for another one, whoever
        else uses it.
        """
        self._spared.add(kernel_id)

    def replaced(self, kernel_id: str) -> None:
        """Note that the owner stopped the kernel in favour of another one.

        The handler of each request that led to this will ask for its end.
        """
        self._replaced.add(kernel_id)

    async def adopt(self, survivor: Survivor, *, path: str, env: dict[str, str]) -> Any:
        """Take in the kernel of an agent that a dead server left, and return its manager.

        Args:
            path: as `start_kernel` takes it; for restarts, as is `env`.

        Raises:
            RuntimeLost, OSError, NoSuchKernel: it cannot be managed here.
        """
        file = survivor.connection_file
        manager = self._manager_of(survivor.kernel_id, survivor.kernel_name, file)
        try:
            spec = manager.kernel_spec
        except NoSuchKernel:
            if survivor.spec is None:
                raise
            spec = manager._kernel_spec = KernelSpec(**survivor.spec)
        factory = KernelProvisionerFactory.instance(parent=self.parent)
        manager.provisioner = factory.create_provisioner_instance(
            survivor.kernel_id, spec, parent=manager
        )
        await manager.provisioner.adopt(survivor)
        await self._take_in(manager, path, env)
        return manager

    async def start_elsewhere(
        self,
        machine: RemoteMachine,
        connection_file: str,
        on_cleanup: Callable[[], None],
        *,
        again: bool,
    ) -> Any:
        """Have another machine start a kernel, or go on with one, and return its manager.

        Args:
            connection_file: says how Jupyter's clients on this machine reach the kernel.
            on_cleanup: called when the kernel was stopped for good.

        Raises:
            RuntimeLost: it did not start.
        """
        about = machine.about
        manager = self._manager_of(about.kernel_id, about.kernel_name, connection_file)
        manager._kernel_spec = KernelSpec(
            display_name=about.display_name,
            language=about.language,
            interrupt_mode=about.interrupt_mode,
        )
        manager.provisioner = RemoteProvisioner(
            kernel_id=about.kernel_id,
            kernel_spec=manager.kernel_spec,
            parent=manager,
            machine=machine,
        )
        manager.provisioner.connection_info = manager.get_connection_info()
        manager.provisioner.on_cleanup = on_cleanup
        await machine.start(again=again)
        await self._take_in(manager, "", {})
        return manager

    def _manager_of(self, kernel_id: str, kernel_name: str | None, connection_file: str) -> Any:
        manager, _, kernel_id = self.pre_start_kernel(kernel_name, {"kernel_id": kernel_id})
        manager.kernel_id = kernel_id
        manager.load_connection_file(connection_file)
        manager._connection_file_written = True
        return manager

    async def _take_in(self, manager: Any, path: str, env: dict[str, str]) -> None:
        """Have Jupyter know a kernel that runs."""
        kernel_id = manager.kernel_id
        manager._launch_args = self._kernel_start_kwargs(env=env, cwd=self.cwd_for_path(path))
        manager._attempted_start = True
        manager.ready.set_result(None)
        manager.start_restarter()
        manager.execution_state, manager.reason = "idle", ""
        manager.last_activity = datetime.now(UTC)
        self._kernels[kernel_id] = manager
        self._kernel_connections[kernel_id] = 0
        KERNEL_CURRENTLY_RUNNING_TOTAL.labels(type=manager.kernel_name).inc()
        await self._finish_kernel_start(kernel_id)
        if not self._initialized_culler:
            self.initialize_culler()

    def forget(self, kernel_id: str) -> None:
        """Let go of a kernel that is another server's now."""
        self.get_kernel(kernel_id).stop_restarter()
        self.remove_kernel(kernel_id)

    async def shutdown_owned(self, kernel_id: str, **kwargs: Any) -> None:
        """Shut a kernel down, owned or not."""
        await ensure_async(super().shutdown_kernel(kernel_id, **kwargs))

    async def restart_owned(self, kernel_id: str, **kwargs: Any) -> Any:
        """Restart a kernel, owned or not."""
        return await ensure_async(super().restart_kernel(kernel_id, **kwargs))

    async def interrupt_owned(self, kernel_id: str) -> None:
        """Interrupt a kernel, owned or not."""
        await ensure_async(super().interrupt_kernel(kernel_id))

    def _owner(self, kernel_id: str) -> RuntimePort | None:
        runtimes = self.runtimes
        owned = runtimes is not None and runtimes.notebook_of(kernel_id) is not None
        return runtimes if owned else None


def owned_kernel_manager(base: type[Any]) -> type[Any]:
    """Return a subclass of a `MappingKernelManager` whose REST API respects owners.

    Until `runtimes` is set, and for kernels that are no notebook's, it does as `base`. The methods
    `*_owned` are for the owner: they act on the kernel without asking.
    """

    class OwnedKernelManager(OwnedKernels, base):  # type: ignore[misc]
        pass

    return OwnedKernelManager
