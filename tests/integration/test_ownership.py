"""One kernel owns a notebook, whatever sleeps, wakes up, comes beside it or sets the clock."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.peers import tabs
from tests.integration.server import EXTENSIONS, Answer, Notebook, Server, eventually
from tests.integration.test_adoption import TICKS, agent_of, begun, gone, kernel_of, text_of
from tests.integration.test_remote import lent, machine, made_token
from tests.integration.wallclock import set_clock

pytestmark = pytest.mark.asyncio


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    extensions = {**EXTENSIONS, "tests.integration.wallclock": True}
    config = {
        "ServerApp": {"jpserver_extensions": extensions},
    }
    with Server(tmp_path_factory.mktemp("owning"), config).running() as server:
        yield server


@pytest.fixture(autouse=True)
def _started(server: Server) -> None:
    if server.process.poll() is not None:
        server.start()


@pytest.fixture(scope="module")
def other(server: Server) -> Iterator[Server]:
    with server.beside().running() as other:
        yield other


def lock_of(notebook: Notebook) -> Path:
    """Return the lock by which servers know that the one of a notebook lives."""
    asked = "SELECT holder FROM leases WHERE notebook_id = ? AND kind = 'documents'"
    with closing(sqlite3.connect(notebook.server.store)) as store:
        (holder,) = store.execute(asked, (notebook.id,)).fetchone()
    return notebook.server.data / f"runt/servers/{holder}.lock"


def stands_still(pid: int) -> bool:
    """Tell whether each thread of a process that was stopped is."""
    threads = [each.read_text() for each in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(each.rpartition(")")[2].split()[0] == "T" for each in threads)


@asynccontextmanager
async def asleep(server: Server) -> AsyncIterator[None]:
    """Have a server sleep, though not in the middle of a commit, for which others would wait."""

    async def sleeps() -> bool:
        server.process.send_signal(signal.SIGSTOP)
        if not stands_still(server.process.pid):
            return False
        try:
            with closing(sqlite3.connect(server.store, timeout=0)) as store:
                store.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            server.process.send_signal(signal.SIGCONT)
            return False
        return True

    try:
        await eventually(sleeps)
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)


async def runtime_of(notebook: Notebook) -> dict[str, Any]:
    described = await notebook.server.get("/api/runt/notebooks", path=notebook.path)
    return dict(described["runtime"] or {})


def at(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["recorded_at"])


def ticks(execution: dict[str, Any], count: int) -> str:
    """Return what a cell of so many ticks has to have said."""
    lines = "".join(f"tick {number}\n" for number in range(count))
    return f"pid {kernel_of(execution)}\n{lines}done"


@pytest.mark.rule("EX1", "EX3", "EX5")
async def test_an_agent_that_slept_tells_all_when_it_wakes_up(server: Server) -> None:
    notebook = await server.notebook("'top'")
    running = await notebook.running(TICKS.format(count=100), "tick 3")
    agent = agent_of(server, notebook)
    os.kill(agent, signal.SIGSTOP)
    (waiting,) = await notebook.start(*await notebook.add("print('next', end='')"))
    os.kill(agent, signal.SIGCONT)
    execution = await notebook.execution(running)
    assert text_of(execution) == ticks(execution, 100)
    assert text_of(await notebook.execution(waiting)) == "next"

    endless, _ = await begun(notebook)
    os.kill(agent, signal.SIGSTOP)
    await notebook.do("interrupt_runtime")
    os.kill(agent, signal.SIGCONT)
    assert (await notebook.execution(endless))["error"]["ename"] == "KeyboardInterrupt"


@pytest.mark.rule("EX1", "EL3")
async def test_an_agent_that_sleeps_while_its_kernel_is_replaced_ends_and_says_nothing_more(
    server: Server,
) -> None:
    notebook = await server.notebook("'top'")
    running, kernel = await begun(notebook)
    agent = agent_of(server, notebook)
    os.kill(agent, signal.SIGSTOP)
    await notebook.do("restart_runtime")
    ended = await notebook.execution(running)
    assert ended["status"] == "cancelled"
    await gone(agent, kernel)
    assert text_of(await notebook.run_source("print('new', end='')")) == "new"
    assert (await notebook.execution(running))["outputs"] == ended["outputs"]


@pytest.mark.rule("EX1", "FB3")
async def test_a_server_that_sleeps_keeps_its_notebooks_and_another_one_leads_there(
    server: Server, other: Server
) -> None:
    notebook = await server.notebook("'top'")
    async with tabs(notebook) as (tab,):
        running = await notebook.running(TICKS.format(count=100), "tick 3")
        async with asleep(server):
            refused = await other.call("GET", "/api/runt/notebooks", path=notebook.path)
            assert (refused.status, refused.code) == (423, "lease_held")
            assert str(server.port) in refused.body["detail"]["url"]
            await tab.type(" # typed meanwhile")
        execution = await notebook.execution(running)
        assert text_of(execution) == ticks(execution, 100)
        await notebook.saved(lambda content: "# typed meanwhile" in str(content))


@pytest.mark.rule("EX1", "EX12", "EX2")
@pytest.mark.parametrize("elsewhere", [False, pytest.param(True, marks=pytest.mark.slow)])
async def test_a_clock_that_is_set_while_a_cell_runs_ends_no_lease(
    server: Server, tmp_path: Path, *, elsewhere: bool
) -> None:
    notebook = await server.notebook("'top'")
    async with AsyncExitStack() as stack:
        if elsewhere:
            token = (await made_token(server, notebook, expires_in=24 * 3600))["token"]
            lending = machine(tmp_path, server.url, notebook.id, token)
            await stack.enter_async_context(lending)
            await lent(server, notebook)
        else:
            await notebook.run("c0")
        before = await runtime_of(notebook)
        for hours in (1, -1):
            flag = tmp_path / f"set{hours}"
            source = f"import os, time\nprint('on')\nwhile not os.path.exists({str(flag)!r}):"
            running = await notebook.running(f"{source} time.sleep(0.02)", "on")
            set_clock(server.folder, hours)
            await notebook.add("'written under that clock'")
            away = at((await notebook.events())[-1]) - datetime.now(UTC)
            assert abs(away - timedelta(hours=hours)) < timedelta(minutes=30), "it was not set"
            flag.touch()
            assert (await notebook.execution(running))["status"] == "ok"
        after = await runtime_of(notebook)
        assert (after["kernel_id"], after["fence"]) == (before["kernel_id"], before["fence"])
        await notebook.do("stop_runtime")
    set_clock(server.folder, 0)


@pytest.mark.rule("EX1", "EL3", "EX3", "FB1")
async def test_a_server_that_was_thought_dead_wakes_up_and_lets_go_of_what_another_one_has(
    server: Server, other: Server
) -> None:
    notebook = await server.notebook("'top'")
    async with tabs(notebook) as (tab,):
        running, kernel = await begun(notebook)
        before = await runtime_of(notebook)
        async with asleep(server):
            lock_of(notebook).unlink()
            there = await other.opened(notebook.path)
            after = await runtime_of(there)
            assert after["kernel_id"] == before["kernel_id"]
            assert after["fence"] > before["fence"]
            await there.do("edit_cell", cell_id="c0", source="'edited there'")
            await tab.type(" # too late")
        await tab.ended()

        async def refused() -> Answer | None:
            answer = await server.call("GET", "/api/runt/notebooks", path=notebook.path)
            return answer if answer.code == "lease_held" else None

        assert str(other.port) in (await eventually(refused)).body["detail"]["url"]
        await there.do("interrupt_runtime")
        execution = await there.execution(running)
        assert execution["error"]["ename"] == "KeyboardInterrupt"
        lines = text_of(execution).splitlines()
        assert lines == [f"pid {kernel}", *(f"tick {number}" for number in range(len(lines) - 1))]
        assert text_of(await there.run_source("print('on', end='')")) == "on"
        await there.saved(lambda content: "edited there" in str(content))
        assert "too late" not in str(await there.sources())
        seqs = [event["seq"] for event in await there.events()]
        assert seqs == list(range(1, len(seqs) + 1))
        assert not await there.events(types="v1.RuntimeSessionEnded")
    await asyncio.to_thread(server.stop)  # without its lock it is for dead until it starts again
