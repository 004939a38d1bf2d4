"""What many people in one room feel of some of them typing."""

import asyncio
import re
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from websockets.asyncio.client import ClientConnection

from tests.benchmarks.notebooks import write_notebook
from tests.benchmarks.rooms import RoomClient, joined, listening, room_path
from tests.benchmarks.samples import Contest
from tests.benchmarks.servers import Kind, Server, running, turns

PEERS: Final = 100
TYPISTS: Final = 10
PER_SECOND: Final = 5
WORDS: Final = 50
"""That each of them types: ten seconds."""

_WORD: Final = re.compile(rb"<[0-9]{5}>")


async def measure(kinds: Sequence[Kind], folder: Path, rounds: int) -> Contest:
    """Measure the way of each word to each reader; a word is known by its bytes in the frame."""
    contest = Contest()
    async with running(kinds, folder) as servers:
        for number, server in turns(servers, rounds):
            path = f"crowd-{number}.ipynb"
            write_notebook(server.root / path, TYPISTS, source="")
            before = server.cpu_seconds()
            times = await _round(server, await room_path(server, path))
            contest.add(server.kind.name, times, server.cpu_seconds() - before)
    return contest


async def _round(server: Server, room: str) -> list[float]:
    sent: dict[bytes, float] = {}
    times: list[float] = []
    async with AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(joined(server, room)) for _ in range(PEERS)]
        typists, readers = peers[:TYPISTS], peers[TYPISTS:]
        for typist in typists:
            await stack.enter_async_context(listening(typist))
        async with asyncio.timeout(120), asyncio.TaskGroup() as group:
            for reader in readers:
                group.create_task(_read(reader.connection, sent, times))
            for place, typist in enumerate(typists):
                group.create_task(_type(typist, place, sent))
    return times


async def _read(connection: ClientConnection, sent: dict[bytes, float], times: list[float]) -> None:
    missing = TYPISTS * WORDS
    while missing:
        frame = await connection.recv(decode=False)
        now = time.perf_counter()
        for word in _WORD.findall(frame):
            times.append(now - sent[word])
            missing -= 1


async def _type(typist: RoomClient, place: int, sent: dict[bytes, float]) -> None:
    start = time.perf_counter() + place / TYPISTS / PER_SECOND
    for number in range(WORDS):
        await asyncio.sleep(start + number / PER_SECOND - time.perf_counter())
        word = f"<{place * WORDS + number:05}>"
        typist.source(place).insert(0, word)
        for frame in typist.sync.take_unsent():
            sent[word.encode()] = time.perf_counter()
            await typist.connection.send(frame)
