"""Executions over HTTP, on a real kernel: requested, run once, ended, and told from the log."""

import asyncio
import json
import signal
from os import kill
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.server import Notebook, Server

pytestmark = pytest.mark.asyncio

ENDLESS = "import time\nprint('begun', flush=True)\nwhile True:\n    time.sleep(0.01)"


def text_of(execution: dict[str, Any]) -> str:
    """Return what an execution printed."""
    return "".join(output.get("text", "") for output in execution["outputs"])


async def status(notebook: Notebook, execution_id: str) -> str:
    return str((await notebook.execution(execution_id, wait=0))["status"])


async def names_of(notebook: Notebook, execution_id: str) -> list[str]:
    """Return the names of the events about an execution, but for what it did to the document."""
    return [
        event["name"].removeprefix("v1.")
        for event in await notebook.events()
        if event["payload"].get("execution_id") == execution_id
    ]


async def runtime_of(server: Server, notebook: Notebook) -> dict[str, Any] | None:
    runtimes = (await server.get("/api/runt/runtimes"))["runtimes"]
    return next((each for each in runtimes if each["notebook_id"] == notebook.id), None)


@pytest_asyncio.fixture
async def notebook(server: Server) -> Notebook:
    """The one notebook of the module, with its kernel; each test adds its cells at the end."""
    path = "shared.ipynb"
    if not (server.root / path).exists():
        server.write("'top'", path=path)
    return await server.opened(path)


# one execution


@pytest.mark.rule("EX2", "EX4", "EL1")
async def test_an_execution_is_told_from_the_request_to_the_end(notebook: Notebook) -> None:
    (cell,) = await notebook.add("print('hello')\n6 * 7")
    (requested,) = await notebook.do("execute_cells", cell_ids=[cell], command_id="tell")
    execution_id = requested["payload"]["execution_id"]
    assert requested["name"] == "v1.ExecutionRequested"
    assert requested["caused_by"] == "command:tell"
    assert requested["payload"]["source"] == "print('hello')\n6 * 7"
    assert requested["payload"]["requested_by"] == requested["actor"]
    assert requested["payload"]["document_seq"] < requested["seq"]
    execution = await notebook.execution(execution_id)
    assert execution["status"] == "ok"
    assert execution["cell_id"] == cell
    assert execution["requested_by"] == requested["actor"]
    assert isinstance(execution["execution_count"], int)
    assert execution["error"] is None
    assert execution["requested_at"] <= execution["started_at"] <= execution["completed_at"]
    stream, result = execution["outputs"]
    assert (stream["name"], stream["text"]) == ("stdout", "hello\n")
    assert result["data"]["text/plain"] == "42"
    assert result["execution_count"] == execution["execution_count"]
    events = await notebook.events(after=requested["seq"] - 1)
    told = [e for e in events if e["caused_by"] in ("command:tell", f"execution:{execution_id}")]
    assert [e["name"] for e in told if e["name"] != "v1.DocumentUpdated"] == [
        f"v1.Execution{step}" for step in ("Requested", "Assigned", "Started", "Completed")
    ]
    assert told[-1]["name"] == "v1.ExecutionCompleted", "outputs come before the end"
    assert all(event["actor"].startswith("runtime:") for event in told[1:])
    saved = await notebook.saved_outputs(cell, 2)
    assert [output["output_type"] for output in saved] == ["stream", "execute_result"]


@pytest.mark.rule("EX2")
async def test_outputs_of_an_execution_are_those_of_its_end_also_after_the_cell_ran_again(
    notebook: Notebook,
) -> None:
    (cell,) = await notebook.add("print('first')")
    (first,) = await notebook.run(cell)
    await notebook.do("edit_cell", cell_id=cell, source="print('second')")
    (second,) = await notebook.run(cell)
    assert text_of(await notebook.execution(first["execution_id"])) == "first\n"
    assert text_of(second) == "second\n"
    await notebook.do("clear_outputs", cell_ids=[cell])
    await notebook.do("delete_cells", cell_ids=[cell])
    assert text_of(await notebook.execution(second["execution_id"])) == "second\n"
    assert (await notebook.execution(first["execution_id"]))["status"] == "ok"


@pytest.mark.rule("EX2")
async def test_what_runs_is_the_source_at_the_request(notebook: Notebook) -> None:
    held = "import os, time\nwhile not os.path.exists('go'):\n    time.sleep(0.01)"
    first, cell = await notebook.add(held, "print('as asked')")
    _, waiting = await notebook.start(first, cell)
    await notebook.do("edit_cell", cell_id=cell, source="print('edited')")
    notebook.file.with_name("go").touch()
    assert text_of(await notebook.execution(waiting)) == "as asked\n"


