"""How long a large notebook takes to open: from its file, for a second person, from the log."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from tests.benchmarks.notebooks import write_notebook
from tests.benchmarks.rooms import RoomClient, joined, room_path
from tests.benchmarks.samples import Contest
from tests.benchmarks.servers import Kind, Server, running, turns

LINES: Final = 20


async def measure(
    kinds: Sequence[Kind], folder: Path, rounds: int, cells: int
) -> dict[str, Contest]:
    """Measure the first opening of a file, the second one, and the first after a restart."""
    first, second, again = Contest(), Contest(), Contest()
    async with running(kinds, folder) as servers:
        for number, server in turns(servers, rounds):
            write_notebook(server.root / _path(number), cells, lines=LINES)
            before = server.cpu_seconds()
            start = time.perf_counter()
            async with _opened(server, number, cells) as one:
                cpu = server.cpu_seconds() - before
                first.add(server.kind.name, [one.synced_at - start], cpu)
                start = time.perf_counter()
                async with _opened(server, number, cells) as two:
                    second.add(server.kind.name, [two.synced_at - start])
    async with running(kinds, folder) as servers:
        for number, server in turns(servers, rounds):
            before = server.cpu_seconds()
            start = time.perf_counter()
            async with _opened(server, number, cells) as client:
                cpu = server.cpu_seconds() - before
                again.add(server.kind.name, [client.synced_at - start], cpu)
    return {"first": first, "second_client": second, "after_restart": again}


@asynccontextmanager
async def _opened(server: Server, number: int, cells: int) -> AsyncIterator[RoomClient]:
    async with joined(server, await room_path(server, _path(number))) as client:
        if len(client.cells) != cells:
            raise RuntimeError(f"There are {len(client.cells)} of {cells} cells.")
        yield client


def _path(number: int) -> str:
    return f"open-{number}.ipynb"
