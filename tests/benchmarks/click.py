"""From the key that runs a cell to its output on the screen, and on another one."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.benchmarks.notebooks import write_code
from tests.benchmarks.pages import Tab, chromium, configure, leave, tab
from tests.benchmarks.samples import Contest
from tests.benchmarks.servers import Kind, Server, running, turns

RUNS: Final = 30
WARM_UP: Final = 15
PAUSE: Final = 0.1
"""Between an output and the next key: whoever reads takes longer."""

PATH: Final = "click.ipynb"
CELLS: Final = ("import itertools\ncounter = itertools.count()", "next(counter)")


async def measure(kinds: Sequence[Kind], folder: Path, rounds: int) -> dict[str, Contest]:
    """Measure one tab of each server, click by click, then two where there is something to share.

    Returns:
        `one_tab`; `two_tabs`, in the tab that runs the cell; `other_tab`, in the other one.
    """
    one, two, other = Contest(), Contest(), Contest()
    configure(kinds, folder)
    async with running(kinds, folder) as servers, chromium() as browser:
        tabs: dict[str, list[Tab]] = {}
        for server in servers:
            write_code(server.root / PATH, CELLS)
            tabs[server.kind.name] = [await _prepared(await tab(browser, server, PATH))]
        asked = dict.fromkeys(tabs, 0)
        for contest in (one, two):
            taking_part = [each for each in servers if contest is one or each.kind.shares]
            if contest is two:
                await leave(*(tabs[each.kind.name][0] for each in servers if not each.kind.shares))
                for server in taking_part:
                    tabs[server.kind.name].append(await tab(browser, server, PATH))
            for number in range(rounds):
                before = {each.kind.name: each.cpu_seconds() for each in taking_part}
                times = await _clicked(taking_part, tabs, asked, 0 if number else WARM_UP)
                for server in taking_part:
                    name, cpu = server.kind.name, server.cpu_seconds()
                    contest.add(name, [each[0] for each in times[name]], cpu - before[name])
                    if contest is two:
                        other.add(name, [each[1] for each in times[name]])
    return {"one_tab": one, "two_tabs": two, "other_tab": other}


async def _clicked(
    servers: Sequence[Server], tabs: dict[str, list[Tab]], asked: dict[str, int], warm_up: int
) -> dict[str, list[list[float]]]:
    """Return the times of each server's clicks, by its name, without the first ones."""
    times: dict[str, list[list[float]]] = {each.kind.name: [] for each in servers}
    for _, server in turns(servers, RUNS + warm_up):
        name = server.kind.name
        times[name].append(await _run(tabs[name], str(asked[name])))
        asked[name] += 1
    return {name: each[warm_up:] for name, each in times.items()}


async def _prepared(opened: Tab) -> Tab:
    await opened.click_into(0)
    while not await opened.cell(0).get_by_text("[1]:", exact=True).is_visible():
        await opened.press("Control+Enter")  # a kernel that has just started may miss the first one
        await asyncio.sleep(3)
    await opened.click_into(1)
    return opened


async def _run(tabs: Sequence[Tab], text: str) -> list[float]:
    """Return the seconds from the key until each tab has the output."""
    await asyncio.sleep(PAUSE)
    for each in tabs:
        await each.expect(1, text)
    start = await tabs[0].press("Control+Enter")
    return [await each.seen() - start for each in tabs]
