import asyncio
from typing import Any

import pytest

from jupyter_runt.events.runtime import RuntimeSessionEnded, RuntimeStatusChanged
from jupyter_runt.execution.remote import Introduction, RemoteMachine
from jupyter_runt.protocols import Kernel, Lease
from jupyter_runt.session.hosting import cancelled_at_exit
from jupyter_runt.session.remotes import RemoteMachines
from tests.unit.session.workspace import ADA, FakeKernel, Workspace, until

pytestmark = pytest.mark.asyncio

ABOUT = Introduction("id", "python3", "Python 3", "python", "signal", "node7", "key", "hmac-sha256")


class Line:
    """A connection of a machine, which a token let in."""

    def __init__(self, token_id: str) -> None:
        self.token_id = token_id
        self.told: list[str | bytes] = []
        self.closed = False

    def tell(self, message: str | bytes) -> None:
        self.told.append(message)

    def close(self) -> None:
        self.closed = True


class Elsewhere:
    """Starts kernels on machines at once."""

    def __init__(self, workspace: Workspace) -> None:
        self._gateway = workspace.gateway

    async def start_elsewhere(
        self, machine: RemoteMachine, lease: Lease, *, again: bool = False
    ) -> Kernel:
        kernel = self._gateway.kernels[machine.about.kernel_id] = FakeKernel(self._gateway)
        return Kernel(machine.about.kernel_id, "python3", kernel)

    async def give_up(self, machine: RemoteMachine, cause: str) -> Any:
        raise AssertionError


@pytest.mark.rule("AU3", "EX12")
async def test_the_kernel_of_a_machine_whose_token_is_revoked_is_stopped_at_once(
    workspace: Workspace,
) -> None:
    workspace.write("nb.ipynb", "one")
    async with (
        workspace.running(),
        workspace.open("nb.ipynb") as notebook,
        cancelled_at_exit() as tasks,
    ):
        machines = RemoteMachines(workspace.sessions, Elsewhere(workspace), 60.0, tasks)
        line = Line("laptop")
        machine = machines.meet(notebook.id, ABOUT, ADA, line, 0, 0)
        assert (await notebook.first(RuntimeStatusChanged)).status == "ready"
        (execution_id,) = await notebook.run("c0")
        await notebook.started()
        machine.detach(line)  # it is out of reach, and cannot be told
        machines.revoked("another token")
        await asyncio.sleep(0)
        assert notebook.session.runtime.alive
        machines.revoked("laptop")
        assert (await notebook.ended(execution_id))["status"] == "cancelled"
        ended = await notebook.first(RuntimeSessionEnded)
        assert (ended.reason, "revoked" in ended.cause) == ("evicted", True)
        await until(lambda: not notebook.session.runtime.alive)
        await machine.let_go()
