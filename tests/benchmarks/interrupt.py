"""How long an interrupt takes under a flood: as a command, and on a bare kernel."""

import asyncio
import time
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from jupyter_client.manager import AsyncKernelManager

from tests.benchmarks.commanded import CommandedNotebook, commanded
from tests.benchmarks.one_plus_one import heard_end
from tests.benchmarks.samples import Contest
from tests.benchmarks.servers import Kind, running

INTERRUPTS: Final = 50
FLOOD: Final = 0.3
"""Seconds of flood before each."""
SOURCE: Final = "number = 0\nwhile True:\n    number += 1\n    print('line', number)"


async def measure(ours: Kind, folder: Path, rounds: int) -> Contest:
    """Measure from the interrupt until the execution has ended, ours and bare in turn."""
    contest = Contest()
    manager: Any = AsyncKernelManager(kernel_name="python3")
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=60)
    try:
        async with (
            running([ours], folder) as (server,),
            commanded(server, SOURCE) as notebook,
        ):
            await _ours(notebook)
            for _ in range(rounds):
                times = [
                    (await _ours(notebook), await _bare(manager, client)) for _ in range(INTERRUPTS)
                ]
                through_us, bare = zip(*times, strict=True)
                contest.add("ours", through_us)
                contest.add("bare", bare)
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)
    return contest


async def _ours(notebook: CommandedNotebook) -> float:
    started = notebook.expect("v1.ExecutionStarted")
    command = {"type": "execute_cells", "cell_ids": ["cell-0"], "command_id": str(uuid4())}
    await notebook.perform(command)
    await started
    await asyncio.sleep(FLOOD)
    completed = notebook.expect("v1.ExecutionCompleted")
    start = time.perf_counter()
    await notebook.perform({"type": "interrupt_runtime"})
    await completed
    return time.perf_counter() - start


async def _bare(manager: Any, client: Any) -> float:
    execution = client.execute(SOURCE)
    ended = asyncio.create_task(heard_end(client, execution))
    await asyncio.sleep(FLOOD)
    start = time.perf_counter()
    await manager.interrupt_kernel()
    await ended
    return time.perf_counter() - start
