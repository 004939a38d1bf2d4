"""A letter's way to another screen while a cell below it prints a million lines."""

import asyncio
from bisect import bisect_left
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import Final

from tests.benchmarks.notebooks import write_code
from tests.benchmarks.pages import OUTPUT, Tab, chromium, configure, leave, tab
from tests.benchmarks.samples import Contest
from tests.benchmarks.servers import Kind, Server, running, turns

LETTERS: Final = 60
PER_SECOND: Final = 12
PRINTING: Final = "for number in range(1_000_000):\n    print('line', number)"
LETTER: Final = "q"
"""In no name that the other tab shows beside a cursor."""
LIMIT: Final = 30.0
"""Seconds after which letters that are not there count as having taken so long."""


async def measure(kinds: Sequence[Kind], folder: Path, rounds: int) -> dict[str, Contest]:
    """Measure letters at rest, and while the cell below them floods, in two tabs of each server."""
    rest, flooded = Contest(), Contest()
    kinds = [kind for kind in kinds if kind.shares]
    configure(kinds, folder)
    async with running(kinds, folder) as servers, chromium() as browser:
        for number, server in turns(servers, rounds):
            path = f"flood-{number}.ipynb"
            write_code(server.root / path, ("x = 1", PRINTING))
            typist, reader = [await tab(browser, server, path) for _ in range(2)]
            await reader.count(0, LETTER)
            await _typed(typist, reader, LETTERS // 6)  # caches are cold
            rest.add(server.kind.name, await _typed(typist, reader, LETTERS))
            flooded.add(server.kind.name, *await _while_printing(server, typist, reader))
            await leave(typist, reader)
    return {"rest": rest, "flooded": flooded}


async def _while_printing(server: Server, typist: Tab, reader: Tab) -> tuple[list[float], float]:
    """Return the times of letters, and what processor time the server took."""
    before = server.cpu_seconds()
    await typist.click_into(1)
    await typist.press("Control+Enter")
    await reader.cell(1).locator(OUTPUT).first.wait_for(timeout=60_000)
    times = await _typed(typist, reader, LETTERS)
    return times, server.cpu_seconds() - before


async def _typed(typist: Tab, reader: Tab, letters: int) -> list[float]:
    """Return the seconds from each key to its letter's being in the other tab."""
    await typist.click_into(0)
    already = len(await typist.pressed(LETTER))
    loop = asyncio.get_running_loop()
    start = loop.time()
    for number in range(letters):
        await asyncio.sleep(start + number / PER_SECOND - loop.time())
        await typist.page.keyboard.press(LETTER)
    counts = await reader.counts(already + letters, LIMIT)
    pressed = (await typist.pressed(LETTER))[already:]
    times = []
    for number, when in enumerate(pressed, already + 1):
        place = bisect_left(counts, number, key=itemgetter(1))
        times.append(counts[place][0] - when if place < len(counts) else LIMIT)
    return times
