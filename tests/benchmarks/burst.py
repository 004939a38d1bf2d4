"""How long 10,000 letters take that are sent as fast as the socket takes them."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.benchmarks.notebooks import write_notebook
from tests.benchmarks.rooms import SYNC, RoomClient, joined, listening, room_path
from tests.benchmarks.samples import Contest
from tests.benchmarks.servers import Kind, Server, running, turns
from tests.benchmarks.web import Connection

UPDATES: Final = 10_000
LAST: Final = "☃"
"""The last letter: it tells of the end without a look into each frame."""


async def measure(kinds: Sequence[Kind], folder: Path, rounds: int) -> Contest:
    """Measure each server in each round, in a new notebook; ours has to have all of it logged."""
    contest = Contest()
    async with running(kinds, folder) as servers:
        for number, server in turns(servers, rounds):
            path = f"burst-{number}.ipynb"
            write_notebook(server.root / path, 10, source="")
            room = await room_path(server, path)
            async with joined(server, room) as writer, joined(server, room) as reader:
                before = server.cpu_seconds()
                seconds = await _burst(writer, reader)
                contest.add(server.kind.name, [seconds], server.cpu_seconds() - before)
                if server.kind.ours:
                    await _check_log(server, path)
    return contest


async def _burst(writer: RoomClient, reader: RoomClient) -> float:
    """Return the seconds until the reader got everything."""
    frames = _typed(writer)
    received: list[bytes] = []
    end = LAST.encode()

    async def read() -> float:
        while True:
            frame = await reader.connection.recv(decode=False)
            received.append(frame)
            if end in frame:
                return time.perf_counter()

    async with listening(writer), asyncio.TaskGroup() as group:
        reading = group.create_task(read())
        await asyncio.sleep(0)
        start = time.perf_counter()
        for frame in frames:
            await writer.connection.send(frame)
        async with asyncio.timeout(120):
            done = await reading
    for frame in received:
        if frame[0] == SYNC:
            reader.sync.hear(frame)
    if str(reader.source()) != str(writer.source()):
        raise RuntimeError("The documents differ.")
    return done - start


def _typed(writer: RoomClient) -> list[bytes]:
    source = writer.source()
    for number in range(UPDATES - 1):
        source.insert(number, "a")
    source.insert(UPDATES - 1, LAST)
    return writer.sync.take_unsent()


async def _check_log(server: Server, path: str) -> None:
    """Check that the log alone gives the text."""
    async with Connection(server.address) as connection:
        notebook = await connection.request("GET", f"/api/runt/notebooks?path={path}")
        at = f"/api/runt/notebooks/{notebook['notebook_id']}/at/{notebook['seq']}"
        content = await connection.request("GET", at)
    source = "".join(content["cells"][0]["source"])
    if len(source) != UPDATES or not source.endswith(LAST):
        raise RuntimeError(f"The log has {len(source)} of {UPDATES} letters.")