@pytest.mark.rule("EX2")
async def test_a_command_sent_twice_runs_its_cells_once(notebook: Notebook) -> None:
    first, second = await notebook.add("runs = 0", "runs += 1\nprint(runs)")
    await notebook.run(first)
    command = {"cell_ids": [second], "command_id": "only-once"}
    answers = await asyncio.gather(*(notebook.send("execute_cells", **command) for _ in range(3)))
    assert [answer.body for answer in answers] == [answers[0].body] * 3
    execution_id = answers[0].body["events"][0]["payload"]["execution_id"]
    assert text_of(await notebook.execution(execution_id)) == "1\n"
    again = await notebook.send("execute_cells", **command)
    assert again.body == answers[0].body
    assert text_of((await notebook.run(second))[0]) == "2\n"


@pytest.mark.rule("EX2")
async def test_waiting_for_an_execution_ends_when_the_time_does(notebook: Notebook) -> None:
    execution_id = await notebook.running(ENDLESS, "begun")
    assert (await notebook.execution(execution_id, wait=1))["status"] == "running"
    await notebook.do("interrupt_runtime")
    assert (await notebook.execution(execution_id))["status"] == "error"


# errors, and who stops for them


@pytest.mark.rule("EX5")
async def test_an_error_cancels_what_was_asked_for_with_it(notebook: Notebook) -> None:
    cells = await notebook.add("1", "1 / 0", "print('never')")
    ok, failed, cancelled = await notebook.run(*cells)
    assert [each["status"] for each in (ok, failed, cancelled)] == ["ok", "error", "cancelled"]
    assert failed["error"]["ename"] == "ZeroDivisionError"
    assert failed["outputs"][-1]["ename"] == "ZeroDivisionError"
    assert cancelled["outputs"] == []
    assert await names_of(notebook, cancelled["execution_id"]) == [
        "ExecutionRequested",
        "ExecutionCancelled",
    ]
    assert text_of(await notebook.run_source("print('alive')")) == "alive\n"


@pytest.mark.rule("EX5")
async def test_an_error_cancels_nothing_where_that_was_not_wanted(notebook: Notebook) -> None:
    cells = await notebook.add("1 / 0", "print('still')")
    failed, after = await notebook.run(*cells, stop_on_error=False)
    assert (failed["status"], after["status"]) == ("error", "ok")
    assert text_of(after) == "still\n"


# taking back


@pytest.mark.rule("EX5")
async def test_what_waits_can_be_cancelled_and_what_runs_goes_on(notebook: Notebook) -> None:
    running = await notebook.running(ENDLESS, "begun")
    cells = await notebook.add("print('one')", "print('two')")
    one, two = await notebook.start(*cells)
    (cancelled,) = await notebook.do("cancel_executions", execution_ids=[one])
    assert cancelled["name"] == "v1.ExecutionCancelled"
    assert (await notebook.execution(one))["status"] == "cancelled"
    assert await status(notebook, running) == "running"
    assert await status(notebook, two) in ("requested", "assigned")
    await notebook.do("cancel_executions")
    assert (await notebook.execution(two))["status"] == "cancelled"
    interrupted = await notebook.execution(running)
    assert interrupted["status"] == "error"
    assert interrupted["error"]["ename"] == "KeyboardInterrupt"


@pytest.mark.rule("EX5")
async def test_cancelling_what_has_ended_changes_nothing(notebook: Notebook) -> None:
    ended = await notebook.run_source("1")
    assert await notebook.do("cancel_executions", execution_ids=[ended["execution_id"]]) == []
    assert await notebook.do("cancel_executions") == []
    assert (await notebook.execution(ended["execution_id"]))["status"] == "ok"


@pytest.mark.rule("EX5", "EX8")
async def test_interrupting_works_at_once_under_a_flood_of_output(notebook: Notebook) -> None:
    flood = "print('begun')\nwhile True:\n    print('x' * 100)"
    execution_id = await notebook.running(flood, "begun")
    async with asyncio.timeout(30):
        await notebook.do("interrupt_runtime")
        ended = await notebook.execution(execution_id)
    assert ended["error"]["ename"] == "KeyboardInterrupt"
    assert ended["outputs"][-1]["ename"] == "KeyboardInterrupt"


# outputs


