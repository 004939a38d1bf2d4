"""Random stories on a real server: it dies, stops and moves files under tabs that come and go.

Afterwards all replicas, the log, its replay and the file say the same, and what anybody typed and
nobody deleted is there exactly once. `RUNT_FUZZ_SEEDS=100:200` tells that many; without it, two
short ones are told. The dice are the seed's; the timing is the machine's.
"""

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner

from jupyter_runt.cli.main import commands
from tests.fuzz.replicas import Replica, node_replica, python_replica
from tests.integration.server import Notebook, Server, eventually
from tests.interop.node import is_installed

CONFIG: Final = {"RuntApp": {"save_delay": 0.05, "free_after": 0.0}}
SCRIPTS: Final = (0x4E00, 0xAC00, 0x20000)
"""Characters of three and four bytes in UTF-8, one and two units in UTF-16."""


def stories() -> list[tuple[int, int]]:
    """Return the seed of each story, and how often it tells its chapters."""
    first, _, last = os.environ.get("RUNT_FUZZ_SEEDS", "").partition(":")
    if not first:
        return [(1, 1), (2, 1)]
    return [(seed, 2) for seed in range(int(first), int(last or int(first) + 1))]


class Story:
    """What was done to the notebook, and how much of it must be there in the end."""

    def __init__(self) -> None:
        self.cell_of: dict[str, str | None] = {}
        """The cell that each character was typed into; each is unlike any other."""
        self.uncertain: set[str] = set()
        """Characters that may be gone: deleted, or of a request that nobody answered."""
        self.shaken: set[str] = set()
        """Cells that somebody deleted or moved: what others do to them meanwhile goes with them."""
        self.labels: list[str] = []
        self.cells: set[str] = set()

    def character(self, script: int, cell: str | None) -> str:
        new = chr(script + len(self.cell_of))
        self.cell_of[new] = cell
        return new

    def label(self) -> str:
        self.labels.append(f"label-{len(self.labels)}")
        return self.labels[-1]

    def check(self, sources: list[str]) -> None:
        """Check what must be there, and how often."""
        found = Counter("".join(sources))
        twice = {it for it in self.cell_of if found[it] > 1}
        assert not twice, f"there twice: {twice}"
        missing = {
            it: cell
            for it, cell in self.cell_of.items()
            if it not in self.uncertain and cell not in self.shaken and not found[it]
        }
        assert not missing, f"lost: {missing}"


