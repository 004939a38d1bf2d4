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

# Without jedi, whose cache in the home folder is for all kernels, and is read while another writes.
ENDLESS = """
get_ipython().Completer.use_jedi = False
known = 42
print("begun", flush=True)
import time
while True: time.sleep(0.01)
"""

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

SLIDER = """
import ipywidgets
slider, moves = ipywidgets.IntSlider(), []
slider.observe(lambda change: moves.append(change.new), "value")
print(slider.model_id, end="")
"""
UNTIL = "import time\nprint('begun', flush=True)\nwhile {}: time.sleep(0.01)\nprint(moves, end='')"
PAGES_OWN = """
import comm
def opened(it, _):
    it.on_msg(lambda message: moves.append(message["content"]["data"]))
comm.get_comm_manager().register_target("page", opened)
"""


class Browser:
    """A connection to a kernel as a browser has it."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket

    async def say(
        self, msg_type: str, channel: str = "shell", subshell: str | None = None, **content: Any
    ) -> str:
        """Send a message, and return its id."""
        header = msg_header(new_id(), msg_type, "ada", "s") | {"date": "", "subshell_id": subshell}
        request = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        await self._socket.write_message(json.dumps({**request, "channel": channel}))
        return str(header["msg_id"])

    async def ask(self, msg_type: str, channel: str = "shell", **content: Any) -> dict[str, Any]:
        """Return the answer to a request."""
        asked = await self.say(msg_type, channel, **content)
        async with asyncio.timeout(30):
            while True:
                message = json.loads(await self._socket.read_message())
                of_it = message["parent_header"].get("msg_id") == asked
                if of_it and message["channel"] == channel:
                    answer: dict[str, Any] = message["content"]
                    return answer

    async def move(self, slider: str, value: int, subshell: str | None = None) -> None:
        """Tell a slider of the kernel where it is now."""
        data = {"method": "update", "state": {"value": value}, "buffer_paths": []}
        await self.say("comm_msg", comm_id=slider, data=data, subshell=subshell)


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


@pytest.mark.rule("EX11", "EX10")
async def test_widgets_hear_a_page_while_a_cell_runs_whatever_it_knows_of_subshells(
    server: Server,
) -> None:
    notebook = await server.notebook("'top'")
    slider = (await notebook.run_source(SLIDER))["outputs"][0]["text"]
    kernel_id = await kernel_of(server, notebook)
    running = await notebook.running(UNTIL.format("len(moves) < 3"), "begun")
    async with browser(server, kernel_id) as tab:
        await tab.move(slider, 1)  # a page that was loaded just now has no subshell yet
        own = (await tab.ask("create_subshell_request", "control"))["subshell_id"]
        await tab.move(slider, 2, own)
        while "2" not in str(await tab.ask("inspect_request", code="moves", cursor_pos=5)):
            pass
        await tab.ask("delete_subshell_request", "control", subshell_id=own)  # the tab is closed
        await tab.move(slider, 3)
    assert (await notebook.execution(running))["outputs"][-1]["text"] == "begun\n[1, 2, 3]"


@pytest.mark.rule("EX11", "EX10")
async def test_what_a_page_opens_in_a_kernel_hears_it_in_order(server: Server) -> None:
    notebook = await server.notebook("'top'")
    await notebook.run_source(SLIDER + PAGES_OWN)
    kernel_id = await kernel_of(server, notebook)
    async with browser(server, kernel_id) as tab:
        for running in (False, True):
            if running:
                cell = await notebook.running(UNTIL.format("len(moves) < 200"), "begun")
            for number in range(50):
                opened = new_id()
                await tab.say("comm_open", comm_id=opened, target_name="page", data={})
                await tab.say("comm_msg", comm_id=opened, data=number)
                await tab.say("comm_msg", comm_id=opened, data=number)
                await tab.say("comm_close", comm_id=opened, data={})
            # What is asked of the main shell is answered after all that.
            await tab.ask("history_request", hist_access_type="tail", n=1, output=False, raw=True)
    twice = [number for number in range(50) for _ in range(2)]
    assert (await notebook.execution(cell))["outputs"][-1]["text"] == f"begun\n{twice * 2}"


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