@pytest.mark.rule("FB1")
async def test_clearing_outputs_is_logged_and_reaches_the_file(notebook: Notebook) -> None:
    (cell,) = await notebook.add("print('to be cleared')")
    await notebook.run(cell)
    await notebook.saved_outputs(cell)
    updated, cleared = await notebook.do("clear_outputs", cell_ids=[cell])
    assert [c["type"] for c in updated["payload"]["changes"]] == ["outputs_changed"]
    assert cleared["name"] == "v1.OutputsCleared"
    assert cleared["payload"]["cell_ids"] == [cell]
    await notebook.saved_outputs(cell, 0)


@pytest.mark.rule("EX3")
async def test_outputs_cleared_in_the_middle_of_a_cell_do_not_come_back(notebook: Notebook) -> None:
    execution_id = await notebook.running(
        "print('before', flush=True)\ninput('go? ')\nprint('after')", "before"
    )
    await notebook.asks(execution_id)
    await notebook.do("clear_outputs")
    await notebook.do("reply_input", execution_id=execution_id, value="yes")
    shown = text_of(await notebook.execution(execution_id))
    assert "before" not in shown
    assert shown.endswith("after\n")


@pytest.mark.rule("EX3")
async def test_a_cell_deleted_while_it_runs_ends_all_the_same(notebook: Notebook) -> None:
    (cell,) = await notebook.add("print('begun', flush=True)\ninput()\nprint('on')")
    (execution_id,) = await notebook.start(cell)
    await notebook.asks(execution_id)
    await notebook.do("delete_cells", cell_ids=[cell])
    await notebook.do("reply_input", execution_id=execution_id, value="")
    assert (await notebook.execution(execution_id))["status"] == "ok"
    assert text_of(await notebook.run_source("print('next')")) == "next\n"


# prompts


@pytest.mark.rule("EX2")
async def test_a_prompt_is_answered_once_and_the_answer_is_not_recorded(
    notebook: Notebook,
) -> None:
    secret = "sesame-4711"
    (cell,) = await notebook.add("import getpass\nprint(len(getpass.getpass('Word? ')))")
    (execution_id,) = await notebook.start(cell)
    await notebook.asks(execution_id)
    asked = (await notebook.events(types="v1.InputRequested"))[-1]["payload"]
    assert asked == {"execution_id": execution_id, "prompt": "Word? ", "password": True}
    answers = await asyncio.gather(
        *(notebook.send("reply_input", execution_id=execution_id, value=secret) for _ in range(3))
    )
    assert sorted(answer.status for answer in answers) == [200, 409, 409]
    assert {a.code for a in answers if a.status == 409} == {"conflict"}
    execution = await notebook.execution(execution_id)
    assert text_of(execution) == f"{len(secret)}\n"
    assert secret not in json.dumps(await notebook.events())
    assert (await names_of(notebook, execution_id)).count("InputReplied") == 1


# all cells, and the kernel's life


@pytest.mark.rule("EX2")
async def test_running_all_runs_every_code_cell_from_the_top(server: Server) -> None:
    notebook = await server.notebook("n = 1", "", "n += 1", "print(n)")
    await notebook.do("set_cell_type", cell_id="c2", cell_type="markdown")
    await notebook.do("create_cell", cell_type="ai", source="why?", after="c2")
    requested = await notebook.do("run_all")
    assert [event["payload"]["cell_id"] for event in requested] == ["c0", "c3"]
    last = await notebook.execution(requested[-1]["payload"]["execution_id"])
    assert text_of(last) == "1\n"
    await notebook.do("edit_cell", cell_id="c0", source="n = 10 if 'n' not in dir() else -1")
    requested = await notebook.do("restart_and_run_all")
    last = await notebook.execution(requested[-1]["payload"]["execution_id"])
    assert text_of(last) == "10\n", "the kernel is a new one"
    ended = [e for e in await notebook.events() if e["name"] == "v1.RuntimeSessionEnded"]
    assert [event["payload"]["reason"] for event in ended] == ["restart"]
    await notebook.do("stop_runtime")


@pytest.mark.rule("EX1", "EX2")
async def test_a_restart_ends_what_runs_and_takes_what_waits(notebook: Notebook) -> None:
    await notebook.run_source("kept = 1")
    before = await runtime_of(notebook.server, notebook)
    assert before is not None
    assert before["status"] == "ready"
    running = await notebook.running(ENDLESS, "begun")
    (waiting,) = await notebook.start(*await notebook.add("print('never')"))
    await notebook.do("restart_runtime")
    ended = await notebook.execution(running)
    assert ended["status"] == "cancelled"
    assert "restarted" in ended["error"]["evalue"]
    assert (await notebook.execution(waiting))["status"] == "cancelled"
    assert text_of(await notebook.run_source("print('kept' in dir())")) == "False\n"
    after = await runtime_of(notebook.server, notebook)
    assert after is not None
    assert after["kernel_id"] == before["kernel_id"]
    assert after["runtime_session_id"] != before["runtime_session_id"]
    cell = next(each for each in (await notebook.at())["cells"] if each["id"] == ended["cell_id"])
    assert cell.get("execution_state", "idle") == "idle"