class World:
    """A server, its notebook, the tabs, and the dice."""

    def __init__(self, seed: int, notebook: Notebook, replicas: list[Replica]) -> None:
        self.dice = random.Random(seed)
        self.notebook = notebook
        self.replicas = replicas
        self.story = Story()
        self.story.cells = {"c0", "c1", "c2"}
        self.told: list[str] = []

    @property
    def server(self) -> Server:
        return self.notebook.server

    # what tabs do

    async def bustle(self, steps: int) -> None:
        """Let every tab do something, many times."""
        for _ in range(steps):
            replica = self.dice.choice(self.replicas)
            await self.step(replica)
            if self.dice.random() < 0.3:
                await self.dice.choice(self.replicas).send()

    async def step(self, replica: Replica) -> None:
        fate = self.dice.random()
        if fate < 0.12:
            await replica.leave()
        elif fate < 0.3:
            await replica.come()
        else:
            await self.edit(replica)

    async def edit(self, replica: Replica) -> None:
        cells = (await replica.act("cells"))["cells"]
        if not cells:
            return
        cell = self.dice.choice(cells)
        acts = [self.write, self.erase, self.tag, self.show, self.add, self.drop, self.move]
        (act,) = self.dice.choices(acts, weights=[60, 8, 6, 6, 8, 2, 2])
        await act(replica, cell)

    async def write(self, replica: Replica, cell: dict[str, Any]) -> None:
        value = self.story.character(self.dice.choice(SCRIPTS), cell["id"])
        place = self.dice.randint(0, len(cell["source"]))
        written = value + self.dice.choice(["", "", "\n"])
        if await replica.act("write", cell=cell["id"], place=place, value=written) is None:
            del self.story.cell_of[value]

    async def erase(self, replica: Replica, cell: dict[str, Any]) -> None:
        if cell["source"]:
            place = self.dice.randrange(len(cell["source"]))
            value = await replica.act("erase", cell=cell["id"], place=place)
            self.story.uncertain.add(value)

    async def tag(self, replica: Replica, cell: dict[str, Any]) -> None:
        if self.dice.random() < 0.5:
            await replica.act("tag", cell=cell["id"], key="tagged")
        else:
            await replica.act("label", key=self.story.label())

    async def show(self, replica: Replica, cell: dict[str, Any]) -> None:
        value = self.story.character(self.dice.choice(SCRIPTS), cell["id"])
        self.story.uncertain.add(value)  # outputs are the kernel's: here they count at most once
        await replica.act("show", cell=cell["id"], text=value)

    async def add(self, replica: Replica, _cell: dict[str, Any]) -> None:
        cell = f"new-{len(self.story.cells)}"
        self.story.cells.add(cell)
        source = self.story.character(self.dice.choice(SCRIPTS), cell)
        kind = self.dice.choice(["code", "markdown"])
        at = self.dice.randrange(20)
        await replica.act("add", at=at, cell=cell, cell_type=kind, source=source)

    async def drop(self, replica: Replica, cell: dict[str, Any]) -> None:
        self.story.shaken.add(cell["id"])
        await replica.act("drop", cell=cell["id"])

    async def move(self, _replica: Replica, cell: dict[str, Any]) -> None:
        # In one tab alone: two moves of one cell at once make two cells, in Yjs's own terms.
        self.story.shaken.add(cell["id"])
        await self.replicas[0].act("move", cell=cell["id"], to=self.dice.randrange(20))

    # what happens to them

    async def crash(self) -> None:
        """Kill the server with changes on their way, and start it again."""
        for replica in self.replicas:
            await replica.send()
        await asyncio.to_thread(self.server.kill)
        await self.while_it_is_away()

    async def stop(self) -> None:
        """Stop the server as a person does."""
        await asyncio.to_thread(self.server.stop)
        await self.while_it_is_away()

    async def while_it_is_away(self) -> None:
        await self.bustle(10)
        if self.dice.random() < 0.5:
            self.write_outside()
        await asyncio.to_thread(self.server.start)

    async def free(self) -> None:
        """Let everybody leave until the document is closed, and type on meanwhile."""
        await self.notebook.send("stop_runtime")  # a kernel keeps its notebook open
        for replica in self.replicas:
            await replica.leave()

        async def freed() -> bool:
            return bool((await self.server.get("/api/runt/status"))["notebooks"] == 0)

        await eventually(freed)
        for replica in self.replicas:
            await self.edit(replica)

    async def compact(self) -> None:
        """Fold the history under an open notebook."""
        await self.runt("compact", "--keep-events", str(self.dice.randrange(30)), self.notebook.id)

    async def rename(self) -> None:
        """Rename the file through the contents API."""
        path = f"renamed-{len(self.told)}.ipynb"
        url = f"/api/contents/{self.notebook.path}"
        answer = await self.server.call("PATCH", url, {"path": path})
        assert answer.status == 200, answer
        self.notebook.path = path

    async def change_outside(self) -> None:
        """Change the file while nothing else changes it: nobody could merge what was replaced."""
        await self.heal()
        self.write_outside()

    def write_outside(self) -> None:
        """Write into the file as another program does."""
        content = self.notebook.on_disk()
        for cell in content["cells"][: self.dice.randrange(4)]:
            value = self.story.character(self.dice.choice(SCRIPTS), None)
            self.story.uncertain.add(value)  # where a tab changed the same line, the tab wins
            cell["source"] = "".join(cell["source"]) + f"\n{value}"
        cell = f"outside-{len(self.story.cells)}"
        self.story.cells.add(cell)
        source = self.story.character(SCRIPTS[0], cell)
        new = {"id": cell, "cell_type": "markdown", "metadata": {}, "source": source}
        content["cells"].insert(self.dice.randrange(len(content["cells"]) + 1), new)
        temporary = self.notebook.file.with_suffix(".tmp")
        temporary.write_text(json.dumps(content), encoding="utf-8")
        temporary.replace(self.notebook.file)

    async def command(self) -> None:
        """Add a cell through the API."""
        value = self.story.character(self.dice.choice(SCRIPTS), None)
        self.story.cell_of[value] = await self.new_cell(value)

    async def new_cell(self, source: str) -> str:
        """Add a cell at the start: the place after another may be gone by then."""
        create = {"cell_type": "code", "source": source, "after": None}
        (event,) = await self.notebook.do("create_cell", **create)
        return str(event["payload"]["changes"][0]["cell_id"])

    async def run(self) -> None:
        """Run a cell; what it prints is there once, whatever people do to its outputs."""
        value = self.story.character(SCRIPTS[0], None)
        cell = await self.new_cell(f"print(chr({ord(value)}))")
        self.story.cell_of[value] = cell
        (execution,) = await self.notebook.run(cell)
        assert execution["status"] == "ok", execution

    async def runt(self, command: str, *arguments: str) -> None:
        """Run `jupyter runt`."""
        line = [command, "--store", str(self.server.store), *arguments]
        done = await asyncio.to_thread(CliRunner().invoke, commands(), line)
        assert done.exit_code == 0, done.output

    # the end

    async def heal(self) -> dict[str, Any]:
        """Bring everybody back until all say the same, and return what they say."""

        views: list[dict[str, Any]] = []

        async def agreed() -> bool:
            for replica in self.replicas:
                await replica.come()
                await replica.send()
            if not all([await replica.is_here() for replica in self.replicas]):
                return False
            seen = [plain(await replica.act("cells")) for replica in self.replicas]
            views[:] = [plain(await self.notebook.at()), plain(self.notebook.on_disk()), *seen]
            return all(view == views[0] for view in views)

        try:
            await eventually(agreed)
        except TimeoutError:
            pytest.fail(f"they do not agree, after {self.told}: {differences(views)}")
        return views[0]


