"""How long a letter takes from one person's editor to another's."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.notebooks import write_notebook
from tests.benchmarks.rooms import RoomClient, joined, listening, room_path
from tests.benchmarks.samples import Contest
from tests.benchmarks.servers import Kind, running, turns

EDITS = 150
WARM_UP = 10
PER_SECOND = 50


async def measure(kinds: Sequence[Kind], folder: Path, rounds: int) -> Contest:
    """Measure each server in each round, in a new notebook of 10 cells."""
    contest = Contest()
    async with running(kinds, folder) as servers:
        for number, server in turns(servers, rounds):
            path = f"propagation-{number}.ipynb"
            write_notebook(server.root / path, 10)
            room = await room_path(server, path)
            async with joined(server, room) as writer, joined(server, room) as reader:
                before = server.cpu_seconds()
                times = await typed(writer, reader, EDITS)
                contest.add(server.kind.name, times[WARM_UP:], server.cpu_seconds() - before)
    return contest


async def typed(writer: RoomClient, reader: RoomClient, edits: int) -> list[float]:
    """Return the seconds from each letter's sending to its arrival in the other document."""
    sent: list[float] = []
    arrived: list[float] = []
    already = len(str(reader.source()))

    async def read() -> None:
        while len(arrived) < edits:
            await reader.hear_one()
            seen = len(str(reader.source())) - already
            arrived.extend([time.perf_counter()] * (seen - len(arrived)))

    async with listening(writer), asyncio.TaskGroup() as group:
        reading = group.create_task(read())
        start = time.perf_counter()
        for number in range(edits):
            await asyncio.sleep(start + number / PER_SECOND - time.perf_counter())
            writer.source().insert(0, "a")
            for frame in writer.sync.take_unsent():
                sent.append(time.perf_counter())
                await writer.connection.send(frame)
        async with asyncio.timeout(60):
            await reading
    return [end - begin for begin, end in zip(sent, arrived, strict=True)]
