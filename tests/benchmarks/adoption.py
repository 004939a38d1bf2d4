"""From a server that dies while its kernel prints to the next one that goes on with the cell."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from tests.benchmarks.commanded import CommandedNotebook, commanded, followed
from tests.benchmarks.samples import summary
from tests.benchmarks.servers import Kind, running

LINES: Final = 12_000
SOURCE: Final = f"""
import time
for number in range({LINES}):
    print(number, flush=True)
    time.sleep(0.0005)
"""
BEFORE: Final = 1.5
"""Seconds that the cell runs before the server dies."""
DEATHS: Final = 8


async def measure(ours: Kind, folder: Path) -> dict[str, Any]:
    """Kill servers in the middle of a cell that prints some 1,000 lines a second.

    Returns:
        From the first answer of the next server, and from its start, until it has adopted the
        kernel; how many lines are missing.
    """
    answered, started, missing = [], [], 0
    for number in range(DEATHS):
        path = f"adoption-{number}.ipynb"
        async with (
            running([ours], folder) as (server,),
            commanded(server, SOURCE, path=path) as notebook,
        ):
            begun = notebook.expect("v1.ExecutionStarted")
            command = {"type": "execute_cells", "cell_ids": ["cell-0"], "command_id": str(uuid4())}
            await notebook.perform(command)
            await begun
            await asyncio.sleep(BEFORE)
            server.process.kill()
        start = time.perf_counter()
        async with running([ours], folder) as (server,):
            up = time.perf_counter()
            async with followed(server, path, after=0) as notebook:
                adopted = notebook.expect("v1.RuntimeSessionAdopted")
                await adopted
                now = time.perf_counter()
                answered.append(now - up)
                started.append(now - start)
                await notebook.expect("v1.ExecutionCompleted")
                missing += _missing(await notebook.outputs())
                await _stop(notebook)
    return {
        "from_first_answer": summary(answered),
        "from_start": summary(started),
        "missing_lines": missing,
    }


async def _stop(notebook: CommandedNotebook) -> None:
    ended = notebook.expect("v1.RuntimeSessionEnded")
    await notebook.perform({"type": "stop_runtime"})
    await ended


def _missing(outputs: Sequence[dict[str, Any]]) -> int:
    text = "".join(line for output in outputs for line in output["text"])
    lines = [int(line) for line in text.split()]
    if lines != sorted(set(lines)):
        raise RuntimeError("Lines are doubled, or not in order.")
    return LINES - len(lines)
