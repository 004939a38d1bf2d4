"""Kernels go on where their server died, and say why where they cannot."""

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_runt.wire import PROTOCOL
from tests.integration.server import Notebook, Server, eventually

pytestmark = pytest.mark.asyncio

TICKS = """
import os, time
print("pid", os.getpid(), flush=True)
number = 0
while number < {count}:
    print("tick", number, flush=True)
    number += 1
    time.sleep(0.02)
print("done", end="")
"""
ENDLESS = TICKS.format(count=1_000_000)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("adopting")).running() as server:
        yield server
    assert server.agents() == []
    assert list((server.folder / "data/runt").glob("journals/*")) == []


@pytest.fixture(autouse=True)
def _started(server: Server) -> None:
    if server.process.poll() is not None:
        server.start()


def agent_of(server: Server, notebook: Notebook) -> int:
    """Return the process of the notebook's agent."""
    (pid,) = [each["pid"] for each in server.agents() if each["notebook_id"] == notebook.id]
    return int(pid)


def journal_of(server: Server, notebook: Notebook) -> Iterator[Path]:
    """Return what the agent of a notebook keeps."""
    journals = server.folder / "data/runt/journals"
    for state in journals.glob("*.json"):
        if notebook.id in state.read_text("utf-8"):
            yield from journals.glob(f"{state.stem}.*[0-9]")


def text_of(execution: dict[str, Any]) -> str:
    return "".join(output.get("text", "") for output in execution["outputs"])


def kernel_of(execution: dict[str, Any]) -> int:
    return int(text_of(execution).split()[1])


async def begun(notebook: Notebook) -> tuple[str, int]:
    """Begin to run a cell that does not end, and return its execution and its kernel's process."""
    running = await notebook.running(ENDLESS, "tick 3")
    return running, kernel_of(await notebook.execution(running, wait=0))


async def gone(*pids: int) -> None:
    async def are_gone() -> bool:
        return not any([await asyncio.to_thread(Path(f"/proc/{pid}").exists) for pid in pids])

    await eventually(are_gone)


def runtime_of(described: dict[str, Any]) -> dict[str, Any]:
    runtime: dict[str, Any] = described["runtime"]
    return runtime


@pytest.mark.rule("EX3", "EX1", "EX2")
async def test_a_cell_goes_on_under_the_next_server_without_a_line_lost_or_doubled(
    server: Server,
) -> None:
    notebook = await server.notebook("kept = 41")
    await notebook.run("c0")
    running = await notebook.running(TICKS.format(count=300), "tick 5")
    before = runtime_of(await server.get("/api/runt/notebooks", path=notebook.path))
    for _ in range(2):
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
    execution = await notebook.execution(running)
    assert execution["status"] == "ok"
    ticks = "".join(f"tick {number}\n" for number in range(300))
    pid = kernel_of(execution)
    assert text_of(execution) == f"pid {pid}\n{ticks}done"
    after = runtime_of(await server.get("/api/runt/notebooks", path=notebook.path))
    assert after["kernel_id"] == before["kernel_id"]
    assert after["runtime_session_id"] == before["runtime_session_id"]
    assert after["fence"] > before["fence"]
    next_one = await notebook.run_source("print(kept + 1, os.getpid(), end='')")
    assert text_of(next_one) == f"42 {pid}"

    async def let_go() -> bool:  # of what the log has
        return sum(file.stat().st_size for file in journal_of(server, notebook)) < 20_000

    await eventually(let_go)


@pytest.mark.rule("EX10", "EX3", "EX6")
async def test_sessions_prompts_and_what_waits_are_there_under_the_next_server(
    server: Server,
) -> None:
    notebook = await server.notebook("name = input('Name? ')\nprint(len(name))", "print('waited')")
    session = {"path": notebook.path, "type": "notebook", "name": "", "kernel": {}}
    opened = (await server.call("POST", "/api/sessions", session)).body
    asking, waiting = await notebook.start("c0", "c1")
    await notebook.asks(asking)
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    (found,) = [each for each in await server.get("/api/sessions") if each["id"] == opened["id"]]
    assert found["kernel"]["id"] == opened["kernel"]["id"]
    assert found["path"] == notebook.path
    assert (await notebook.execution(asking, wait=0))["status"] == "waiting_input"
    await notebook.do("reply_input", execution_id=asking, value="Ada Lovelace")
    kept = [file.read_bytes() for file in (server.folder / "data/runt/journals").iterdir()]
    assert not any(b"Lovelace" in each for each in kept), "it may have been a password"
    assert (await notebook.execution(asking))["status"] == "ok"
    assert text_of(await notebook.execution(asking)).endswith("12\n")
    assert text_of(await notebook.execution(waiting)) == "waited\n"
    prompts = await notebook.events(types="v1.InputRequested")
    assert len(prompts) == 1
    agent = agent_of(server, notebook)
    await server.call("DELETE", f"/api/sessions/{opened['id']}")
    await gone(agent)


