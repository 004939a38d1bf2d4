"""A server dies between any two of its appends, and the next one goes on with its kernel."""

from typing import Any

import pytest

from jupyter_runt.errors import StoreUnavailable
from jupyter_runt.events.base import Event
from jupyter_runt.events.document import DocumentUpdated
from jupyter_runt.events.execution import ExecutionCompleted, ExecutionStarted
from jupyter_runt.events.outputs import InputRequested
from jupyter_runt.events.runtime import (
    RuntimeSessionAdopted,
    RuntimeSessionEnded,
    RuntimeSessionStarted,
)
from jupyter_runt.execution import attachment
from jupyter_runt.ids import CellId, NotebookId
from jupyter_runt.protocols import Kernel, Lease, Registration
from jupyter_runt.storage.memory_disk import MemoryDisk
from tests.unit.session.workspace import FakeKernel, OpenNotebook, Workspace, until

pytestmark = pytest.mark.asyncio


Life = tuple[list[Event], FakeKernel, str, Any, dict[NotebookId, Registration]]


@pytest.fixture(autouse=True)
def _every_message_is_shown_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLUSH_SECONDS", "START_SECONDS"):
        monkeypatch.setattr(attachment, name, 0.0)


@pytest.fixture
def path(workspace: Workspace) -> str:
    workspace.write("nb.ipynb", "one", "two")
    return "nb.ipynb"


def said(kind: str, **content: Any) -> tuple[str, str, dict[str, Any]]:
    return kind, "iopub", content


def text(chunk: str, name: str = "stdout") -> tuple[str, str, dict[str, Any]]:
    return said("stream", name=name, text=chunk)


def display(value: str, kind: str = "display_data") -> tuple[str, str, dict[str, Any]]:
    data = {"text/plain": value}
    return said(kind, data=data, metadata={}, transient={"display_id": "d"})


STORY = [
    said("status", execution_state="busy"),
    said("execute_input", execution_count=7),
    text("line\n 10%"),
    text("\r 20%"),
    text("\r100%\n"),
    display("first"),
    text("more\n", "stderr"),
    display("second", "update_display_data"),
    said("clear_output", wait=True),
    text("anew "),
    text("and so on\n"),
    display("third"),
    text("the end"),
]
PAYLOAD = {"source": "set_next_input", "text": "x = 1", "replace": False}


async def settled(notebook: OpenNotebook) -> None:
    """Wait until a kernel that has said something is not listened to any more: it is all told."""
    runner = notebook.session.runtime._runner
    await until(lambda: not runner._notes and not runner._working)
    await until(lambda: runner._kernel is None or runner._kernel.dirty_since is None)


async def told(notebook: OpenNotebook, kernel: FakeKernel, execution_id: str) -> None:
    for kind, channel, content in STORY:
        kernel.say(kind, execution_id, channel, **content)
        await settled(notebook)
    kernel.finish(execution_id, count=7, payload=[PAYLOAD])


async def outcome(notebook: OpenNotebook, execution_id: str) -> Any:
    ended = await notebook.ended(execution_id)
    kept = {key: ended[key] for key in ("status", "execution_count", "outputs")}
    return kept, await notebook.sources()


async def journaled_run(workspace: Workspace, notebook: OpenNotebook) -> tuple[FakeKernel, str]:
    """Start a cell on a kernel whose agent keeps what it says; return both."""
    await notebook.send("start_runtime")
    await until(lambda: notebook.session.runtime.free)
    kernel = workspace.gateway.kernel
    kernel.journals = True
    (execution_id,) = await notebook.run("c0")
    await notebook.started()
    return kernel, execution_id


async def lived(workspace: Workspace, path: str) -> Life:
    """Run a cell from its request to its end, and return the log and what the kernel said."""
    async with workspace.running(), workspace.open(path) as notebook:
        kernel, execution_id = await journaled_run(workspace, notebook)
        await told(notebook, kernel, execution_id)
        whole = await outcome(notebook, execution_id)
        await until(lambda: kernel.retired == len(kernel.journal))
        registered = dict(workspace.disk.documents)  # as it was before the file was saved
        return await notebook.log(), kernel, execution_id, whole, registered


