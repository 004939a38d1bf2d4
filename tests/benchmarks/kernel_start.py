"""How long it takes until a kernel can run something: as a command, and started bare."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.manager import AsyncKernelManager

from tests.benchmarks.commanded import CommandedNotebook, commanded
from tests.benchmarks.samples import Contest
from tests.benchmarks.servers import Kind, running


async def measure(ours: Kind, folder: Path, rounds: int) -> Contest:
    """Measure ours, `wait_for_ready`, and that without its wait for 0.2 s of silence."""
    contest = Contest()
    async with running([ours], folder) as (server,), commanded(server, "1+1") as notebook:
        await _ours(notebook)  # the first start of each has cold caches
        await _bare(_ready)
        for _ in range(rounds):
            before = server.cpu_seconds()
            contest.add("ours", [await _ours(notebook)], server.cpu_seconds() - before)
            contest.add("bare", [await _bare(_ready)])
            contest.add("bare_until_reply", [await _bare(_replied)])
    return contest


async def _ours(notebook: CommandedNotebook) -> float:
    ready = notebook.expect('"status": "ready"')
    start = time.perf_counter()
    await notebook.perform({"type": "start_runtime"})
    await ready
    taken = time.perf_counter() - start
    ended = notebook.expect("v1.RuntimeSessionEnded")
    await notebook.perform({"type": "stop_runtime"})
    await ended
    return taken


async def _bare(until: Callable[[Any], Awaitable[None]]) -> float:
    manager: Any = AsyncKernelManager(kernel_name="python3")
    start = time.perf_counter()
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        await until(client)
        return time.perf_counter() - start
    finally:
        client.stop_channels()
        await manager.shutdown_kernel()


async def _ready(client: Any) -> None:
    await client.wait_for_ready(timeout=60)


async def _replied(client: Any) -> None:
    while True:
        client.kernel_info()
        try:
            await client.get_shell_msg(timeout=0.2)
        except Empty:
            continue
        return