def differences(views: list[dict[str, Any]]) -> str:
    """Say what differs from the log's view, in the file's or a tab's."""
    if not views:
        return "some tab cannot come back"
    log, *others = ({cell["id"]: cell for cell in view["cells"]} | view for view in views)
    return "; ".join(
        f"{name}: {key}: {other.get(key)} is not {log.get(key)}"
        for name, other in zip(["file", "tab 0", "tab 1", "tab 2"], others, strict=True)
        for key in {**log, **other}
        if key != "cells" and other.get(key) != log.get(key)
    )


def plain(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return what all must agree in."""
    return {
        "labels": sorted(key for key in notebook["metadata"] if key.startswith("label-")),
        "cells": [
            {
                "id": cell["id"],
                "cell_type": cell["cell_type"],
                "source": "".join(cell["source"]),
                "tagged": "tagged" in cell["metadata"],
                "outputs": [text_of(output) for output in cell.get("outputs", [])],
            }
            for cell in notebook["cells"]
        ],
    }


def text_of(output: dict[str, Any]) -> str:
    return "".join(output["text"] if "text" in output else output["data"]["text/plain"])


@asynccontextmanager
async def world(seed: int, folder: Path) -> AsyncIterator[World]:
    """A server with a notebook that is open in two tabs in Python and one in Node."""
    with Server(folder / "server", CONFIG).running() as server:
        async with AsyncExitStack() as stack:
            notebook = await server.notebook("one", "two", "three")
            replicas: list[Replica] = [
                await stack.enter_async_context(python_replica(notebook)),
                await stack.enter_async_context(python_replica(notebook)),
                await stack.enter_async_context(node_replica(notebook)),
            ]
            yield World(seed, notebook, replicas)


async def tell(seed: int, times: int, folder: Path) -> None:
    """Tell a story: its chapters in any order, and much bustle between them."""
    async with world(seed, folder) as it:
        chapters: list[Callable[[], Coroutine[Any, Any, object]]] = [
            *(it.crash, it.stop, it.free, it.compact, it.compact),
            *(it.rename, it.change_outside, it.change_outside, it.command, it.heal),
        ]
        chapters = times * [*chapters, it.run]
        it.dice.shuffle(chapters)
        for chapter in chapters:
            await it.bustle(30)
            it.told.append(chapter.__name__)
            await chapter()
        await it.bustle(10)
        await compare(it)


async def compare(it: World) -> None:
    """Check that nothing is lost and nothing is twice, wherever one looks."""
    agreed = await it.heal()
    texts = ["".join([cell["source"], *cell["outputs"]]) for cell in agreed["cells"]]
    it.story.check(texts)
    assert agreed["labels"] == sorted(it.story.labels)
    ids = [cell["id"] for cell in agreed["cells"]]
    assert len(ids) == len(set(ids))
    await it.runt("verify", "--root", str(it.server.root), it.notebook.id)
    events = await it.notebook.events(after=await first_seq(it.notebook) - 1)
    assert [event["seq"] for event in events] == [
        *range(events[0]["seq"], events[0]["seq"] + len(events))
    ]


async def first_seq(notebook: Notebook) -> int:
    answer = await notebook.server.call("GET", f"{notebook.url}/events", after=0)
    return int(answer.body["detail"]["first_seq"]) if answer.status == 410 else 1


@pytest.mark.rule("EL1", "EL2", "EL3", "EL4", "RM3", "FB1", "FB2", "FB3")
@pytest.mark.asyncio
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("seed", "times"), stories())
async def test_everybody_ends_with_one_notebook_which_is_that_of_the_log_and_of_the_file(
    seed: int, times: int, tmp_path: Path
) -> None:
    if not is_installed():
        pytest.fail("needs Node, and `npm ci` in tests/interop")
    await tell(seed, times, tmp_path)
