"""An agent beside a kernel that is not its child: another provisioner launched it, anywhere."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase

from jupyter_runt.provisioning.agents import AgentFiles, Survivor, launching


class Attendant:
    """The agent's process, which lives until it is ended."""

    def __init__(
        self, files: AgentFiles, pid: int, process: "subprocess.Popen[bytes] | None" = None
    ) -> None:
        self.files = files
        self._pid = pid
        self._process = process

    @classmethod
    def start(
        cls, plan: str, connection_file: str, provisioner: dict[str, Any], env: Mapping[str, str]
    ) -> "Attendant":
        """Start one for a kernel that runs.

        Args:
            provisioner: finds the kernel again after the server died.
            env: what the provisioner needs for that.
        """
        with launching(plan, (), connection_file, provisioner) as launch:
            process = subprocess.Popen(  # noqa: S603 (our own agent)
                launch.command,
                stdin=subprocess.DEVNULL,
                pass_fds=launch.pass_fds,
                start_new_session=True,
                env=env,
            )
        return cls(launch.files, process.pid, process)

    @classmethod
    def adopted(cls, survivor: Survivor) -> "Attendant":
        """Return one that another server started."""
        return cls(survivor.files, survivor.pid)

    def end(self) -> None:
        """End it, and leave the kernel to whoever asks."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        elif self.files.lives:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        self.files.remove()


def attended(provisioner: KernelProvisionerBase) -> bool:
    """Tell whether the kernels of a provisioner can be found again when the server is gone.

    Kernels of a local provisioner end with it, and would not be known by their process alone.
    """
    return not isinstance(provisioner, LocalProvisioner)


def unblocked(provisioner: KernelProvisionerBase) -> None:
    """Keep gateway_provisioners from holding the event loop for a tenth of the time.

    It waits for answers of machines on a socket with a timeout, where asyncio wants one without.
    """
    responses = getattr(provisioner, "response_manager", None)
    waiting = getattr(responses, "_response_socket", None)
    if isinstance(waiting, socket.socket):
        waiting.setblocking(False)


async def description(provisioner: KernelProvisionerBase) -> dict[str, Any] | None:
    """Return what finds a kernel again: its spec, and what its provisioner says but its key.

    None where that cannot be written down.
    """
    info = await provisioner.get_provisioner_info()
    known = {name: value for name, value in info.items() if name != "connection_info"}
    described = {"spec": provisioner.kernel_spec.to_dict(), "info": known}
    try:
        json.dumps(described)
    except TypeError:
        return None
    return described


async def find_again(
    provisioner: KernelProvisionerBase, described: dict[str, Any], connection: KernelConnectionInfo
) -> None:
    """Have a provisioner know the kernel of another one, from its `description`."""
    await provisioner.load_provisioner_info({"connection_info": connection, **described["info"]})
