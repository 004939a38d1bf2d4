"""What the agent beside a kernel costs: `1+1` through it, beside a bare kernel; its memory."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import psutil
import zmq
from jupyter_client.manager import KernelManager

from jupyter_runt.execution.agent_link import AgentDoor
from jupyter_runt.execution.connection import LinkedKernelConnection
from jupyter_runt.ids import new_id
from jupyter_runt.protocols import KernelMessage
from jupyter_runt.provisioning.agents import PLAN_ENV, AgentPlan, launching
from tests.benchmarks.one_plus_one import EXECUTIONS, WARM_UP, bare_kernel, executed_bare
from tests.benchmarks.samples import Contest
from tests.benchmarks.servers import Kind
from tests.ports import free_port

FLOOD: Final = "for number in range(300_000):\n    print('line', number)"
"""What the agent has had to keep."""

JOURNAL_BYTES: Final = 1 << 30


async def measure(folder: Path, rounds: int) -> Contest:
    """Measure `1+1` through an agent, and bare."""
    contest = Contest()
    async with _agent(folder) as (process, kernel), bare_kernel() as client:
        for _ in range(WARM_UP):
            await kernel.executed("1+1")
            await executed_bare(client)
        for _ in range(rounds):
            before = process.cpu_times()
            times = [
                (await kernel.executed("1+1"), await executed_bare(client))
                for _ in range(EXECUTIONS)
            ]
            after = process.cpu_times()
            through_agent, bare = zip(*times, strict=True)
            cpu = after.user + after.system - before.user - before.system
            contest.add("ours", through_agent, cpu)
            contest.add("bare", bare)
    return contest


async def memory(_ours: Kind, folder: Path) -> dict[str, Any]:
    """Return what an agent's process takes, before and after a flood. Megabytes."""
    async with _agent(folder) as (process, kernel):
        await kernel.executed("1+1")
        before = process.memory_info().rss
        await kernel.executed(FLOOD)
        after = process.memory_info().rss
    return {"rss": round(before / 1e6, 1), "rss_after_flood": round(after / 1e6, 1)}


class _Kernel:
    """A kernel behind its agent, as our server has it."""

    def __init__(self, connection: LinkedKernelConnection) -> None:
        self._connection = connection
        self._execution = ""
        self._replied = self._idle = False
        self._position = 0
        self._ended: asyncio.Future[None]
        connection.listen(self._hear)

    async def executed(self, source: str) -> float:
        """Return the seconds until the kernel has replied and is idle."""
        self._execution, self._replied, self._idle = new_id(), False, False
        self._ended = asyncio.get_running_loop().create_future()
        start = time.perf_counter()
        self._connection.execute(self._execution, source)
        await self._ended
        taken = time.perf_counter() - start
        self._connection.retire(self._position)
        return taken

    def _hear(self, messages: Sequence[KernelMessage]) -> None:
        for message in messages:
            self._position = message.position
            if message.parent_id == self._execution:
                self._replied |= message.msg_type == "execute_reply"
                self._idle |= message.content.get("execution_state") == "idle"
        if self._replied and self._idle and not self._ended.done():
            self._ended.set_result(None)


@asynccontextmanager
async def _agent(folder: Path) -> AsyncIterator[tuple[psutil.Process, _Kernel]]:
    await asyncio.to_thread(folder.mkdir, parents=True)
    file = folder / "connection.json"
    manager: Any = KernelManager(connection_file=str(file))
    for channel in ("shell", "iopub", "stdin", "hb", "control"):
        setattr(manager, f"{channel}_port", free_port())
    manager.write_connection_file()
    plan = AgentPlan(folder / "journals", 60, JOURNAL_BYTES, "kernel", "python3", "notebook", "/")
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", str(file)]
    with launching(plan.to_env()[PLAN_ENV], command, str(file)) as launch:
        process = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
            launch.command, pass_fds=launch.pass_fds, start_new_session=True
        )
    connection = LinkedKernelConnection(zmq.Context.instance(), lambda _: None)
    door = AgentDoor(launch.files.connect, 1, lambda _: None)
    connection.connect(json.loads(file.read_text(encoding="utf-8")), door)
    try:
        await connection.ready()
        yield psutil.Process(process.pid), _Kernel(connection)
    finally:
        connection.close("measured")
        os.killpg(process.pid, signal.SIGTERM)
        await asyncio.to_thread(process.wait, 10)
