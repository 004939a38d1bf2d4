"""What printing much and showing much cost: as a command until its end, and on a bare kernel."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.benchmarks.commanded import commanded
from tests.benchmarks.one_plus_one import bare_kernel, executed, executed_bare
from tests.benchmarks.samples import Contest
from tests.benchmarks.servers import Kind, running

SOURCES: Final[Mapping[str, str]] = {
    "lines": "for number in range(100_000):\n    print('line', number)",
    "display": "display({'text/plain': 'x' * 50_000_000}, raw=True)",
}

PAUSE: Final = 3.0
"""Seconds in which the file is saved, which nobody waits for."""


async def measure(ours: Kind, folder: Path, rounds: int) -> dict[str, Contest]:
    """Measure 100,000 lines, and a display of 50 MB."""
    return {name: await _measure(ours, folder / name, rounds, SOURCES[name]) for name in SOURCES}


async def _measure(ours: Kind, folder: Path, rounds: int, source: str) -> Contest:
    contest = Contest()
    async with (
        running([ours], folder) as (server,),
        bare_kernel() as client,
        commanded(server, source, types="v1.ExecutionCompleted") as notebook,
    ):
        await executed(notebook)
        await executed_bare(client, source)
        for _ in range(rounds):
            await asyncio.sleep(PAUSE)
            before = server.cpu_seconds()
            contest.add("ours", [await executed(notebook)], server.cpu_seconds() - before)
            await asyncio.sleep(PAUSE)
            contest.add("bare", [await executed_bare(client, source)])
    return contest
