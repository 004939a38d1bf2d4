"""What two people, and every other request, feel of a large notebook that is being saved."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.benchmarks.notebooks import write_notebook
from tests.benchmarks.propagation import typed
from tests.benchmarks.rooms import joined, room_path
from tests.benchmarks.samples import Contest
from tests.benchmarks.servers import Kind, Server, running, turns
from tests.benchmarks.web import Connection

CELLS: Final = 5000
LINES: Final = 20
EDITS: Final = 500
"""Ten seconds of typing: time for several saves."""
WARM_UP: Final = 25
REQUEST_EVERY: Final = 0.02


async def measure(kinds: Sequence[Kind], folder: Path, rounds: int) -> dict[str, Contest]:
    """Measure letters, and requests of somebody else, while a notebook is typed in and saved."""
    letters, requests = Contest(), Contest()
    async with running(kinds, folder) as servers:
        for number, server in turns(servers, rounds):
            path = f"saving-{number}.ipynb"
            write_notebook(server.root / path, CELLS, lines=LINES)
            room = await room_path(server, path)
            async with joined(server, room) as writer, joined(server, room) as reader:
                asking = asyncio.create_task(_ask(server))
                before = server.cpu_seconds()
                times = await typed(writer, reader, EDITS)
                asking.cancel()
                cpu = server.cpu_seconds() - before
                letters.add(server.kind.name, times[WARM_UP:], cpu)
                requests.add(server.kind.name, (await asking)[WARM_UP:])
    return {"letters": letters, "other_requests": requests}


async def _ask(server: Server) -> list[float]:
    """Return the seconds that small requests took, one after the other, until cancelled."""
    times: list[float] = []
    try:
        async with Connection(server.address) as connection:
            while True:
                start = time.perf_counter()
                await connection.request("GET", "/api/me")
                times.append(time.perf_counter() - start)
                await asyncio.sleep(REQUEST_EVERY)
    except asyncio.CancelledError:
        return times
