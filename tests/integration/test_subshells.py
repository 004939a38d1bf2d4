"""While a cell runs, its kernel answers what does not have to wait for it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from jupyter_client.session import msg_header
from tornado.websocket import websocket_connect

from jupyter_runt.ids import new_id
from tests.integration.server import TOKEN, Notebook, Server, eventually

pytestmark = pytest.mark.asyncio

ENDLESS = "known = 42\nprint('begun', flush=True)\nimport time\nwhile True: time.sleep(0.01)"

CATCHING = """
import time, ipywidgets
out = ipywidgets.Output()
with out:
    print("inside", end="", flush=True)
    until = time.monotonic() + 20
    while not out.outputs and time.monotonic() < until:
        time.sleep(0.01)
print("seen:", out.outputs[0]["text"] if out.outputs else None, end="")
"""


class Browser:
    """A connection to a kernel as a browser has it."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket

    async def ask(self, msg_type: str, **content: Any) -> dict[str, Any]:
        """Return the answer to a request on the shell channel."""
        header = msg_header(new_id(), msg_type, "ada", "s") | {"date": ""}
        request = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        await self._socket.write_message(json.dumps({**request, "channel": "shell"}))
        async with asyncio.timeout(30):
            while True:
                message = json.loads(await self._socket.read_message())
                of_it = message["parent_header"].get("msg_id") == header["msg_id"]
                if of_it and message["channel"] == "shell":
                    answer: dict[str, Any] = message["content"]
                    return answer


async def kernel_of(server: Server, notebook: Notebook) -> str:
    described = await server.get("/api/runt/notebooks", path=notebook.path)
    return str(described["runtime"]["kernel_id"])


@asynccontextmanager
async def browser(server: Server, kernel_id: str) -> AsyncIterator[Browser]:
    url = f"{server.url}/api/kernels/{kernel_id}/channels?session_id=s&token={TOKEN}"
    async with asyncio.timeout(30):  # neither does it wait for the cell
        socket = await websocket_connect(url.replace("http", "ws", 1))
    try:
        yield Browser(socket)
    finally:
        socket.close()


@pytest.mark.rule("EX11", "EX3")
async def test_questions_are_answered_while_a_cell_runs_also_after_another_server_took_over(
    tmp_path: Any,
) -> None:
    with Server(tmp_path).running() as server:
        notebook = await server.notebook("'top'")
        running = await notebook.running(ENDLESS, "begun")
        kernel_id = await kernel_of(server, notebook)
        for taken_over in (False, True):
            if taken_over:
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
                await server.get("/api/kernels")  # which waits for those that come back
            async with browser(server, kernel_id) as tab:
                info = await tab.ask("kernel_info_request")
                assert info["implementation"] == "ipython"
                found = await tab.ask("complete_request", code="know", cursor_pos=4)
                assert "known" in found["matches"]
                told = await tab.ask("inspect_request", code="known", cursor_pos=5, detail_level=0)
                assert "int" in told["data"]["text/plain"]
                assert (await tab.ask("comm_info_request"))["status"] == "ok"
            kernel = await server.get(f"/api/kernels/{kernel_id}")
            assert kernel["execution_state"] == "busy", "the cell still runs"
        assert (await notebook.execution(running, wait=0))["status"] == "running"
        await notebook.do("interrupt_runtime")
        assert (await notebook.execution(running))["status"] == "error"


@pytest.mark.rule("EX11")
async def test_an_output_widget_has_what_it_caught_while_the_cell_runs(server: Server) -> None:
    notebook = await server.notebook("'top'")
    execution = await notebook.run_source(CATCHING)
    texts = [output.get("text") for output in execution["outputs"]]
    assert texts == ["seen: inside"]


@pytest.mark.rule("EX11", "EX5")
async def test_a_kernel_that_wants_a_message_for_it_is_interrupted_and_stopped_by_one(
    server: Server,
) -> None:
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "By message",
        "language": "python",
        "interrupt_mode": "message",
    }
    folder = server.folder / "data/kernels/by-message"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    notebook = await server.notebook("'top'")
    await notebook.do("start_runtime", kernel_name="by-message")
    running = await notebook.running(ENDLESS, "begun")
    await notebook.do("interrupt_runtime")
    assert (await notebook.execution(running))["status"] == "error"
    await notebook.do("stop_runtime")

    async def stopped() -> bool:
        return all(each["notebook_id"] != notebook.id for each in server.agents())

    await eventually(stopped)
