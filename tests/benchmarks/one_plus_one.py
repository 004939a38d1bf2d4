"""What `1+1` costs: as a command until its end is on the event stream, and on a bare kernel."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from jupyter_client.manager import AsyncKernelManager

from tests.benchmarks.commanded import CommandedNotebook, commanded
from tests.benchmarks.samples import Contest
from tests.benchmarks.servers import Kind, running

EXECUTIONS: Final = 100
WARM_UP: Final = 30


async def measure(ours: Kind, folder: Path, rounds: int) -> Contest:
    """Measure ours and a bare kernel, one execution after the other."""
    contest = Contest()
    async with (
        running([ours], folder) as (server,),
        bare_kernel() as client,
        commanded(server, "1+1", types="v1.ExecutionCompleted") as notebook,
    ):
        for _ in range(WARM_UP):
            await executed(notebook)
            await executed_bare(client)
        for _ in range(rounds):
            before = server.cpu_seconds()
            times = [
                (await executed(notebook), await executed_bare(client)) for _ in range(EXECUTIONS)
            ]
            through_us, bare = zip(*times, strict=True)
            contest.add("ours", through_us, server.cpu_seconds() - before)
            contest.add("bare", bare)
    return contest


async def executed(notebook: CommandedNotebook) -> float:
    """Return the seconds until the end of an execution is on the event stream."""
    command = {"type": "execute_cells", "cell_ids": ["cell-0"]}
    completed = notebook.expect("v1.ExecutionCompleted")
    start = time.perf_counter()
    await notebook.perform(command)
    await completed
    return time.perf_counter() - start


async def executed_bare(client: Any, source: str = "1+1") -> float:
    """Return the seconds until the kernel has replied and is idle."""
    start = time.perf_counter()
    await heard_end(client, client.execute(source))
    return time.perf_counter() - start


async def heard_end(client: Any, execution: str) -> None:
    """Return when a bare kernel has replied to an execution and is idle."""
    while not _is_idle(await client.get_iopub_msg(), execution):
        pass
    while (await client.get_shell_msg())["parent_header"].get("msg_id") != execution:
        pass


def _is_idle(message: dict[str, Any], execution: str) -> bool:
    idle: bool = (
        message["msg_type"] == "status"
        and message["content"]["execution_state"] == "idle"
        and message["parent_header"].get("msg_id") == execution
    )
    return idle


@asynccontextmanager
async def bare_kernel() -> AsyncIterator[Any]:
    """A client of a kernel without a server."""
    manager: Any = AsyncKernelManager(kernel_name="python3")
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        yield client
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)
