import asyncio
from typing import Any

import pytest

from jupyter_runt.errors import LeaseHeld, RuntimeLost, StoreUnavailable
from jupyter_runt.events.base import Draft
from jupyter_runt.events.execution import (
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionRequested,
    ExecutionStarted,
)
from jupyter_runt.events.runtime import (
    RuntimeSessionEnded,
    RuntimeSessionStarted,
    RuntimeStatusChanged,
)
from jupyter_runt.execution.outputs import OutputReducer
from jupyter_runt.ids import CellId, ExecutionId, Seq
from jupyter_runt.storage.memory import MemoryStore
from tests.unit.session.workspace import ADA, Workspace, until

pytestmark = pytest.mark.asyncio


@pytest.fixture
def path(workspace: Workspace) -> str:
    workspace.write("nb.ipynb", "one", "two")
    return "nb.ipynb"


@pytest.mark.rule("EX2", "EX4")
async def test_a_cell_runs_on_a_kernel_that_is_started_for_it(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        (execution_id,) = await notebook.run("c0")
        kernel = await notebook.started()
        assert kernel.asked == [(execution_id, "one")]
        kernel.say("stream", execution_id, name="stdout", text="out")
        kernel.finish(execution_id, count=7)
        ended = await notebook.ended(execution_id)
        assert (ended["status"], ended["execution_count"]) == ("ok", 7)
        assert ended["outputs"][0]["text"] == "out"
        assert workspace.gateway.did == ["start python3"]


@pytest.mark.rule("EX1")
async def test_starts_at_the_same_time_are_one_start(workspace: Workspace, path: str) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        runtime = notebook.session.runtime
        ids = await asyncio.gather(*(runtime.ensure(None, None, ADA) for _ in range(20)))
        assert len(set(ids)) == 1
        assert len(await notebook.log(RuntimeSessionStarted)) == 1


@pytest.mark.rule("EX2")
async def test_a_kernel_that_cannot_be_started_cancels_what_waits_and_says_why(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        workspace.gateway.failure = "No room."
        for command in ("run_all", "restart_and_run_all"):
            reply = await notebook.send(command)
            execution_id = ExecutionId(reply.events[0].payload.execution_id)  # type: ignore[attr-defined]
            assert (await notebook.ended(execution_id))["status"] == "cancelled"
        reasons = {each.reason for each in await notebook.payloads(ExecutionCancelled)}
        assert reasons == {"No room."}
        with pytest.raises(RuntimeLost, match="No room"):
            await notebook.send("start_runtime")
        with pytest.raises(RuntimeLost, match="No room"):
            await notebook.send("restart_runtime")
        assert await workspace.store.current(notebook.id, "runtime") is None


@pytest.mark.rule("EX2")
async def test_a_kernel_that_never_answers_is_given_up_and_the_next_one_is_tried(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        workspace.gateway.mute = True
        (first,) = await notebook.run("c0")
        assert (await notebook.ended(first))["status"] == "cancelled"
        await until(lambda: not notebook.session.runtime.alive)
        workspace.gateway.mute = False
        (second,) = await notebook.run("c0")
        (await notebook.started()).finish(second)
        assert (await notebook.ended(second))["status"] == "ok"
        reasons = [each.reason for each in await notebook.payloads(RuntimeSessionEnded)]
        assert reasons == ["crashed"]


@pytest.mark.rule("EX2")
async def test_what_the_runner_could_not_write_down_ends_with_its_kernel(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        (execution_id,) = await notebook.run("c0")
        await notebook.started()
        notebook.session.runtime._tasks.cancel()  # as when the store is full, and the server stops
        await notebook.send("stop_runtime")
        assert (await notebook.ended(execution_id))["status"] == "lost"


@pytest.mark.rule("EX2")
async def test_what_runs_by_the_log_on_no_kernel_is_lost_and_the_next_one_runs(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        payloads = (
            ExecutionRequested(
                execution_id=ExecutionId("e"),
                cell_id=CellId("c0"),
                source="one",
                document_seq=Seq(1),
                requested_by=ADA,
            ),
            ExecutionStarted(execution_id=ExecutionId("e")),
        )
        await notebook.session.writer.append(*(Draft(each, ADA) for each in payloads))
    async with workspace.running(), workspace.open(path) as notebook:
        assert (await notebook.ended("e"))["status"] == "lost"
        (execution_id,) = await notebook.run("c1")
        (await notebook.started()).finish(execution_id)
        assert (await notebook.ended(execution_id))["status"] == "ok"


@pytest.mark.rule("EX2")
async def test_what_is_asked_for_while_a_kernel_stops_runs_on_the_next_one(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        await notebook.send("start_runtime")
        workspace.gateway.may_stop.clear()
        stopping = asyncio.create_task(notebook.send("stop_runtime"))
        await until(lambda: "stop" in workspace.gateway.did)
        (execution_id,) = await notebook.run("c1")
        workspace.gateway.may_stop.set()
        await stopping
        kernel = await notebook.started()
        assert kernel.asked == [(execution_id, "two")]
        assert workspace.gateway.did == ["start python3", "stop", "start python3"]


@pytest.mark.rule("EX5")
async def test_a_kernel_that_starts_is_not_interrupted_and_one_that_is_ready_is(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        workspace.gateway.may_answer.clear()
        (execution_id,) = await notebook.run("c0")
        await notebook.first(RuntimeSessionStarted)
        await notebook.send("interrupt_runtime")
        assert workspace.gateway.did == ["start python3"], "the signal would end it"
        workspace.gateway.may_answer.set()
        kernel = await notebook.started()
        await notebook.send("interrupt_runtime")
        assert workspace.gateway.did == ["start python3", "interrupt"]
        kernel.finish(execution_id)
        assert (await notebook.ended(execution_id))["status"] == "ok"


@pytest.mark.rule("EX2")
@pytest.mark.parametrize("how", ["stopped", "given up"])
async def test_what_waits_for_a_kernel_that_goes_before_it_is_ready_is_cancelled(
    workspace: Workspace, path: str, how: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        workspace.gateway.may_answer.clear()
        (execution_id,) = await notebook.run("c0")
        await notebook.first(RuntimeSessionStarted)
        runtime = notebook.session.runtime
        if how == "stopped":
            await runtime.stop("shutdown", "It was shut down.")
        else:
            runtime.died("It was shut down.", restarting=False)
        ended = await notebook.ended(execution_id)
        assert (ended["status"], ended["reason"]) == ("cancelled", "It was shut down.")


@pytest.mark.rule("EX1", "EL5")
async def test_a_kernel_that_is_not_ready_is_stopped_though_the_store_cannot_write(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        workspace.gateway.may_answer.clear()
        (execution_id,) = await notebook.run("c0")
        await notebook.first(RuntimeSessionStarted)
        workspace.disk.failure = StoreUnavailable("full")
        with pytest.raises(StoreUnavailable):
            await notebook.session.runtime.stop("shutdown", "It was shut down.")
        assert workspace.gateway.did == ["start python3", "stop"]
        workspace.disk.failure = None
        workspace.gateway.may_answer.set()
        await notebook.send("start_runtime")
        (await notebook.started()).finish(execution_id)
        assert (await notebook.ended(execution_id))["status"] == "ok"


@pytest.mark.rule("EX2")
async def test_what_waits_for_a_kernel_that_is_started_again_before_it_is_ready_runs_there(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        workspace.gateway.may_answer.clear()
        (execution_id,) = await notebook.run("c0")
        await notebook.first(RuntimeSessionStarted)
        notebook.session.runtime.died("It crashed.", restarting=True)
        log = workspace.disk.logs[notebook.id]
        await until(lambda: sum(isinstance(e.payload, RuntimeSessionStarted) for e in log) == 2)
        workspace.gateway.may_answer.set()
        (await notebook.started()).finish(execution_id)
        assert (await notebook.ended(execution_id))["status"] == "ok"


@pytest.mark.rule("EX2")
async def test_a_fault_while_a_cell_runs_closes_its_notebook_alone_and_the_cell_ends(
    workspace: Workspace, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with workspace.running():
        async with workspace.open(path) as notebook:
            (execution_id,) = await notebook.run("c0")
            kernel = await notebook.started()
            with monkeypatch.context() as fault:
                fault.setattr(OutputReducer, "feed", lambda *_: 1 / 0)
                kernel.say("stream", execution_id, name="stdout", text="out")
                await until(lambda: workspace.sessions.notebooks() == [])
        async with workspace.open(path) as notebook:
            assert (await notebook.ended(execution_id))["status"] in ("lost", "cancelled")
            assert not notebook.session.runtime.alive


@pytest.mark.rule("EX2")
async def test_a_run_that_was_cancelled_says_so_after_its_cell_ran_again(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        await notebook.run("c0")
        await notebook.started()
        (waiting,) = await notebook.run("c1")
        await notebook.send("cancel_executions", execution_ids=[waiting])
        before = await notebook.session.execution(waiting, 0)
        assert before["status"] == "cancelled"
        await notebook.run("c1")
        assert await notebook.session.execution(waiting, 0) == before


@pytest.mark.rule("EX2")
async def test_the_reply_to_a_command_about_the_kernel_says_what_became_of_the_kernel(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        told = {}
        for kind in ("start_runtime", "restart_runtime", "evict_runtime"):
            reply = await notebook.send(kind)
            told[kind] = [type(event.payload) for event in reply.events]
            assert {event.caused_by for event in reply.events} == {reply.events[0].caused_by}
        again = [RuntimeStatusChanged, RuntimeSessionEnded, RuntimeSessionStarted]
        assert told == {
            "start_runtime": [RuntimeSessionStarted],
            "restart_runtime": again,
            "evict_runtime": [RuntimeSessionEnded],
        }
        assert (await notebook.send("stop_runtime")).events == ()


@pytest.mark.rule("EX1")
async def test_a_restart_is_a_new_session_under_a_new_fence(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        running, waiting = await notebook.run("c0", "c1")
        await notebook.started()
        await notebook.send("restart_runtime")
        assert (await notebook.ended(running))["status"] == "cancelled"
        assert (await notebook.ended(waiting))["status"] == "cancelled"
        old, new = await notebook.payloads(RuntimeSessionStarted)
        assert new.fence > old.fence
        assert new.kernel_id == old.kernel_id
        assert new.runtime_session_id != old.runtime_session_id
        (again,) = await notebook.run("c0")
        kernel = await notebook.started(2)
        kernel.finish(running)  # what the old incarnation says is nobody's now
        kernel.finish(again)
        assert (await notebook.ended(again))["status"] == "ok"
        assert len(await notebook.log(ExecutionCompleted)) == 2


@pytest.mark.rule("EX2")
async def test_restarting_and_running_all_runs_on_the_new_kernel(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        await notebook.run("c1")
        await notebook.started()
        reply = await notebook.send("restart_and_run_all")
        kernel = await notebook.started(2)
        assert [code for _, code in kernel.asked] == ["two", "one"]
        assert [type(event.payload).__name__ for event in reply.events] == [
            "ExecutionRequested",
            "ExecutionRequested",
        ]


@pytest.mark.rule("EX2")
async def test_a_restart_that_fails_ends_everything_and_the_next_run_starts_anew(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        (running,) = await notebook.run("c0")
        await notebook.started()
        workspace.gateway.failure = "It will not."
        with pytest.raises(RuntimeLost, match="It will not"):
            await notebook.send("restart_runtime")
        assert (await notebook.ended(running))["status"] == "cancelled"
        assert not notebook.session.runtime.alive
        workspace.gateway.failure = None
        workspace.gateway.kernels.clear()
        (again,) = await notebook.run("c0")
        (await notebook.started()).finish(again)
        assert (await notebook.ended(again))["status"] == "ok"


@pytest.mark.rule("EX2", "EX7")
@pytest.mark.parametrize("restarting", [False, True])
async def test_a_kernel_s_death_is_recorded_with_its_cause(
    workspace: Workspace, path: str, *, restarting: bool
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        running, waiting = await notebook.run("c0", "c1")
        await notebook.started()
        notebook.session.runtime.died("Killed by SIGKILL.", restarting=restarting)
        lost = await notebook.ended(running)
        assert lost["status"] == "lost"
        assert lost["error"]["evalue"] == "Killed by SIGKILL."
        assert lost["outputs"][0]["ename"] == "KernelLost"
        assert (await notebook.ended(waiting))["status"] == "cancelled"
        ended = await notebook.first(RuntimeSessionEnded)
        assert (ended.reason, ended.cause) == ("crashed", "Killed by SIGKILL.")
        await until(lambda: notebook.session.runtime.alive == restarting)


@pytest.mark.rule("EX10")
async def test_a_released_kernel_stops_when_it_has_nothing_more_to_run(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        (running,) = await notebook.run("c0")
        kernel = await notebook.started()
        notebook.session.runtime.release()
        assert notebook.session.runtime.busy
        kernel.finish(running)
        assert (await notebook.ended(running))["status"] == "ok"
        await until(lambda: not notebook.session.runtime.alive)
        (ended,) = await notebook.payloads(RuntimeSessionEnded)
        assert ended.reason == "shutdown"


@pytest.mark.rule("EX10")
async def test_a_released_kernel_that_is_wanted_again_stays(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        (running,) = await notebook.run("c0")
        kernel = await notebook.started()
        notebook.session.runtime.release()
        await notebook.send("start_runtime")
        kernel.finish(running)
        await notebook.ended(running)
        (again,) = await notebook.run("c1")
        kernel = await notebook.started(2)
        kernel.finish(again)
        assert (await notebook.ended(again))["status"] == "ok"
        assert notebook.session.runtime.alive


@pytest.mark.rule("EX1")
async def test_a_notebook_whose_runtime_another_server_has_is_not_started_here(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        async with MemoryStore(workspace.disk, server_id="other") as other:
            await other.acquire(notebook.id, "runtime", {"url": "http://other"})
            with pytest.raises(LeaseHeld) as refused:
                await notebook.send("start_runtime")
            assert refused.value.detail["url"] == "http://other"
            (execution_id,) = await notebook.run("c0")
            assert (await notebook.ended(execution_id))["status"] == "cancelled"
        assert workspace.gateway.did == []


@pytest.mark.rule("EX1", "EL3")
async def test_a_kernel_that_lost_its_lease_records_nothing_more(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        (execution_id,) = await notebook.run("c0")
        kernel = await notebook.started()
        stolen = await workspace.store.acquire(notebook.id, "runtime", {})
        kernel.finish(execution_id)
        kernel.say("stream", execution_id, name="stdout", text="late")
        await notebook.send("edit_cell", cell_id="c1", source="the notebook goes on")
        await workspace.store.release(stolen)
    assert completed(workspace) == 0


@pytest.mark.rule("EX2")
async def test_a_free_kernel_begins_in_the_append_that_asks_for_it(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        await notebook.send("start_runtime")
        await until(lambda: notebook.session.runtime.free)
        before = await workspace.store.head(notebook.id)
        reply = await notebook.send("execute_cells", cell_ids=["c0", "c1"], command_id="once")
        assert [event.name for event in reply.events] == ["v1.ExecutionRequested"] * 2
        log = await workspace.store.read(notebook.id, before)
        assert {event.recorded_at for event in log[:4]} == {log[0].recorded_at}
        assert [event.name for event in log[2:4]] == ["v1.ExecutionAssigned", "v1.ExecutionStarted"]
        first, second = (event.payload.execution_id for event in reply.events)  # type: ignore[attr-defined]
        kernel = await notebook.started()
        kernel.finish(first)
        await notebook.started(2)
        kernel.finish(second)
        assert (await notebook.ended(second))["status"] == "ok"
        assert kernel.asked == [(first, "one"), (second, "two")]


@pytest.mark.rule("EX1", "EX2")
async def test_a_kernel_that_goes_while_a_request_is_recorded_leaves_nothing_running(
    workspace: Workspace, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        await notebook.send("start_runtime")
        await until(lambda: notebook.session.runtime.free)
        append = workspace.store.append

        async def stop_meanwhile(*args: Any, **fields: Any) -> Any:
            monkeypatch.undo()
            stop = notebook.session.runtime.stop("shutdown", "Meanwhile.")
            stopping.append(asyncio.ensure_future(stop))
            await until(lambda: notebook.session.runtime.free is None)
            return await append(*args, **fields)

        stopping: list[asyncio.Future[Any]] = []
        monkeypatch.setattr(workspace.store, "append", stop_meanwhile)
        (execution_id,) = await notebook.run("c0")
        await stopping[0]
        assert (await notebook.ended(execution_id))["status"] == "cancelled"
        assert not notebook.session.writer.state.queue


@pytest.mark.rule("EX1", "EL3")
async def test_a_request_stands_though_the_kernel_that_was_to_begin_it_lost_its_lease(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        await notebook.send("start_runtime")
        await until(lambda: notebook.session.runtime.free)
        kernel = workspace.gateway.kernel
        stolen = await workspace.store.acquire(notebook.id, "runtime", {})
        (execution_id,) = await notebook.run("c0")
        assert execution_id in notebook.session.writer.state.queue
        assert kernel.asked == []
        await workspace.store.release(stolen)


def completed(workspace: Workspace) -> int:
    """Return how many executions the log says were completed."""
    logs = workspace.disk.logs.values()
    return sum(isinstance(e.payload, ExecutionCompleted) for log in logs for e in log)


@pytest.mark.rule("EX1", "EL5")
async def test_a_kernel_that_the_log_could_not_take_note_of_does_not_run(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        await notebook.session.document()
        start = workspace.gateway.start

        async def start_and_fail(*args: str) -> object:
            kernel = await start(*args)
            workspace.disk.failure = StoreUnavailable("The disk is full.")
            return kernel

        workspace.gateway.start = start_and_fail  # type: ignore[assignment,method-assign]
        with pytest.raises(StoreUnavailable):
            await notebook.send("start_runtime")
        workspace.disk.failure = None
        assert workspace.gateway.kernels == {}


@pytest.mark.rule("EX2")
async def test_what_a_dead_server_left_behind_is_ended_when_the_notebook_is_opened(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        running, waiting = await notebook.run("c0", "c1")
        kernel = await notebook.started()
        kernel.say("stream", running, name="stdout", text="shown")
        document = await notebook.session.document()
        seen = document.committed_seq()
        await until(lambda: document.committed_seq() > seen)
        workspace.crash()
    async with workspace.running(), workspace.open(path) as notebook:
        lost = await notebook.ended(running)
        assert lost["status"] == "lost"
        assert [output["output_type"] for output in lost["outputs"]] == ["stream", "error"]
        assert (await notebook.ended(waiting))["status"] == "cancelled"
        assert notebook.session.idle
        (ended,) = await notebook.payloads(RuntimeSessionEnded)
        assert ended.reason == "crashed"


async def test_a_kernel_is_named_by_the_notebook_or_by_who_starts_it(
    workspace: Workspace, path: str
) -> None:
    async with workspace.running(), workspace.open(path) as notebook:
        await notebook.send("start_runtime", kernel_name="julia")
        old = notebook.session.runtime.kernel_id
        assert await notebook.session.runtime.switch("r", ADA) != old
        assert workspace.gateway.did == ["start julia", "stop", "start r"]
        statuses = [each.status for each in await notebook.payloads(RuntimeStatusChanged)]
        assert set(statuses) <= {"ready"}