@pytest.mark.rule("EX3", "EX1")
async def test_a_kernel_whose_kernelspec_is_gone_goes_on_and_is_restarted(server: Server) -> None:
    spec = server.data / "kernels/passing/kernel.json"
    spec.parent.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    about = {"argv": command, "display_name": "Passing", "language": "python"}
    spec.write_text(json.dumps(about), "utf-8")
    notebook = await server.notebook("'top'")
    await notebook.do("start_runtime", kernel_name="passing")
    running, kernel = await begun(notebook)
    await asyncio.to_thread(server.kill)
    shutil.rmtree(spec.parent)
    await asyncio.to_thread(server.start)
    await notebook.do("interrupt_runtime")
    assert (await notebook.execution(running))["error"]["ename"] == "KeyboardInterrupt"
    await notebook.do("restart_runtime")
    assert text_of(await notebook.run_source("print('on', end='')")) == "on"
    await gone(kernel)
    await notebook.do("stop_runtime")


@pytest.mark.rule("EX5", "EX1", "EX10")
async def test_an_adopted_kernel_is_interrupted_restarted_and_stopped_as_any_other(
    server: Server,
) -> None:
    notebook = await server.notebook("'top'")
    running, kernel = await begun(notebook)
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    await notebook.do("interrupt_runtime")
    interrupted = await notebook.execution(running)
    assert interrupted["error"]["ename"] == "KeyboardInterrupt"
    agent = agent_of(server, notebook)
    await notebook.do("restart_runtime")
    assert text_of(await notebook.run_source("print('number' in globals())")) == "False\n"
    await gone(agent, kernel)
    again = agent_of(server, notebook)
    _, kernel = await begun(notebook)
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    await notebook.do("stop_runtime")
    await gone(again, kernel)


@pytest.mark.rule("EX6", "EX3")
async def test_displays_of_earlier_cells_are_updated_under_the_next_server(
    server: Server, tmp_path: Path
) -> None:
    flag = tmp_path / "go"
    notebook = await server.notebook("print('above')\nbar = display('0 %', display_id=True)")
    (shown,) = await notebook.start("c0")
    await notebook.execution(shown)
    source = f"import os, time\nprint('on')\nwhile not os.path.exists({str(flag)!r}):"
    running = await notebook.running(f"{source} time.sleep(0.02)\nbar.update('50 %')", "on")
    await asyncio.to_thread(server.kill)
    flag.touch()  # while no server is there
    await asyncio.to_thread(server.start)
    assert (await notebook.execution(running))["status"] == "ok"

    async def display() -> str:
        cell = (await notebook.at())["cells"][0]
        assert cell["outputs"][0]["text"] == "above\n"
        return str(cell["outputs"][1]["data"]["text/plain"])

    assert await display() == "'50 %'"
    await notebook.run_source("bar.update('100 %')")
    assert await display() == "'100 %'"


@pytest.mark.rule("EX6", "EX1")
async def test_widgets_of_earlier_cells_catch_what_is_said_inside_them_under_the_next_server(
    server: Server,
) -> None:
    notebook = await server.notebook("import ipywidgets\nout = ipywidgets.Output()")
    await notebook.run("c0")
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)

    async def caught() -> bool:  # as soon as the kernel has told which widgets there are
        ran = await notebook.run_source("with out:\n    print('inside')\nprint('after', end='')")
        assert text_of(ran).endswith("after")
        return text_of(ran) == "after"

    await eventually(caught)
    shown = await notebook.run_source("print(out.outputs[0]['text'], end='')")
    assert text_of(shown) == "inside\n"