@pytest.mark.rule("EX2", "EX3")
async def test_whenever_a_server_dies_nothing_is_lost_or_doubled(
    workspace: Workspace, path: str
) -> None:
    file = (workspace.root / path).read_bytes()
    log, kernel, execution_id, whole, registered = await lived(workspace, path)
    start = next(each.seq for each in log if isinstance(each.payload, ExecutionStarted))
    end = next(each.seq for each in log if isinstance(each.payload, ExecutionCompleted))
    assert end - start > len(STORY) // 2
    for seq in range(start, end):
        (workspace.root / path).write_bytes(file)
        workspace.disk = MemoryDisk(
            logs={log[0].notebook_id: log[:seq]}, documents=dict(registered)
        )
        workspace.survivor = kernel
        async with workspace.running(), workspace.open(path) as notebook:
            assert await outcome(notebook, execution_id) == whole, f"it died after {log[seq - 1]}"
            assert [asked for asked, _ in kernel.asked] == [execution_id], "it ran once"
            assert len(await notebook.log(RuntimeSessionAdopted)) == 1
            (after,) = await notebook.run("c1")
            kernel.finish(after)
            assert (await notebook.ended(after))["status"] == "ok"
        del kernel.asked[1:]
        del kernel.journal[kernel.journal.index(("execute_request", after, "shell", {})) :]


@pytest.mark.rule("EX2")
async def test_what_a_dead_server_had_no_time_to_send_is_sent_once(
    workspace: Workspace, path: str
) -> None:
    log, kernel, execution_id, *_ = await lived(workspace, path)
    start = next(each.seq for each in log if isinstance(each.payload, ExecutionStarted))
    workspace.crash()
    workspace.disk.logs = {log[0].notebook_id: log[:start]}
    workspace.survivor = kernel
    kernel.journal.clear()
    kernel.asked.clear()
    async with workspace.running(), workspace.open(path) as notebook:
        await notebook.started()
        kernel.finish(execution_id, count=8)
        assert (await notebook.ended(execution_id))["execution_count"] == 8
        assert [asked for asked, _ in kernel.asked] == [execution_id]


