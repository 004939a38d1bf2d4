"""The runtime document."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc, Map

from jupyter_runt.document.materialize import RuntimeState, apply
from jupyter_runt.document.runtime import RuntimeDoc, project
from jupyter_runt.events.agent import (
    ToolCallCompleted,
    ToolCallRequested,
    TurnCompleted,
    TurnContextGiven,
    TurnStarted,
    TurnTextAppended,
    Usage,
)
from jupyter_runt.events.base import Event
from jupyter_runt.events.execution import (
    ExecutionAssigned,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionError,
    ExecutionRequested,
    ExecutionStarted,
)
from jupyter_runt.events.outputs import InputReplied, InputRequested
from jupyter_runt.events.runtime import (
    RuntimeSessionEnded,
    RuntimeSessionStarted,
    RuntimeStatusChanged,
)

IDS = st.sampled_from([f"e{n}" for n in range(6)])
SESSIONS = st.sampled_from(["s1", "s2"])
TURNS = st.sampled_from(["t1", "t2", "t3"])
CALLS = st.sampled_from(["c1", "c2"])
ERRORS = st.none() | st.builds(
    ExecutionError, ename=st.text(max_size=3), evalue=st.just("v\ud800"), traceback=st.just(("t",))
)
PAYLOADS = st.one_of(
    st.builds(
        ExecutionRequested,
        execution_id=IDS,
        cell_id=st.sampled_from("abc"),
        source=st.just("1"),
        document_seq=st.just(1),
        requested_by=st.just("user:ada"),
    ),
    st.builds(ExecutionAssigned, execution_id=IDS, runtime_session_id=SESSIONS, fence=st.just(1)),
    st.builds(ExecutionStarted, execution_id=IDS),
    st.builds(
        ExecutionCompleted,
        execution_id=IDS,
        status=st.sampled_from(["ok", "error", "cancelled", "lost"]),
        execution_count=st.none() | st.integers(1, 9),
        error=ERRORS,
    ),
    st.builds(ExecutionCancelled, execution_id=IDS, reason=st.just("r")),
    st.builds(InputRequested, execution_id=IDS, prompt=st.text(max_size=3), password=st.booleans()),
    st.builds(InputReplied, execution_id=IDS),
    st.builds(
        RuntimeSessionStarted,
        runtime_session_id=SESSIONS,
        kernel_id=st.just("k"),
        kernel_name=st.just("python3"),
        owner=st.just("user:ada"),
        host=st.just("here"),
        fence=st.just(1),
    ),
    st.builds(
        RuntimeStatusChanged,
        runtime_session_id=SESSIONS,
        status=st.sampled_from(["ready", "restarting"]),
        reason=st.none() | st.just("r"),
    ),
    st.builds(
        RuntimeSessionEnded,
        runtime_session_id=SESSIONS,
        reason=st.sampled_from(["shutdown", "crashed"]),
    ),
    st.builds(
        TurnStarted,
        turn_id=TURNS,
        cell_id=st.sampled_from("abc"),
        prompt=st.just("?"),
        model=st.none() | st.just("p/m"),
        document_seq=st.just(1),
        requested_by=st.just("user:ada"),
    ),
    st.builds(
        TurnContextGiven,
        turn_id=TURNS,
        model=st.just("p/n"),
        messages=st.just(()),
        tokens=st.just(1),
        budget=st.just(1),
        tainted=st.booleans(),
    ),
    st.builds(TurnTextAppended, turn_id=TURNS, text=st.text(max_size=5)),
    st.builds(
        ToolCallRequested,
        turn_id=TURNS,
        call_id=CALLS,
        tool=st.just("look"),
        effect=st.sampled_from(["read", "execute"]),
        arguments=st.just("{}"),
    ),
    st.builds(
        ToolCallCompleted,
        turn_id=TURNS,
        call_id=CALLS,
        status=st.sampled_from(["ok", "error", "denied"]),
        result=st.text(max_size=3) | st.just("long " * 200),
    ),
    st.builds(
        TurnCompleted,
        turn_id=TURNS,
        status=st.sampled_from(["ok", "error", "cancelled", "lost", "limit"]),
        error=st.none() | st.just("r"),
        usage=st.none() | st.just(Usage(input_tokens=1, output_tokens=2)),
    ),
)


def events(payloads):
    return [
        Event(
            seq=seq,
            notebook_id="n",
            actor="user:ada",
            caused_by=None,
            recorded_at=f"2026-01-01T00:00:00.{seq:03d}Z",
            payload=payload,
        )
        for seq, payload in enumerate(payloads, start=1)
    ]


def live(payloads, state=None):
    """Return what a session shows and sends while events happen."""
    before, document = RuntimeState() if state is None else state, RuntimeDoc("n", "1")
    updates = [document.transact(lambda: project(document, RuntimeState(), before)).update]
    for event in events(payloads):
        after = apply(before, event)
        updates.append(document.transact(lambda b=before, a=after: project(document, b, a)).update)
        before = after
    return before, document, updates


def shown(document):
    return {
        name: getattr(document, name).to_py()
        for name in ("runtime", "queue", "executions", "turns", "approvals")
    }


@pytest.mark.rule("EL2")
@given(st.lists(PAYLOADS, max_size=25))
def test_a_replay_makes_the_same_updates_byte_for_byte(payloads):
    _, document, updates = live(payloads)
    _, again, updates_again = live(payloads)
    assert updates == updates_again
    assert document.doc.get_update() == again.doc.get_update()
    follower = Doc()
    for update in updates:
        if update is not None:
            follower.apply_update(update)
    assert follower.get("executions", type=Map).to_py() == document.executions.to_py()


@pytest.mark.rule("EL2")
@given(st.lists(PAYLOADS, max_size=25))
def test_what_is_shown_is_the_state_however_it_came_about(payloads):
    state, document, _ = live(payloads)
    at_once = RuntimeDoc("n", "2")
    project(at_once, RuntimeState(), RuntimeState.from_json(state.to_json()))
    assert shown(at_once) == shown(document)
    assert list(state.queue) == shown(document)["queue"]
    for turn_id, turn in shown(document)["turns"].items():
        assert turn["text"] == state.turns.by_id[turn_id].text
        assert len(turn["items"]) == len(state.turns.by_id[turn_id].items)
    assert set(state.executions) == set(shown(document)["executions"])


def test_clients_read_what_the_contract_says():
    error = ExecutionError(ename="E", evalue="v", traceback=("t", "u"))
    _, document, _ = live(
        [
            RuntimeSessionStarted(
                runtime_session_id="s1",
                kernel_id="k",
                kernel_name="python3",
                owner="user:ada",
                host="here",
                fence=1,
            ),
            *(
                ExecutionRequested(
                    execution_id=f"e{cell_id}",
                    cell_id=cell_id,
                    source="secret",
                    document_seq=1,
                    requested_by="user:ada",
                )
                for cell_id in "ab"
            ),
            ExecutionStarted(execution_id="ea"),
            ExecutionCompleted(execution_id="ea", status="error", execution_count=2, error=error),
            ExecutionStarted(execution_id="eb"),
            InputRequested(execution_id="eb", prompt="? ", password=False),
        ]
    )
    assert shown(document) == {
        "runtime": {
            "runtime_session_id": "s1",
            "kernel_id": "k",
            "kernel_name": "python3",
            "status": "starting",
            "since": "2026-01-01T00:00:00.001Z",
            "owner": "user:ada",
            "host": "here",
        },
        "queue": ["eb"],
        "executions": {
            "ea": {
                "cell_id": "a",
                "source_sha256": sha256(b"secret").hexdigest(),
                "status": "error",
                "requested_by": "user:ada",
                "requested_at": "2026-01-01T00:00:00.002Z",
                "started_at": "2026-01-01T00:00:00.004Z",
                "completed_at": "2026-01-01T00:00:00.005Z",
                "execution_count": 2.0,
                "error": {"ename": "E", "evalue": "v", "traceback": ["t", "u"]},
            },
            "eb": {
                "cell_id": "b",
                "source_sha256": sha256(b"secret").hexdigest(),
                "status": "waiting_input",
                "requested_by": "user:ada",
                "requested_at": "2026-01-01T00:00:00.003Z",
                "started_at": "2026-01-01T00:00:00.006Z",
                "input": {"prompt": "? ", "password": False, "since": "2026-01-01T00:00:00.007Z"},
            },
        },
        "turns": {},
        "approvals": {},
    }


def test_an_event_that_changes_nothing_sends_nothing():
    _, _, updates = live([InputReplied(execution_id="unknown")])
    assert updates == [None, None]


def test_another_epoch_is_another_history():
    assert RuntimeDoc("n", "1").doc.client_id != RuntimeDoc("n", "2").doc.client_id
    assert RuntimeDoc("n", "1").doc.client_id == RuntimeDoc("n", "1").doc.client_id


@pytest.mark.rule("RM5")
def test_a_cell_that_runs_a_thousand_times_leaves_a_small_document():
    payloads = []
    for number in range(1000):
        execution_id = f"execution-{number}"
        payloads += [
            ExecutionRequested(
                execution_id=execution_id,
                cell_id="a",
                source="x" * 1000,
                document_seq=1,
                requested_by="user:ada",
            ),
            ExecutionStarted(execution_id=execution_id),
            ExecutionCompleted(execution_id=execution_id, status="ok", execution_count=number),
        ]
    _, document, _ = live(payloads)
    assert len(document.executions) == 1
    assert len(document.doc.get_update()) < 100_000
