"""The AI's tools on a real server and a real kernel."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from jupyter_runt.ai.fake.script import Reply
from jupyter_runt.ai.fake.server import FakeModel
from tests.integration.ai import ADA, ai_server, ask, told
from tests.integration.server import Notebook, Server, eventually
from tests.ports import free_port

pytestmark = pytest.mark.asyncio

OFFERED = '''
from jupyter_runt.kernel import tool

@tool
def double(number: int, times: int = 1) -> str:
    """Double a number, again and again."""
    print("doubling")
    return str(number * 2 ** times)

@tool
def sleep() -> None:
    """Sleep."""
    import time
    print("asleep")
    time.sleep(600)
'''


GOES_ON = """
import os, time
known, ends = 4242, []
get_ipython().events.register("post_execute", lambda: ends.append(1))
print("begun", flush=True)
while not os.path.exists(flag):
    time.sleep(0.01)
print(f"{input()}, {len(ends)} ends")
"""


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Server]:
    allowed = {"execute": "allow"}
    with ai_server(tmp_path_factory.mktemp("ai"), port, policy=allowed) as server:
        yield server


@pytest_asyncio.fixture
async def notebook(server: Server) -> Notebook:
    return await server.notebook("x = 6", "x * 7")


def call(tool: str, **arguments: Any) -> Reply:
    return Reply(calls=[(tool, arguments)])


async def results(notebook: Notebook, port: int, *calls: Reply) -> list[str]:
    """Have a model make calls, one after the other, and return what it was told."""
    async with FakeModel([*calls, Reply("Done.")], port=port) as model:
        turn = await ask(notebook)
        ended = await turn.ended()
        assert ended["status"] == "ok", ended
        return [json.loads(told(request))["content"] for request in model.requests[1:]]


@pytest.mark.rule("AG1", "AG2", "EX9")
async def test_the_ai_makes_runs_and_mends_a_cell(notebook: Notebook, port: int) -> None:
    def script(request: Any) -> Reply:
        steps = sum(message["role"] == "tool" for message in request.messages)
        made = re.search(r"Made cell (\S+)", request.text)
        cell_id = made[1] if made else ""
        return [
            call("create_cell", source="print('twelve is', y)"),
            call("run_cells", cell_ids=["c0", cell_id], wait_s=100),
            call("edit_cell", cell_id=cell_id, old="y)", new="x * 2)"),
            call("run_cells", cell_ids=[cell_id], wait_s=100),
            Reply("It prints twelve."),
        ][steps]

    async with FakeModel(script, port=port) as model:
        turn = await ask(notebook)
        ended = await turn.ended()
    assert [item["status"] for item in ended["items"]] == ["ok"] * 4
    assert "NameError" in told(model.requests[2])
    assert "-print('twelve is', y)" in told(model.requests[3]).replace('\\"', '"')
    assert "twelve is 12" in told(model.requests[4])
    cells = (await notebook.at())["cells"]
    assert [cell["source"] for cell in cells] == [
        "x = 6",
        "x * 7",
        "Do it.",
        "print('twelve is', x * 2)",
    ]
    assert cells[3]["outputs"][0]["text"] == "twelve is 12\n"
    events = await notebook.events(types="v1.ExecutionRequested")
    assert {event["payload"]["requested_by"] for event in events} == {f"agent:{turn.turn_id}"}
    versions = (await notebook.server.get(f"{notebook.url}/history"))["versions"]
    assert "turn" in {version["kind"] for version in versions}

    await notebook.do("undo_turn", turn_id=turn.turn_id)
    assert await notebook.sources() == ["x = 6", "x * 7", "Do it."]
    answer = (await notebook.at())["cells"][2]["outputs"]
    assert "It prints twelve." in json.dumps(answer)


@pytest.mark.rule("AG2", "AG3")
async def test_functions_and_variables_of_the_kernel_are_reached_without_a_trace(
    notebook: Notebook, port: int
) -> None:
    await notebook.run_source(OFFERED)
    before = await notebook.run_source("1")
    calls = [
        call("kernel_double", number="21", times=None),
        call("kernel_double", number=1, times=3),
        call("kernel_double", text=1),
        call("inspect_variables", names=None),
        call("inspect_variables", names=["double"]),
    ]
    doubled, again, wrong, listed, detail = await results(notebook, port, *calls)
    assert "doubling\n\n42" in doubled
    assert "8" in again
    assert "A value is missing." in wrong or "There is no parameter text." in wrong
    assert "double" not in listed
    assert "function" in detail
    after = await notebook.run_source("len(Out), len(In), [n for n in dir() if 'runt' in n]")
    assert after["execution_count"] == before["execution_count"] + 1
    count = before["execution_count"]
    (shown,) = after["outputs"]
    assert shown["data"]["text/plain"] == f"(1, {count + 2}, [])"


@pytest.mark.rule("AG6", "EX11")
async def test_variables_are_read_beside_a_cell_that_runs_and_it_goes_on_as_if_nobody_had(
    notebook: Notebook, port: int, tmp_path: Path
) -> None:
    await notebook.run_source(OFFERED)
    flag = tmp_path / "flag"
    running = await notebook.running(f"flag = {str(flag)!r}\n{GOES_ON}", "begun")
    calls = [call("inspect_variables", names=["known"]), call("kernel_double", number=1, times=3)]
    read, called = await results(notebook, port, *calls)
    assert "4242" in read
    assert "The kernel runs a cell" in called
    flag.touch()
    await notebook.asks(running)
    await notebook.do("reply_input", execution_id=running, value="Ada")
    done = await notebook.execution(running)
    assert done["status"] == "ok", done
    assert done["outputs"][-1]["text"].endswith("Ada, 0 ends\n")


@pytest.mark.rule("AG5", "EX5")
async def test_cancelling_a_turn_interrupts_the_function_that_it_called(
    notebook: Notebook, port: int
) -> None:
    await notebook.run_source(OFFERED)
    async with FakeModel([call("kernel_sleep")], port=port):
        turn = await ask(notebook)

        async def busy() -> bool:
            kernels = (await notebook.server.get("/api/kernels")) or []
            return any(each["execution_state"] == "busy" for each in kernels)

        await eventually(busy)
        answer = await notebook.send("cancel_turn", turn_id=turn.turn_id, headers=ADA)
        assert answer.status == 200, answer
        async with asyncio.timeout(60):
            ended = await notebook.run_source("'free'")
    assert ended["status"] == "ok"


@pytest.mark.rule("AG3", "AR1")
async def test_what_is_kept_beside_the_document_is_read_and_seen(
    notebook: Notebook, port: int
) -> None:
    await notebook.run_source("for n in range(30000): print('line', n)")
    cells = (await notebook.at())["cells"]
    lines = cells[-1]["id"]
    (picture,) = await notebook.add(
        "import matplotlib.pyplot as plt, random\n"
        "_ = plt.plot([random.random() for _ in range(5000)])"
    )
    await notebook.run(picture)
    calls = [
        call("read_cells", cell_ids=[lines, picture]),
        call("read_output", cell_id=lines, index=0, offset=200_000, limit=200),
        call("read_output", cell_id=picture, index=0, image=True),
    ]
    shown, middle, _ = await results(notebook, port, *calls)
    assert "line 29999" in shown
    assert "image=true shows it" in shown
    assert "characters 200000 to 200200 of" in middle
    assert "not shown here" not in middle
