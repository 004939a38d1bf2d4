"""A notebook whose kernel runs on another machine, as far as the server can tell."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from tests.integration.server import Notebook, Server, eventually
from tests.integration.test_adoption import gone
from tests.integration.test_subshells import browser

pytestmark = pytest.mark.asyncio

REPOSITORY = Path(__file__).parents[2]
TICKS = """
import os, time
print("pid", os.getpid(), flush=True)
for number in range({count}):
    print("tick", number, flush=True)
    time.sleep(0.01)
print("done", end="")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that waits for machines as long as any test may take."""
    config = {"RuntApp": {"remote_lease": 240.0}}
    with Server(tmp_path_factory.mktemp("lending"), config).running() as server:
        yield server


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    config = {"RuntApp": {"remote_lease": 15.0}}
    with Server(tmp_path_factory.mktemp("impatient"), config).running() as server:
        yield server


class Wire:
    """What is between the two machines; it can be cut."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.whole = True
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> "Wire":
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        self._server.close()

    def cut(self) -> None:
        self.whole = False
        for writer in self._open:
            writer.transport.abort()

    def mend(self) -> None:
        self.whole = True

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.whole:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        ends = {writer, far_writer}
        self._open |= ends

        async def one_way(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            try:
                while data := await source.read(65536):
                    target.write(data)
                    await target.drain()
            except OSError:
                pass
            finally:
                target.close()

        await asyncio.gather(one_way(reader, far_writer), one_way(far_reader, writer))
        self._open -= ends


@asynccontextmanager
async def machine(
    folder: Path, url: str, notebook: str, token: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Offer another machine, with folders of its own, for a notebook."""
    (folder / "work").mkdir(parents=True, exist_ok=True)
    env = {
        **os.environ,
        **{f"JUPYTER_{kind}_DIR": str(folder / kind.lower()) for kind in ("DATA", "RUNTIME")},
        "JUPYTER_RUNT_TOKEN": token,
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
    }
    command = [sys.executable, "-m", "jupyter_runt.cli", "agent", "--url", url]
    process = await asyncio.create_subprocess_exec(
        *command,
        "--notebook",
        notebook,
        cwd=folder / "work",
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def made_token(server: Server, notebook: Notebook, **fields: Any) -> dict[str, Any]:
    made = await server.call("POST", f"{notebook.url}/tokens", {"action": "agent", **fields})
    assert made.status == 201
    body: dict[str, Any] = made.body
    return body


async def runtime_of(server: Server, notebook: Notebook) -> dict[str, Any]:
    described = await server.get("/api/runt/notebooks", path=notebook.path)
    return dict(described["runtime"] or {})


async def lent(server: Server, notebook: Notebook, kernel_id: str | None = None) -> dict[str, Any]:
    """Wait until the notebook has another kernel, which is ready; return its runtime."""

    async def is_lent() -> dict[str, Any]:
        runtime = await runtime_of(server, notebook)
        ready = runtime.get("status") == "ready" and runtime["kernel_id"] != kernel_id
        return runtime if ready else {}

    return await eventually(is_lent, 60)


def text_of(execution: dict[str, Any]) -> str:
    return "".join(output.get("text", "") for output in execution["outputs"])


@pytest.mark.rule("EX12", "AU3")
async def test_a_notebook_runs_elsewhere_and_loses_nothing_while_the_connection_is_gone(
    server: Server, tmp_path: Path
) -> None:
    notebook = await server.notebook("here = 1")
    await notebook.run("c0")
    local = await runtime_of(server, notebook)
    token = await made_token(server, notebook)
    async with (
        Wire(server.port) as wire,
        machine(tmp_path, wire.url, notebook.id, token["token"]) as process,
    ):
        runtime = await lent(server, notebook, local["kernel_id"])
        ended = await notebook.events(types="v1.RuntimeSessionEnded")
        assert ended[-1]["payload"]["reason"] == "displaced"
        there = await notebook.run_source(
            "print(os.getcwd() if 'here' in globals() else 'new', end='')"
        )
        assert text_of(there) == "new"
        where = await notebook.run_source("import os; print(os.getcwd(), end='')")
        assert text_of(where) == str(tmp_path / "work")
        running = await notebook.running(TICKS.format(count=400), "tick 5")
        wire.cut()

        async def unresponsive() -> bool:
            return (await runtime_of(server, notebook))["status"] == "unresponsive"

        await eventually(unresponsive)
        queued = (await notebook.start(*await notebook.add("print('queued', end='')")))[0]
        wire.mend()
        execution = await notebook.execution(running)
        pid = text_of(execution).split()[1]
        ticks = "".join(f"tick {number}\n" for number in range(400))
        assert text_of(execution) == f"pid {pid}\n{ticks}done"
        assert text_of(await notebook.execution(queued)) == "queued"
        assert (await runtime_of(server, notebook))["kernel_id"] == runtime["kernel_id"]
        endless = await notebook.running("print('on')\nwhile True: pass", "on")
        await server.call("DELETE", f"{notebook.url}/tokens/{token['token_id']}")
        assert (await notebook.execution(endless))["status"] == "cancelled"
        assert await process.wait() == 0
        ended = await notebook.events(types="v1.RuntimeSessionEnded")
        assert ended[-1]["payload"]["cause"] == "The token of its machine was revoked."


@pytest.mark.slow
@pytest.mark.rule("EX12", "EX5", "EX7", "EX10")
async def test_a_kernel_elsewhere_is_used_interrupted_restarted_and_mourned_as_any_other(
    server: Server, tmp_path: Path
) -> None:
    notebook = await server.notebook("'top'")
    token = (await made_token(server, notebook))["token"]
    async with machine(tmp_path, server.url, notebook.path, token) as process:
        runtime = await lent(server, notebook)
        listed = await server.get("/api/runt/runtimes")
        (ours,) = [each for each in listed["runtimes"] if each["notebook_id"] == notebook.id]
        assert ours["host"] == socket.gethostname()
        assert ours["owner"].startswith("user:")
        await notebook.run_source("known = 42\nget_ipython().Completer.use_jedi = False")
        running = await notebook.running(TICKS.format(count=100_000), "tick 5")
        async with browser(server, runtime["kernel_id"]) as tab:
            found = await tab.ask("complete_request", code="know", cursor_pos=4)
            assert "known" in found["matches"]
        await notebook.do("interrupt_runtime")
        assert (await notebook.execution(running))["status"] == "error"
        await notebook.do("restart_runtime")
        assert text_of(await notebook.run_source("print('known' in globals(), end='')")) == "False"
        asking = await notebook.running("print(input('Who? '), end='')", "")
        await notebook.asks(asking)
        await notebook.do("reply_input", execution_id=asking, value="ada")
        assert text_of(await notebook.execution(asking)) == "ada"
        dying = await notebook.run_source("import os; os.kill(os.getpid(), 9)")
        assert dying["status"] == "lost", (
            dying,
            await notebook.events(
                types="v1.RuntimeSessionEnded,v1.RuntimeStatusChanged,v1.RuntimeSessionStarted,v1.ExecutionCancelled"
            ),
        )
        assert "SIGKILL" in dying["outputs"][-1]["evalue"]
        assert text_of(await notebook.run_source("print('again', end='')")) == "again"
        await notebook.do("stop_runtime")
        assert await process.wait() == 0
    here = await notebook.run_source("import os; print(os.getcwd(), end='')")
    assert text_of(here) == str(server.root)


@pytest.mark.rule("EX12", "EX3", "EX1")
async def test_a_kernel_elsewhere_goes_on_under_the_next_server_without_a_line_lost_or_doubled(
    server: Server, tmp_path: Path
) -> None:
    notebook = await server.notebook("'top'")
    token = (await made_token(server, notebook))["token"]
    async with machine(tmp_path, server.url, notebook.id, token) as process:
        before = await lent(server, notebook)
        running = await notebook.running("kept = 41\n" + TICKS.format(count=500), "tick 5")
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        execution = await notebook.execution(running)
        pid = text_of(execution).split()[1]
        ticks = "".join(f"tick {number}\n" for number in range(500))
        assert text_of(execution) == f"pid {pid}\n{ticks}done"
        after = await runtime_of(server, notebook)
        for name in ("kernel_id", "runtime_session_id", "host", "owner"):
            assert after[name] == before[name]
        assert after["fence"] > before["fence"]
        assert text_of(await notebook.run_source("print(kept + 1, end='')")) == "42"
        endless = await notebook.running("print('on')\nwhile True: pass", "on")
        await notebook.do("interrupt_runtime")
        assert (await notebook.execution(endless))["status"] == "error"
        await notebook.do("restart_runtime")
        assert text_of(await notebook.run_source("print('kept' in globals(), end='')")) == "False"
        await notebook.do("stop_runtime")
        assert await process.wait() == 0
        await gone(int(pid))


@pytest.mark.slow
@pytest.mark.rule("EX12", "EX1", "EX2")
async def test_a_machine_that_comes_back_when_nobody_waits_any_more_is_told_so_and_ends_its_kernel(
    server: Server, tmp_path: Path
) -> None:
    notebook = await server.notebook("'top'")
    token = (await made_token(server, notebook))["token"]
    async with machine(tmp_path, server.url, notebook.id, token) as process:
        await lent(server, notebook)
        running = await notebook.running(TICKS.format(count=100_000), "tick 5")
        kernel = int(text_of(await notebook.execution(running, wait=0)).split()[1])
        await asyncio.to_thread(server.kill)
        process.send_signal(signal.SIGSTOP)
        await asyncio.to_thread(server.start)
        waiting = await notebook.start(*await notebook.add("print('waits')"))
        away = await runtime_of(server, notebook)
        assert away["status"] == "unresponsive"
        assert (await notebook.send("interrupt_runtime")).code == "runtime_lost"
        assert (await notebook.execution(running, wait=0))["status"] == "running"
        await notebook.do("restart_runtime")
        lost = await notebook.execution(running)
        assert lost["status"] == "lost"
        assert "given up" in lost["outputs"][-1]["evalue"]
        assert (await notebook.execution(waiting[0]))["status"] == "cancelled"
        here = await notebook.run_source("import os; print(os.getcwd(), end='')")
        assert text_of(here) == str(server.root)
        process.send_signal(signal.SIGCONT)
        assert await process.wait() == 1
        assert process.stdout is not None
        assert b"does not run on this kernel any more" in await process.stdout.read()
        await gone(kernel)


@pytest.mark.slow
@pytest.mark.rule("EX12", "EX1")
async def test_a_machine_that_stays_away_ends_its_kernel_before_the_notebook_is_given_away(
    impatient: Server, tmp_path: Path
) -> None:
    server = impatient
    notebook = await server.notebook("'top'")
    token = (await made_token(server, notebook))["token"]
    async with (
        Wire(server.port) as wire,
        machine(tmp_path, wire.url, notebook.id, token) as process,
    ):
        await lent(server, notebook)
        running = await notebook.running(TICKS.format(count=100_000), "tick 5")
        kernel = int(text_of(await notebook.execution(running, wait=0)).split()[1])
        wire.cut()
        lost = await notebook.execution(running)
        assert lost["status"] == "lost"
        assert "not heard of for 15 seconds" in lost["outputs"][-1]["evalue"]
        ended = await notebook.events(types="v1.RuntimeSessionEnded")
        assert ended[-1]["payload"]["reason"] == "expired"
        assert await process.wait() == 1
        await gone(kernel)
    assert text_of(await notebook.run_source("print('here', end='')")) == "here"


@pytest.mark.slow
@pytest.mark.rule("EX12", "EX1")
async def test_the_last_machine_that_is_offered_has_the_notebook_and_the_other_one_leaves(
    server: Server, tmp_path: Path
) -> None:
    notebook = await server.notebook("'top'")
    token = (await made_token(server, notebook))["token"]
    async with machine(tmp_path / "one", server.url, notebook.id, token) as one:
        first = await lent(server, notebook)
        async with machine(tmp_path / "two", server.url, notebook.id, token):
            await lent(server, notebook, first["kernel_id"])
            assert await one.wait() == 0
            where = await notebook.run_source("import os; print(os.getcwd(), end='')")
            assert text_of(where) == str(tmp_path / "two/work")


@pytest.mark.slow
@pytest.mark.rule("AU3")
async def test_tokens_are_for_one_notebook_listed_and_revoked_and_nobody_keeps_them(
    server: Server, tmp_path: Path
) -> None:
    notebook, other = await server.notebook("'top'"), await server.notebook("'top'")
    made = await made_token(server, notebook, label="my laptop", expires_in=3600)
    (listed,) = (await server.get(f"{notebook.url}/tokens"))["tokens"]
    assert listed == {name: value for name, value in made.items() if name != "token"}
    assert made["token"].encode() not in (server.folder / "data/runt/store.db-wal").read_bytes()
    for path, token in (
        (other.id, made["token"]),
        (notebook.id, made["token"] + "x"),
        (notebook.id, "runt_x_y"),
    ):
        async with machine(tmp_path / "refused", server.url, path, token) as process:
            assert await process.wait() == 1
    async with machine(tmp_path, server.url, notebook.id, made["token"]) as process:
        await lent(server, notebook)
        revoked = await server.call("DELETE", f"{notebook.url}/tokens/{made['token_id']}")
        assert revoked.status == 204
        assert await process.wait() == 0
    assert (await server.get(f"{notebook.url}/tokens"))["tokens"] == []
    again = await server.call("DELETE", f"{notebook.url}/tokens/{made['token_id']}")
    assert (again.status, again.code) == (404, "token_not_found")
    for wrong in ({"action": "everything"}, {"expires_in": 0}, {"expires_in": "x"}, {"label": 1}):
        answer = await server.call("POST", f"{notebook.url}/tokens", wrong)
        assert (answer.status, answer.code) == (400, "invalid_request")


@pytest.mark.rule("AU3", "EX1")
async def test_a_machine_can_take_neither_another_kernel_s_id_nor_another_file_s_name(
    server: Server,
) -> None:
    notebook, other = await server.notebook("'top'"), await server.notebook("kept = 1")
    await other.run("c0")
    token = (await made_token(server, notebook))["token"]
    url = f"{server.url}/api/runt/agents?notebook={notebook.id}".replace("http", "ws", 1)
    about = {"type": "register", "protocol": 2, "stream": 0, "received": 0, "key": "k"}
    for name in ("kernel_name", "display_name", "language", "interrupt_mode", "host"):
        about[name] = "python3"
    about["signature_scheme"] = "hmac-sha256"
    taken = (await runtime_of(server, other))["kernel_id"]
    for kernel_id in (taken, "../../config/x"):
        request = HTTPRequest(url, headers={"Authorization": f"Bearer {token}"})
        connection = await websocket_connect(request)
        await connection.write_message(json.dumps({**about, "kernel_id": kernel_id}))
        answers = []
        while (answer := await connection.read_message()) is not None:
            answers.append(json.loads(answer))
        connection.close()
        assert (answers[-1]["type"], answers[-1]["reason"]) == ("end", "refused")
    assert text_of(await other.run_source("print(kept, end='')")) == "1"