@pytest.mark.rule("EX2")
async def test_a_kernel_that_dies_says_why_and_the_next_one_is_there(notebook: Notebook) -> None:
    pid = int(text_of(await notebook.run_source("import os; print(os.getpid())")))
    running = await notebook.running(ENDLESS, "begun")
    (waiting,) = await notebook.start(*await notebook.add("print('never')"))
    kill(pid, signal.SIGKILL)
    lost = await notebook.execution(running)
    assert lost["status"] == "lost"
    assert "SIGKILL" in lost["error"]["evalue"]
    assert "SIGKILL" in json.dumps(lost["outputs"])
    assert (await notebook.execution(waiting))["status"] == "cancelled"
    assert text_of(await notebook.run_source("print('back')")) == "back\n"


@pytest.mark.rule("EX1", "EX2")
async def test_a_runtime_is_started_stopped_evicted_and_started_again(server: Server) -> None:
    notebook = await server.notebook("print('x')")
    assert await runtime_of(server, notebook) is None
    await asyncio.gather(*(notebook.do("start_runtime") for _ in range(5)))
    started = [e for e in await notebook.events() if e["name"] == "v1.RuntimeSessionStarted"]
    assert len(started) == 1
    assert started[0]["payload"]["kernel_name"] == "python3"
    runtime = await runtime_of(server, notebook)
    assert runtime is not None
    assert (runtime["path"], runtime["kernel_name"]) == (notebook.path, "python3")
    for command, reason in (("stop_runtime", "shutdown"), ("evict_runtime", "evicted")):
        running = await notebook.running(ENDLESS, "begun")
        kernel = await runtime_of(server, notebook)
        assert kernel is not None
        await notebook.do(command)
        assert (await notebook.execution(running))["status"] == "cancelled"
        ended = (await notebook.events(types="v1.RuntimeSessionEnded"))[-1]["payload"]
        assert (ended["reason"], ended["runtime_session_id"]) == (
            reason,
            kernel["runtime_session_id"],
        )
        left = await runtime_of(server, notebook)
        assert left is None if reason == "shutdown" else left and left["status"] == "lost"
        kernels = await server.get("/api/kernels")
        assert kernel["kernel_id"] not in [each["id"] for each in kernels]


@pytest.mark.rule("EX2")
async def test_a_cell_asked_for_while_the_kernel_stops_runs_on_the_next_one(server: Server) -> None:
    notebook = await server.notebook("print('ran')")
    running = await notebook.running(ENDLESS, "begun")
    stopping = asyncio.create_task(notebook.do("stop_runtime"))
    await notebook.execution(running)  # it has ended, and the process is about to
    (ran,) = await notebook.run("c0")
    assert text_of(ran) == "ran\n"
    await stopping
    await notebook.do("stop_runtime")


@pytest.mark.rule("EX2")
@pytest.mark.parametrize("command", ["run_all", "restart_and_run_all"])
async def test_cells_of_a_kernel_that_cannot_be_started_are_cancelled_and_say_why(
    server: Server, command: str
) -> None:
    notebook = await server.notebook("1")
    content = notebook.on_disk()
    content["metadata"]["kernelspec"]["name"] = "no-such-kernel"
    path = f"unknown-kernel-{command}.ipynb"
    (server.root / path).write_text(json.dumps(content), encoding="utf-8")
    notebook = await server.opened(path)
    requested = await notebook.do(command)
    execution = await notebook.execution(requested[0]["payload"]["execution_id"])
    assert execution["status"] == "cancelled"
    cancelled = (await notebook.events(types="v1.ExecutionCancelled"))[-1]
    assert "no-such-kernel" in cancelled["payload"]["reason"]


@pytest.mark.rule("EX10")
async def test_a_kernel_stopped_by_jupyter_s_own_api_ends_what_runs(server: Server) -> None:
    notebook = await server.notebook("1")
    running = await notebook.running(ENDLESS, "begun")
    runtime = await runtime_of(server, notebook)
    assert runtime is not None
    answer = await server.call("DELETE", f"/api/kernels/{runtime['kernel_id']}")
    assert answer.status == 204
    assert (await notebook.execution(running))["status"] == "cancelled"
    assert await runtime_of(server, notebook) is None
