"""The runtime's state, from events alone."""

import json

import pytest

from jupyter_runt.document.materialize import RuntimeState, apply
from jupyter_runt.events.agent import (
    ToolCallCompleted,
    ToolCallRequested,
    TurnCompleted,
    TurnContextGiven,
    TurnStarted,
    TurnTextAppended,
    TurnUndone,
)
from jupyter_runt.events.approvals import (
    Always,
    ApprovalDecided,
    ApprovalRequested,
    ApprovalRevoked,
)
from jupyter_runt.events.base import Event
from jupyter_runt.events.codec import document_updated
from jupyter_runt.events.document import DocumentUpdated, VersionKept
from jupyter_runt.events.execution import (
    ExecutionAssigned,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionError,
    ExecutionRequested,
    ExecutionStarted,
)
from jupyter_runt.events.outputs import InputReplied, InputRequested, OutputsCleared
from jupyter_runt.events.registry import EVENTS
from jupyter_runt.events.runtime import (
    RuntimeCommandPerformed,
    RuntimeSessionAdopted,
    RuntimeSessionEnded,
    RuntimeSessionStarted,
    RuntimeStatusChanged,
)


def requested(execution_id, cell_id="a"):
    return ExecutionRequested(
        execution_id=execution_id,
        cell_id=cell_id,
        source="1 + 1",
        document_seq=3,
        requested_by="user:ada",
        stop_on_error=False,
    )


def started(session="s1"):
    return RuntimeSessionStarted(
        runtime_session_id=session,
        kernel_id="k",
        kernel_name="python3",
        owner="user:ada",
        host="here",
        fence=7,
    )


def time(seq):
    return f"2026-01-01T00:00:00.{seq:03d}Z"


def replay(*payloads, state=None, after=0):
    state = RuntimeState() if state is None else state
    for seq, payload in enumerate(payloads, start=after + 1):
        event = Event(
            seq=seq,
            notebook_id="n",
            actor="user:ada",
            caused_by=None,
            recorded_at=time(seq),
            payload=payload,
        )
        state = apply(state, event)
    return state


def approval(call_id: str, turn_id: str = "t1") -> ApprovalRequested:
    return ApprovalRequested(
        call_id=call_id,
        turn_id=turn_id,
        cell_id="a",
        tool="run_cells",
        effect="execute",
        arguments_hash="h",
        requested_by="user:ada",
        expires_at="2026-01-01T00:00:00.000Z",
    )


EXAMPLES = {
    type(payload): payload
    for payload in [
        document_updated(b"\x00\x00", ()),
        VersionKept(reason="merge_overlap", message="", content=""),
        requested("e1"),
        ExecutionAssigned(execution_id="e1", runtime_session_id="s1", fence=1),
        ExecutionStarted(execution_id="e1"),
        ExecutionCompleted(execution_id="e1", status="ok"),
        ExecutionCancelled(execution_id="e1", reason="r"),
        OutputsCleared(cell_ids=("a",)),
        RuntimeCommandPerformed(command="interrupt_runtime"),
        InputRequested(execution_id="e1", prompt="?", password=False),
        InputReplied(execution_id="e1"),
        started(),
        RuntimeSessionAdopted(runtime_session_id="s1", fence=2),
        RuntimeStatusChanged(runtime_session_id="s1", status="ready"),
        RuntimeSessionEnded(runtime_session_id="s1", reason="crashed"),
        TurnStarted(
            turn_id="t1",
            cell_id="a",
            prompt="?",
            model=None,
            document_seq=1,
            requested_by="user:ada",
        ),
        TurnContextGiven(turn_id="t1", model="p/m", messages=(), tokens=1, budget=1, tainted=False),
        TurnTextAppended(turn_id="t1", text="x"),
        ToolCallRequested(turn_id="t1", call_id="c", tool="t", effect="read", arguments="{}"),
        ToolCallCompleted(turn_id="t1", call_id="c", status="ok", result="r"),
        TurnCompleted(turn_id="t1", status="ok"),
        TurnUndone(turn_id="t1"),
        approval("c"),
        ApprovalDecided(call_id="c", turn_id="t1", decision="once", by="user:ada"),
        ApprovalRevoked(by="user:ada", tool="run_cells"),
    ]
}


def allowed(tool: str, by: str, fingerprint: str = "") -> ApprovalDecided:
    always = Always(tool=tool, effect="execute", fingerprint=fingerprint)
    return ApprovalDecided(call_id="c", turn_id="t", decision="always", by=by, always=always)


