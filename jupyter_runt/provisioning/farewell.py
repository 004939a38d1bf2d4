"""`python -I farewell.py`: ends a kernel for whose notebook no server came, as a server does.

The agent beside such a kernel is not its parent, and too small to know its provisioner.
"""

import asyncio
import json
import sys
from typing import Any, Final

SECONDS: Final = 60.0
"""How long a provisioner may take."""


async def end(about: dict[str, Any]) -> None:
    """End the kernel that an agent's state file is about."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_client.provisioning.factory import KernelProvisionerFactory

    from jupyter_runt.provisioning.attendant import find_again, unblocked

    described = about["provisioner"]
    manager: Any = AsyncKernelManager(kernel_id=about["kernel_id"])
    manager.load_connection_file(about["connection_file"])
    manager._connection_file_written = True  # so that it is removed in the end
    manager._kernel_spec = KernelSpec(**described["spec"])  # whoever installed it may be gone
    manager.provisioner = KernelProvisionerFactory.instance().create_provisioner_instance(
        manager.kernel_id, manager.kernel_spec, parent=manager
    )
    unblocked(manager.provisioner)
    await find_again(manager.provisioner, described, manager.get_connection_info())
    await manager.shutdown_kernel()


async def _end_in_time(about: dict[str, Any]) -> None:
    async with asyncio.timeout(SECONDS):
        await end(about)


if __name__ == "__main__":
    told = json.load(sys.stdin)
    sys.path[:] = told["sys_path"]
    asyncio.run(_end_in_time(told))
