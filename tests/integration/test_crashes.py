"""The server dies in the middle of everything, and comes back as if it had not."""

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_runt.rooms.protocol import read_state_vector
from tests.integration.peers import RuntimeTab, Tab, tabs
from tests.integration.server import Notebook, Server, eventually

pytestmark = pytest.mark.asyncio

SLOW_SAVES = {"RuntApp": {"save_delay": 60}}
"""Whatever is in the file was not written by the saver's clock."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("crashing"), SLOW_SAVES).running() as server:
        yield server


@pytest.fixture(autouse=True)
def _started(server: Server) -> None:
    if server.process.poll() is not None:
        server.start()


ENDLESS = "import sys, time; sys.stdout.flush()\nwhile True: time.sleep(0.01)"


async def type_on(tab: Tab, cell: int, letter: str) -> None:
    """Type until the server is gone."""
    while tab.closed is None:
        await tab.type(letter, cell=cell)
        await asyncio.sleep(0)


@pytest.mark.rule("EL1", "RM3", "FB1")
async def test_a_killed_server_has_all_that_anybody_saw_and_tabs_merge_the_rest(
    server: Server,
) -> None:
    notebook = await server.notebook("", "")
    async with tabs(notebook, 2) as (ada, bob):
        typing = [
            asyncio.create_task(type_on(ada, 0, "a")),
            asyncio.create_task(type_on(bob, 1, "b")),
        ]
        await ada.until(lambda: len(ada.sources[1]) > 100)
        await bob.until(lambda: len(bob.sources[0]) > 100)
        await asyncio.to_thread(server.kill)
        await asyncio.gather(*typing)
        seen_by_bob, seen_by_ada = bob.sources[0], ada.sources[1]
        # What they type while the server is away.
        await ada.type("A")
        await bob.type("B", cell=1)
        typed = [ada.sources[0], bob.sources[1]]

        server.start()
        notebook = await server.opened(notebook.path)
        logged = await notebook.sources()
        assert logged[0].startswith(seen_by_bob), "what bob saw was in the log"
        assert logged[1].startswith(seen_by_ada)
        assert typed[0].startswith(logged[0]), "and nothing that nobody typed"
        assert typed[1].startswith(logged[1])
        assert notebook.sources_on_disk() == ["", ""]

        for each in (ada, bob):
            await each.leave()
            await each.connect()
        for each in (ada, bob):
            await each.until(lambda each=each: each.sources == typed)
        assert await notebook.sources() == typed, "nothing twice, nothing lost"
        assert await ada.save(1) == "success"
        assert notebook.sources_on_disk() == typed
    events = await notebook.events()
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))


@pytest.mark.rule("FB1", "EL1")
async def test_edits_that_a_crash_kept_from_the_file_are_written_after_it(tmp_path: Path) -> None:
    slow = Server(tmp_path / "server", SLOW_SAVES)
    with slow.running():
        notebook = await slow.notebook("one")
        await notebook.do("edit_cell", cell_id="c0", source="unsaved")
        slow.kill()
        assert notebook.sources_on_disk() == ["one"]
        slow.configure({"RuntApp": {"save_delay": 0.1}})
        slow.start()
        assert notebook.sources_on_disk() == ["one"]
        notebook = await slow.opened(notebook.path)
        assert await notebook.sources() == ["unsaved"]
        await notebook.saved(lambda file: file["cells"][0]["source"] == ["unsaved"])


@pytest.mark.rule("FB1", "FB2")
async def test_edits_on_both_sides_of_a_crash_survive(server: Server) -> None:
    notebook = await server.notebook("one", "two")
    await notebook.do("edit_cell", cell_id="c0", source="one, edited in a tab")
    server.kill()
    content = notebook.on_disk()
    content["cells"][1]["source"] = ["two, edited elsewhere"]
    notebook.file.write_text(json.dumps(content, indent=1), encoding="utf-8")
    server.start()
    notebook = await server.opened(notebook.path)
    wanted = ["one, edited in a tab", "two, edited elsewhere"]
    assert await notebook.sources() == wanted
    server.stop()
    assert notebook.sources_on_disk() == wanted


@pytest.mark.rule("FB1")
async def test_a_server_that_is_stopped_saves_first(server: Server) -> None:
    notebook = await server.notebook("one")
    text = server.root / "notes.txt"
    text.write_text("", encoding="utf-8")
    async with tabs(notebook) as (ada,):
        await ada.type(" and more")
        await eventually(lambda: has(notebook, "one and more"))
        assert notebook.sources_on_disk() == ["one"]
        await asyncio.to_thread(server.stop)
        code, _ = await ada.ended()
    assert code == 1012, "tabs try again"
    assert notebook.sources_on_disk() == ["one and more"]
    assert server.process.returncode in (0, -signal.SIGTERM)
    server.start()
    assert await (await server.opened(notebook.path)).sources() == ["one and more"]


async def has(notebook: Notebook, source: str) -> bool:
    return source in await notebook.sources()


@pytest.mark.rule("EX1")
async def test_no_kernel_is_left_behind_when_the_server_stops(server: Server) -> None:
    notebook = await server.notebook(f"import os; print(os.getpid())\n{ENDLESS}")
    (execution_id,) = await notebook.start("c0")
    kernel = await kernel_of(notebook, execution_id)
    assert kernel.exists()
    await asyncio.to_thread(server.stop)
    assert not kernel.exists()
    server.start()
    notebook = await server.opened(notebook.path)
    assert (await notebook.execution(execution_id))["status"] == "cancelled"


async def kernel_of(notebook: Notebook, execution_id: str) -> Path:
    """Return the process of the kernel, which a cell prints first."""

    async def shown() -> str:
        outputs = (await notebook.execution(execution_id, wait=0))["outputs"]
        return str(outputs[0]["text"]) if outputs else ""

    return Path("/proc") / (await eventually(shown)).split()[0]


@pytest.mark.rule("EX2", "EX1")
async def test_what_ran_is_lost_and_what_waited_is_cancelled_with_a_reason(
    server: Server,
) -> None:
    notebook = await server.notebook(f"import os; print(os.getpid())\n{ENDLESS}", "print('waits')")
    running, waiting = await notebook.start("c0", "c1")

    kernel = await kernel_of(notebook, running)
    command = {"cell_ids": ["c1"], "command_id": "before-the-crash"}
    first = await notebook.send("execute_cells", **command)
    server.crash()

    server.start()
    again = await notebook.send("execute_cells", **command)
    assert again.body == first.body, "a repeated command does nothing twice"
    lost = await notebook.execution(running)
    assert lost["status"] == "lost"
    assert "server" in lost["error"]["evalue"]
    assert lost["outputs"][0]["text"].startswith(kernel.name), "what was shown is still there"
    assert lost["outputs"][-1]["output_type"] == "error"
    assert (await notebook.execution(waiting))["status"] == "cancelled"
    repeated = first.body["events"][0]["payload"]["execution_id"]
    assert (await notebook.execution(repeated))["status"] == "cancelled"
    cancelled = await notebook.events(types="v1.ExecutionCancelled")
    assert all(event["payload"]["reason"] for event in cancelled)
    described = await server.get("/api/runt/notebooks", path=notebook.path)
    async with tabs(notebook) as (ada,), RuntimeTab(server, described["runtime_room_id"]) as tab:
        await tab.synced()
        assert tab.queue == []
        assert {e["status"] for e in tab.executions.values()} <= {"lost", "cancelled"}
        states = [cell.get("execution_state", "idle") for cell in ada.notebook.ycells]
        assert set(states) == {"idle"}

    async def gone() -> bool:
        return not await asyncio.to_thread(kernel.exists)

    await eventually(gone)
    (ran,) = await notebook.run("c1")
    assert ran["outputs"][0]["text"] == "waits\n"


@pytest.mark.rule("EL1", "RM3")
async def test_a_runtime_room_is_the_same_after_a_crash_or_says_that_it_is_not(
    server: Server,
) -> None:
    notebook = await server.notebook("1 + 1")
    await notebook.run("c0")
    async with RuntimeTab(server, notebook.runtime_room_id) as watcher:
        await watcher.synced()
        before = watcher.executions
        await asyncio.to_thread(server.crash)
        await watcher.ended()
        server.start()
        again = await server.opened(notebook.path)
        assert again.runtime_room_id == notebook.runtime_room_id
        await watcher.leave()
        await watcher.connect()
        await watcher.until(lambda: watcher.runtime.get("status") == "lost")
        assert watcher.executions == before
        async with RuntimeTab(server, again.runtime_room_id) as fresh:
            await fresh.synced()
            one, other = (read_state_vector(each.doc.get_state()) for each in (fresh, watcher))
            assert one == other


@pytest.mark.rule("FB2")
async def test_unsaved_edits_survive_a_file_that_is_written_to_again_and_again(
    server: Server,
) -> None:
    notebook = await server.notebook("one", "two")
    async with tabs(notebook) as (ada,):
        await ada.type(" by ada", cell=1)
        await eventually(lambda: has(notebook, "two by ada"))
        for outside in ("first", "second"):
            notebook.write_outside(c0=outside)
            wanted = [outside, "two by ada"]
            await ada.until(lambda wanted=wanted: ada.sources == wanted)
            await notebook.saved(
                lambda file, wanted=wanted: (
                    ["".join(cell["source"]) for cell in file["cells"]] == wanted
                )
            )