@pytest.mark.rule("AG2")
def test_the_last_word_of_a_person_about_a_tool_holds():
    state = replay(
        allowed("run_cells", "user:ada"),
        allowed("kernel_f", "user:ada", "old"),
        allowed("kernel_f", "user:bob", "old"),
        allowed("kernel_f", "user:ada", "new"),
        ApprovalRevoked(by="user:ada", tool="run_cells"),
    )
    assert [(each.by, each.tool, each.fingerprint) for each in state.grants] == [
        ("user:bob", "kernel_f", "old"),
        ("user:ada", "kernel_f", "new"),
    ]
    assert RuntimeState.from_json(json.loads(json.dumps(state.to_json()))) == state


@pytest.mark.parametrize("payload_type", EVENTS.values(), ids=EVENTS)
def test_every_event_there_is_can_be_applied_to_any_state(payload_type):
    for history in ([], [requested("e1")], [requested("e1"), started()]):
        assert isinstance(replay(*history, EXAMPLES[payload_type]), RuntimeState)


def test_documents_and_outputs_are_no_part_of_the_runtime():
    state = replay(requested("e1"))
    assert replay(EXAMPLES[DocumentUpdated], state=state) is state
    assert replay(EXAMPLES[VersionKept], state=state) is state
    assert replay(OutputsCleared(cell_ids=("a",)), state=state) is state


def test_an_execution_from_request_to_end():
    state = replay(
        requested("e1"),
        ExecutionAssigned(execution_id="e1", runtime_session_id="s1", fence=7),
        ExecutionStarted(execution_id="e1"),
        InputRequested(execution_id="e1", prompt="name? ", password=True),
    )
    execution = state.executions["e1"]
    assert (execution.status, execution.started_at) == ("waiting_input", time(3))
    assert execution.runtime_session_id == "s1"
    assert (execution.input.prompt, execution.input.password) == ("name? ", True)
    assert execution.input.since == time(4)
    assert state.queue == ("e1",)
    state = replay(InputReplied(execution_id="e1"), state=state, after=4)
    assert (state.executions["e1"].status, state.executions["e1"].input) == ("running", None)
    error = ExecutionError(ename="E", evalue="v", traceback=("t",))
    state = replay(
        ExecutionCompleted(execution_id="e1", status="error", execution_count=4, error=error),
        state=state,
        after=5,
    )
    execution = state.executions["e1"]
    assert execution.ended
    assert (execution.status, execution.execution_count) == ("error", 4)
    assert (execution.error, execution.completed_at) == (error, time(6))
    assert (execution.source, execution.document_seq) == ("1 + 1", 3)
    assert (execution.stop_on_error, execution.requested_by) == (False, "user:ada")
    assert (execution.requested_at, execution.requested_seq) == (time(1), 1)
    assert state.queue == ()


def test_an_execution_that_ended_stays_as_it_ended():
    state = replay(requested("e1"), ExecutionCancelled(execution_id="e1", reason="r"))
    assert (state.executions["e1"].status, state.executions["e1"].reason) == ("cancelled", "r")
    assert state.executions["e1"].completed_at == time(2)
    late = [
        ExecutionStarted(execution_id="e1"),
        ExecutionCompleted(execution_id="e1", status="ok"),
        InputReplied(execution_id="e1"),
        requested("e1", "b"),
    ]
    assert replay(*late, state=state) is state


def test_executions_keep_the_order_of_their_requests():
    state = replay(requested("e1", "a"), requested("e2", "b"), requested("e3", "c"))
    assert state.queue == ("e1", "e2", "e3")
    state = replay(ExecutionCompleted(execution_id="e2", status="ok"), state=state, after=3)
    assert state.queue == ("e1", "e3")


def test_of_each_cell_the_last_execution_is_kept_and_all_that_have_not_ended():
    state = replay(requested("e1"), ExecutionCompleted(execution_id="e1", status="ok"))
    assert set(state.executions) == {"e1"}
    state = replay(requested("e2"), requested("e3"), state=state, after=2)
    assert set(state.executions) == {"e2", "e3"}
    state = replay(ExecutionCompleted(execution_id="e2", status="ok"), state=state, after=4)
    assert set(state.executions) == {"e3"}
    state = replay(ExecutionCompleted(execution_id="e3", status="lost"), state=state, after=5)
    assert {e.execution_id: e.status for e in state.executions.values()} == {"e3": "lost"}


