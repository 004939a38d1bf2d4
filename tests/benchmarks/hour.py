"""What an hour of editing leaves behind: in memory, in the document, in the store."""

import asyncio
import random
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.notebooks import write_notebook
from tests.benchmarks.rooms import RoomClient, joined, listening, room_path
from tests.benchmarks.servers import Kind, running
from tests.benchmarks.web import Connection

CELLS: Final = 100
KEYS: Final = 18_000
"""An hour at five keys a second; three in ten of them delete."""
AT_ONCE: Final = 50


async def measure(kind: Kind, folder: Path) -> dict[str, Any]:
    """Type an hour's keys as fast as they are taken, with pauses that let the server save."""
    async with running([kind], folder) as (server,):
        write_notebook(server.root / "hour.ipynb", CELLS, lines=5)
        room = await room_path(server, "hour.ipynb")
        async with joined(server, room) as reader, listening(reader):
            async with joined(server, room) as warm, listening(warm):
                await _type(warm, random.Random(0), KEYS // 10)
            growth = []
            for hour in range(3):
                before = server.memory_bytes()
                async with joined(server, room) as typist, listening(typist):
                    await _type(typist, random.Random(hour + 1), KEYS)
                    await _seen(typist, reader)
                growth.append(server.memory_bytes() - before)
            document = len(reader.doc.get_update())
            text = sum(map(len, _texts(reader)))
        async with Connection(server.address) as connection:
            notebook = await connection.request("GET", "/api/runt/notebooks?path=hour.ipynb")
        stores = (folder / kind.name).rglob("store.db*")
        return {
            "events": notebook["seq"],
            "server_growth_mb_each_hour": [round(each / 2**20, 1) for each in growth],
            "document_kb": round(document / 1e3),
            "text_kb": round(text / 1e3),
            "store_mb": round(sum(file.stat().st_size for file in stores) / 2**20, 1),
        }


async def _type(typist: RoomClient, dice: random.Random, keys: int) -> None:
    place = 0
    for number in range(keys):
        if number % 100 == 0:
            place = dice.randrange(CELLS)
        source = typist.source(place)
        if dice.random() < 0.3 and len(source):
            del source[len(source) - 1]
        else:
            source.insert(len(source), dice.choice("abcdefgh \n"))
        if number % AT_ONCE == AT_ONCE - 1:
            for frame in typist.sync.take_unsent():
                await typist.connection.send(frame)
            await asyncio.sleep(0.02)


async def _seen(typist: RoomClient, reader: RoomClient) -> None:
    async with asyncio.timeout(60):
        while _texts(reader) != _texts(typist):  # noqa: ASYNC110  (it hears by itself)
            await asyncio.sleep(0.05)
    await asyncio.sleep(3)  # the last save is part of what an hour costs


def _texts(client: RoomClient) -> list[str]:
    return [str(cell["source"]) for cell in client.cells]
