"""Jupyter's provisioner of a kernel that an agent on another machine runs."""

import signal
from collections.abc import Callable
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Instance

from jupyter_runt.execution.remote import RemoteMachine


class RemoteProvisioner(KernelProvisionerBase):
    """Has the machine start, signal and end the kernel; never without its connection."""

    machine = Instance(RemoteMachine)

    on_cleanup: Callable[[], None]
    """Told when the kernel is stopped for good."""

    @property
    def agent(self) -> RemoteMachine:
        """How the kernel's agent is reached."""
        return self.machine

    @property
    def exits(self) -> Any:
        """How the kernel's processes ended."""
        return self.machine.exits

    @property
    def has_process(self) -> bool:
        """See the base class."""
        return self.machine.poll() is None

    async def poll(self) -> int | None:
        """See the base class."""
        return self.machine.poll()

    async def wait(self) -> int | None:
        """See the base class."""
        await self.machine.wait()
        return self.machine.poll()

    async def send_signal(self, signum: int) -> None:
        """See the base class."""
        self.machine.signal(signum)

    async def kill(self, restart: bool = False) -> None:  # noqa: ARG002 (as the base class has it)
        """See the base class."""
        self.machine.signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:  # noqa: ARG002
        """See the base class."""
        self.machine.signal(signal.SIGTERM)

    async def shutdown_requested(self, restart: bool = False) -> None:
        """See the base class. What was asked of the kernel's control port did not reach it."""
        self.machine.shut_down(restart=restart)

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """See the base class; command and environment are the other machine's business."""
        return {**kwargs, "cmd": []}

    async def launch_kernel(
        self,
        cmd: list[str],  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> KernelConnectionInfo:
        """See the base class; raises RuntimeLost."""
        await self.machine.start()
        return {**self.connection_info}  # an automatic restart would like other ports

    def ended(self, code: int, *, oom: bool) -> None:
        """Note how the kernel ended, which its agent tells."""
        self.machine.ended(code, oom=oom)

    async def cleanup(self, restart: bool = False) -> None:
        """See the base class."""
        if not restart:
            await self.machine.let_go()
            self.on_cleanup()