def test_the_runtime_from_start_to_restart():
    state = replay(
        started(),
        RuntimeStatusChanged(runtime_session_id="other", status="busy"),
        RuntimeStatusChanged(runtime_session_id="s1", status="unresponsive", reason="silent"),
    )
    assert (state.runtime.status, state.runtime.reason) == ("unresponsive", "silent")
    assert (state.runtime.since, state.runtime.fence) == (time(3), 7)
    ended = RuntimeSessionEnded(runtime_session_id="s1", reason="restart")
    assert replay(ended, state=state).runtime is None
    state = replay(ended, started("s2"), ended, state=state, after=3)
    assert (state.runtime.runtime_session_id, state.runtime.status) == ("s2", "starting")


@pytest.mark.parametrize("reason", ["crashed", "evicted", "displaced", "expired"])
@pytest.mark.parametrize("cause", [None, "killed by signal 9"])
def test_a_runtime_that_was_lost_says_why(reason, cause):
    ended = RuntimeSessionEnded(runtime_session_id="s1", reason=reason, cause=cause)
    runtime = replay(started(), ended).runtime
    assert (runtime.status, runtime.reason) == ("lost", cause or reason)


def test_an_execution_that_was_lost_says_why():
    error = ExecutionError(ename="KernelLost", evalue="killed by signal 9")
    lost = ExecutionCompleted(execution_id="e1", status="lost", error=error)
    assert replay(requested("e1"), lost).executions["e1"].reason == "killed by signal 9"
    failed = ExecutionCompleted(execution_id="e1", status="error", error=error)
    assert replay(requested("e1"), failed).executions["e1"].reason is None


def test_a_runtime_says_how_the_one_before_ended_if_nobody_asked_for_it():
    crashed = RuntimeSessionEnded(runtime_session_id="s1", reason="crashed", cause="signal 9")
    runtime = replay(started(), crashed, started("s2")).runtime
    assert (runtime.status, runtime.reason) == ("starting", None)
    assert (runtime.previous_end.reason, runtime.previous_end.at) == ("signal 9", time(2))
    restarted = RuntimeSessionEnded(runtime_session_id="s2", reason="restart")
    again = replay(started(), crashed, started("s2"), restarted, started("s3")).runtime
    assert again.previous_end is None


def test_a_snapshot_is_the_state():
    state = replay(
        started("s0"),
        RuntimeSessionEnded(runtime_session_id="s0", reason="crashed", cause="killed"),
        started(),
        requested("e1", "a"),
        requested("e2", "b"),
        requested("e3", "a"),
        ExecutionStarted(execution_id="e1"),
        InputRequested(execution_id="e1", prompt="?", password=False),
        ExecutionCompleted(
            execution_id="e2",
            status="error",
            error=ExecutionError(ename="E", evalue="v", traceback=("t", "u")),
        ),
    )
    restored = RuntimeState.from_json(json.loads(json.dumps(state.to_json())))
    assert restored.to_json() == state.to_json()
    assert (restored.runtime, restored.queue) == (state.runtime, state.queue)
    assert dict(restored.executions) == dict(state.executions)
    assert dict(restored.latest) == dict(state.latest)
    empty = RuntimeState.from_json(RuntimeState().to_json())
    assert (empty.runtime, empty.queue, dict(empty.executions)) == (None, (), {})


def test_a_turn_waits_while_one_of_its_calls_does():
    calls = [
        ToolCallRequested(turn_id="t1", call_id=c, tool="t", effect="execute", arguments="{}")
        for c in ("c", "d")
    ]
    state = replay(EXAMPLES[TurnStarted], *calls, approval("c"), approval("d"))
    assert (state.turns.by_id["t1"].status, sorted(state.approvals)) == ("waiting", ["c", "d"])
    assert [item.status for item in state.turns.by_id["t1"].items] == ["waiting", "waiting"]
    assert RuntimeState.from_json(json.loads(json.dumps(state.to_json()))) == state
    state = replay(EXAMPLES[ApprovalDecided], state=state, after=5)
    assert (state.turns.by_id["t1"].status, sorted(state.approvals)) == ("waiting", ["d"])
    again = replay(
        ApprovalDecided(call_id="d", turn_id="t1", decision="expired", by=None),
        state=state,
        after=6,
    )
    assert (again.turns.by_id["t1"].status, sorted(again.approvals)) == ("running", [])
    ended = replay(EXAMPLES[TurnCompleted], state=state, after=6)
    assert (ended.turns.by_id["t1"].status, sorted(ended.approvals)) == ("ok", [])
    assert replay(approval("e"), approval("e", "t9"), state=ended, after=7) is ended