@pytest.mark.rule("EX3")
async def test_outputs_that_somebody_cleared_do_not_come_back(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        kernel, running = await journaled_run(workspace, notebook)
        for chunk in ("one", "two"):
            kernel.say("stream", running, name="stdout", text=chunk)
            await settled(notebook)
        await notebook.send("clear_outputs", cell_ids=["c0"])
        kernel.say("stream", running, name="stdout", text="three")
        await settled(notebook)
        workspace.crash()
        workspace.survivor = kernel
    async with workspace.running(), workspace.open(path) as notebook:
        kernel.say("stream", running, name="stdout", text=" four")
        kernel.finish(running)
        (output,) = (await notebook.ended(running))["outputs"]
        assert output["text"] == "three four"


@pytest.mark.rule("EX6", "EX2")
async def test_a_prompt_is_not_asked_a_second_time(workspace: Workspace, path: str) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        kernel, running = await journaled_run(workspace, notebook)
        kernel.say("input_request", running, "stdin", prompt="Name?", password=False)
        await notebook.first(InputRequested)
        workspace.crash()
        workspace.survivor = kernel
    async with workspace.running(), workspace.open(path) as notebook:
        await notebook.send("reply_input", execution_id=running, value="Ada")
        assert kernel.answers == ["Ada"]
        kernel.say("input_request", running, "stdin", prompt="And?", password=False)
        kernel.finish(running)
        assert (await notebook.ended(running))["status"] == "ok"
        prompts = [each.prompt for each in await notebook.payloads(InputRequested)]
        assert prompts == ["Name?", "And?"]


@pytest.mark.rule("EX2", "EX7")
async def test_a_kernel_that_cannot_be_taken_over_is_lost_with_the_reason(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        (running,) = await notebook.run("c0")
        workspace.survivor = await notebook.started()
        workspace.crash()
    async with workspace.running():
        workspace.gateway.failure = "Its agent does not answer."
        async with workspace.open(path) as notebook:
            lost = await notebook.ended(running)
            assert lost["status"] == "lost"
            assert lost["outputs"][-1]["evalue"] == "Its agent does not answer."
            (ended,) = await notebook.payloads(RuntimeSessionEnded)
            assert (ended.reason, ended.cause) == ("crashed", "Its agent does not answer.")
            assert not notebook.session.runtime.alive


@pytest.mark.rule("EX2", "EX1")
async def test_a_kernel_whose_server_died_before_it_answered_runs_what_waits(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        workspace.gateway.may_answer.clear()
        (waiting,) = await notebook.run("c0")
        await until(lambda: workspace.gateway.kernels)
        await notebook.first(RuntimeSessionStarted)
        workspace.survivor = workspace.gateway.kernel
        workspace.crash()
        old = workspace.gateway
    async with workspace.running(), workspace.open(path) as notebook:
        assert workspace.gateway.kernel.asked == []
        old.may_answer.set()
        kernel = await notebook.started()
        kernel.finish(waiting)
        assert (await notebook.ended(waiting))["status"] == "ok"
        assert workspace.gateway.did == ["adopt"]


@pytest.mark.rule("EX1", "EL5")
async def test_a_kernel_that_the_log_cannot_take_note_of_is_left_for_later(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        (running,) = await notebook.run("c0")
        workspace.survivor = await notebook.started()
        workspace.crash()
    async with workspace.running():
        adopt = workspace.gateway.adopt

        async def adopt_late(path: str, kernel_id: str, lease: Lease) -> Kernel | None:
            workspace.disk.failure = StoreUnavailable("The disk is full.")
            return await adopt(path, kernel_id, lease)

        workspace.gateway.adopt = adopt_late  # type: ignore[method-assign]
        with pytest.raises(ExceptionGroup) as raised:
            async with workspace.open(path):
                pass
        assert raised.group_contains(StoreUnavailable)
        assert workspace.gateway.did == ["adopt", "leave"]
        workspace.disk.failure = None
        workspace.gateway.adopt = adopt  # type: ignore[method-assign]
        async with workspace.open(path) as notebook:
            workspace.gateway.kernel.finish(running)
            assert (await notebook.ended(running))["status"] == "ok"


async def test_an_update_says_up_to_where_in_the_journal_it_goes(
    workspace: Workspace, path: str
) -> None:
    log, kernel, execution_id, *_ = await lived(workspace, path)
    updates = [
        each.payload.journal_seq
        for each in log
        if isinstance(each.payload, DocumentUpdated)
        and each.caused_by == f"execution:{execution_id}"
    ]
    known = [position for position in updates if position is not None]
    assert known == sorted(known)
    last = kernel.journal[known[-1] - 1]
    assert last[0] == "execute_reply"


@pytest.mark.rule("EX6", "EX3")
async def test_a_display_of_a_cell_that_ended_before_is_updated_under_the_next_server(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        kernel, first = await journaled_run(workspace, notebook)
        for kind, channel, content in (text("above\n"), display("10 %"), text("below\n")):
            kernel.say(kind, first, channel, **content)
        kernel.finish(first)
        await notebook.ended(first)
        (second,) = await notebook.run("c1")
        await notebook.started(2)
        await until(lambda: kernel.retired)
        workspace.crash()
        del kernel.journal[: kernel.retired]
        workspace.survivor = kernel
    kind, channel, content = display("50 %", "update_display_data")
    kernel.journal.append((kind, second, channel, content))  # while no server is there
    async with workspace.running(), workspace.open(path) as notebook:
        await settled(notebook)
        assert await outputs(notebook) == ["above\n", "50 %", "below\n"]
        kernel.say(kind, second, channel, **{**content, "data": {"text/plain": "100 %"}})
        await settled(notebook)
        assert await outputs(notebook) == ["above\n", "100 %", "below\n"]
        await notebook.send("clear_outputs", cell_ids=["c0"])
        kernel.say(kind, second, channel, **content)
        kernel.finish(second)
        await notebook.ended(second)
        assert await outputs(notebook) == []
        assert kernel.left["displays"] == {}


async def outputs(notebook: OpenNotebook) -> list[str]:
    """Return what the first cell shows."""
    document = await notebook.session.document()
    shown = await document.room.read(lambda doc: doc.cell(CellId("c0"))["outputs"])
    return [each["text"] if "text" in each else each["data"]["text/plain"] for each in shown]