@pytest.mark.rule("EX7")
async def test_the_death_of_a_kernel_or_of_its_agent_is_told_in_the_cell(server: Server) -> None:
    notebook = await server.notebook("'top'")
    running, kernel = await begun(notebook)
    agent = agent_of(server, notebook)
    os.kill(agent, signal.SIGKILL)
    lost = await notebook.execution(running)
    assert lost["status"] == "lost"
    assert "outputs was killed" in lost["outputs"][-1]["evalue"]
    await gone(agent, kernel)

    running, kernel = await begun(notebook)  # on the kernel that Jupyter started in its place
    agent = agent_of(server, notebook)
    os.kill(kernel, signal.SIGKILL)
    lost = await notebook.execution(running)
    assert lost["status"] == "lost"
    assert "SIGKILL" in lost["outputs"][-1]["evalue"]
    await gone(agent, kernel)


@pytest.mark.rule("EX7", "EX2")
async def test_a_kernel_that_died_while_no_server_was_there_says_why_and_what_it_said(
    server: Server,
) -> None:
    notebook = await server.notebook("'top'")
    running, kernel = await begun(notebook)
    agent = agent_of(server, notebook)
    await asyncio.to_thread(server.kill)
    os.kill(kernel, signal.SIGSEGV)
    await asyncio.to_thread(server.start)
    lost = await notebook.execution(running)
    assert lost["status"] == "lost"
    assert "SIGSEGV" in lost["outputs"][-1]["evalue"]
    assert text_of(lost).startswith(f"pid {kernel}\ntick 0\n")
    await gone(agent, kernel)


@pytest.mark.rule("EX1", "EX2", "EX7")
@pytest.mark.parametrize("trouble", ["frozen", "of another version"])
async def test_an_agent_that_cannot_be_adopted_is_ended_with_its_kernel_and_the_cell_says_so(
    server: Server, trouble: str
) -> None:
    notebook = await server.notebook("'top'")
    running, kernel = await begun(notebook)
    agent = agent_of(server, notebook)
    await asyncio.to_thread(server.kill)
    if trouble == "frozen":
        os.kill(agent, signal.SIGSTOP)
    else:
        for state in (server.folder / "data/runt/journals").glob("*.json"):
            content = state.read_text("utf-8").replace(f'"protocol": {PROTOCOL},', '"protocol": 9,')
            state.write_text(content, "utf-8")
    await asyncio.to_thread(server.start)
    lost = await notebook.execution(running)
    assert lost["status"] == "lost"
    reason = {"frozen": "does not answer", "of another version": "protocol 9"}[trouble]
    assert reason in lost["outputs"][-1]["evalue"]
    await gone(agent, kernel)
    assert text_of(await notebook.run_source("print('on another one')")) == "on another one\n"


@pytest.mark.rule("EX1")
async def test_orphans_end_when_no_server_comes_in_time(tmp_path: Path) -> None:
    server = Server(tmp_path / "server", {"RuntApp": {"orphan_ttl": 1}})
    with server.running():
        notebook = await server.notebook("'top'")
        running, kernel = await begun(notebook)
        agent = agent_of(server, notebook)
        await asyncio.to_thread(server.kill)
        await gone(agent, kernel)
        assert server.agents() == []
        await asyncio.to_thread(server.start)
        assert (await notebook.execution(running))["status"] == "lost"


@pytest.mark.rule("AU4", "AG4")
async def test_what_an_agent_keeps_is_its_owner_s_alone_and_holds_no_secret(
    server: Server,
) -> None:
    notebook = await server.notebook("print('kept')")
    await notebook.running(ENDLESS, "tick 3")
    journals = server.folder / "data/runt/journals"
    kept = list(journals.iterdir())
    assert len(kept) > 1
    assert journals.stat().st_mode & 0o077 == 0
    sockets = [Path(agent["socket"]) for agent in server.agents()]
    assert all(each.is_socket() for each in sockets)
    assert not [each for each in [*kept, *sockets] if each.stat().st_mode & 0o077]
    states = "".join(state.read_text("utf-8") for state in journals.glob("*.json"))
    assert '"key"' not in states
    await asyncio.to_thread(server.stop)
    assert not any(each.exists() for each in sockets)


@pytest.mark.rule("EX10")
async def test_a_bare_kernel_has_no_agent(server: Server) -> None:
    kernel = (await server.call("POST", "/api/kernels", {})).body
    assert kernel["id"] not in [agent["kernel_id"] for agent in server.agents()]
    await server.call("DELETE", f"/api/kernels/{kernel['id']}")
