"""Whether all outputs are there: of very many displays, and of 20 kernels at once."""

import asyncio
import itertools
import re
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.commanded import CommandedNotebook, commanded
from tests.benchmarks.one_plus_one import executed
from tests.benchmarks.servers import Kind, running

DISPLAYS: Final = 50_000
KERNELS: Final = 20
LINES: Final = 3000
"""Of each kernel, each a message of its own; every tenth of them is a display."""

_DISPLAYING: Final = f"for number in range({DISPLAYS}):\n    display(number)"
_MIXED: Final = f"""
for number in range({LINES}):
    if number % 10:
        print(number, flush=True)
    else:
        display(number)
"""
_NUMBER: Final = re.compile(r"\d+")


async def displays(ours: Kind, folder: Path) -> dict[str, Any]:
    """Return how long very many displays of one cell took, and how many are missing."""
    async with (
        running([ours], folder) as (server,),
        commanded(server, _DISPLAYING, types="v1.ExecutionCompleted") as notebook,
    ):
        before = server.memory_bytes()
        seconds = await executed(notebook)
        return {
            "displays": DISPLAYS,
            "missing": _missing(await notebook.outputs(), DISPLAYS),
            "seconds": round(seconds, 1),
            "server_memory_mb": round((server.memory_bytes() - before) / 1e6, 1),
        }


async def kernels(ours: Kind, folder: Path) -> dict[str, Any]:
    """Return how long 20 kernels took that print at once, and how many lines are missing."""
    async with running([ours], folder) as (server,), AsyncExitStack() as stack:
        notebooks: list[CommandedNotebook] = []
        for number in range(KERNELS):
            notebook = commanded(
                server, _MIXED, types="v1.ExecutionCompleted", path=f"kernel-{number}.ipynb"
            )
            notebooks.append(await stack.enter_async_context(notebook))
        start = time.perf_counter()
        await asyncio.gather(*(executed(each) for each in notebooks))
        seconds = time.perf_counter() - start
        missing = [_missing(await each.outputs(), LINES) for each in notebooks]
        return {
            "kernels": KERNELS,
            "messages": KERNELS * LINES,
            "missing": sum(missing),
            "seconds": round(seconds, 1),
        }


def _missing(outputs: list[dict[str, Any]], count: int) -> int:
    """Return how many of the first numbers are not there, each once and in order.

    Raises:
        RuntimeError: there is something twice, or not in order.
    """
    shown = []
    for output in outputs:
        text = output.get("text") or output["data"]["text/plain"]
        text = text if isinstance(text, str) else "".join(text)
        shown += [int(number) for number in _NUMBER.findall(text)]
    if any(after <= before for before, after in itertools.pairwise(shown)):
        raise RuntimeError("The outputs are not in order.")
    return count - len(shown)
