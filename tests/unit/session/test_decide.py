import json
from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest

from jupyter_runt.commands import Command, parse_command
from jupyter_runt.document.materialize import RuntimeState, apply
from jupyter_runt.errors import (
    CellNotFound,
    Conflict,
    ExecutionNotFound,
    InvalidCommand,
    StaleRevision,
)
from jupyter_runt.events.agent import TurnStarted
from jupyter_runt.events.base import Event, Payload
from jupyter_runt.events.execution import (
    ExecutionAssigned,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionRequested,
    ExecutionStarted,
)
from jupyter_runt.events.outputs import InputReplied, InputRequested
from jupyter_runt.ids import ActorId, CellId, ExecutionId, NotebookId, RuntimeSessionId, Seq
from jupyter_runt.session.decide import Decision, Moment, NoDocument, RuntimeAction, decide

ADA = ActorId("user:ada")
RUNTIME = RuntimeSessionId("r")


class Cells:
    """A notebook: code cells, Markdown where the id starts with m, AI cells where with ai."""

    def __init__(self, **sources: str) -> None:
        self._sources = sources

    @property
    def cell_ids(self) -> Sequence[CellId]:
        return [CellId(cell_id) for cell_id in self._sources]

    def has_cell(self, cell_id: CellId) -> bool:
        return cell_id in self._sources

    def cell_type(self, cell_id: CellId) -> str:
        if cell_id.startswith("ai"):
            return "ai"
        return "markdown" if cell_id.startswith("m") else "code"

    def source(self, cell_id: CellId) -> str:
        return self._sources[cell_id]

    def revision(self, cell_id: CellId) -> str:
        return f"revision of {self._sources[cell_id]}"

    def metadata(self, cell_id: CellId) -> dict[str, Any]:
        return {"tags": ["raises-exception"]} if cell_id.startswith("fails") else {}

    def notebook_metadata(self) -> dict[str, Any]:
        return {}


def state(*payloads: Payload) -> RuntimeState:
    after = RuntimeState()
    for seq, payload in enumerate(payloads, 1):
        event = Event(
            seq=Seq(seq),
            notebook_id=NotebookId("n"),
            actor=ADA,
            caused_by=None,
            recorded_at="2024-01-01T00:00:00.000Z",
            payload=payload,
        )
        after = apply(after, event)
    return after


def requested(execution_id: str) -> ExecutionRequested:
    return ExecutionRequested(
        execution_id=ExecutionId(execution_id),
        cell_id=CellId(f"cell of {execution_id}"),
        source="",
        document_seq=Seq(1),
        requested_by=ADA,
    )


def started(execution_id: str) -> tuple[Payload, ...]:
    e = ExecutionId(execution_id)
    return (
        ExecutionAssigned(execution_id=e, runtime_session_id=RUNTIME, fence=1),
        ExecutionStarted(execution_id=e),
    )


def prompted(execution_id: str) -> InputRequested:
    return InputRequested(execution_id=ExecutionId(execution_id), prompt="?", password=False)


def command(kind: str, **fields: Any) -> Command:
    return parse_command(json.dumps({"type": kind, **fields}).encode())


def decided(
    wanted: Command, now: RuntimeState | None = None, actor: ActorId = ADA, **sources: str
) -> Decision:
    numbers = count(1)
    moment = Moment(
        state=now or RuntimeState(),
        document=Cells(**sources) if sources else NoDocument(),
        document_seq=Seq(5),
        actor=actor,
        new_id=lambda: f"e{next(numbers)}",
    )
    return decide(wanted, moment)


def cancelled(decision: Decision) -> list[str]:
    return [p.execution_id for p in decision.payloads if isinstance(p, ExecutionCancelled)]


def ran(decision: Decision) -> list[str]:
    return [p.cell_id for p in decision.payloads if isinstance(p, ExecutionRequested)]


def test_cells_are_requested_in_the_order_asked_for_as_they_stand() -> None:
    decision = decided(
        command("execute_cells", cell_ids=["b", "a", "b"], stop_on_error=False), a="1", b="2"
    )
    assert decision.action == RuntimeAction("run")
    assert decision.payloads == tuple(
        ExecutionRequested(
            execution_id=ExecutionId(execution_id),
            cell_id=CellId(cell_id),
            source=source,
            document_seq=Seq(5),
            requested_by=ADA,
            stop_on_error=False,
        )
        for execution_id, cell_id, source in (("e1", "b", "2"), ("e2", "a", "1"), ("e3", "b", "2"))
    )


@pytest.mark.rule("EX2")
def test_nothing_runs_where_a_cell_is_not_as_expected() -> None:
    seen = {"a": "revision of 1", "b": "revision of 2"}
    wanted = command("execute_cells", cell_ids=["a", "b"], expected_revisions=seen)
    assert ran(decided(wanted, a="1", b="2")) == ["a", "b"]
    with pytest.raises(StaleRevision) as stale:
        decided(wanted, a="1", b="3")
    assert stale.value.detail == {"cell_ids": ["b"]}
    with pytest.raises(CellNotFound):
        decided(wanted, a="1")


def test_a_cell_that_is_not_there_or_not_code_refuses_the_whole_command() -> None:
    with pytest.raises(CellNotFound) as missing:
        decided(command("execute_cells", cell_ids=["a", "z"]), a="1")
    assert missing.value.detail == {"cell_ids": ["z"]}
    with pytest.raises(CellNotFound):
        decided(command("execute_cells", cell_ids=["a"]))
    with pytest.raises(InvalidCommand) as wrong:
        decided(command("execute_cells", cell_ids=["a", "m"]), a="1", m="text")
    assert wrong.value.detail["errors"][0]["field"] == "cell_ids.1"


@pytest.mark.parametrize("kind", ["run_all", "restart_and_run_all"])
def test_all_cells_are_those_of_code_that_say_something(kind: str) -> None:
    decision = decided(command(kind), a="1", blank=" \n", m="text", b="2")
    assert ran(decision) == ["a", "b"]


def test_a_restart_takes_what_waits_and_leaves_what_runs_to_the_runtime() -> None:
    now = state(requested("x"), requested("y"), *started("x"))
    for kind in ("restart_runtime", "restart_and_run_all", "stop_runtime", "evict_runtime"):
        decision = decided(command(kind), now, a="1")
        assert cancelled(decision) == ["y"]
        assert decision.action is not None
    again = decided(command("restart_and_run_all"), now, a="1")
    assert [type(payload) for payload in again.payloads] == [ExecutionCancelled, ExecutionRequested]
    assert again.action == RuntimeAction("restart")


def test_cancelling_everything_interrupts_what_runs() -> None:
    now = state(requested("x"), requested("y"), requested("z"), *started("x"))
    decision = decided(command("cancel_executions"), now)
    assert cancelled(decision) == ["y", "z"]
    assert decision.action == RuntimeAction("interrupt")


def test_cancelling_one_leaves_the_others() -> None:
    now = state(requested("x"), requested("y"), requested("z"), *started("x"))
    waiting = decided(command("cancel_executions", execution_ids=["z"]), now)
    assert (cancelled(waiting), waiting.action) == (["z"], None)
    running = decided(command("cancel_executions", execution_ids=["x"]), now)
    assert (cancelled(running), running.action) == ([], RuntimeAction("interrupt"))
    nothing = decided(command("cancel_executions", execution_ids=[]), now)
    assert nothing == Decision()


def test_cancelling_what_ended_or_never_was() -> None:
    end = ExecutionCompleted(execution_id=ExecutionId("x"), status="ok")
    now = state(requested("x"), *started("x"), end)
    assert decided(command("cancel_executions", execution_ids=["x"]), now) == Decision()
    with pytest.raises(ExecutionNotFound):
        decided(command("cancel_executions", execution_ids=["never"]), now)


def test_a_prompt_is_answered_once_and_the_value_goes_to_the_runtime_alone() -> None:
    now = state(requested("x"), *started("x"), prompted("x"))
    decision = decided(command("reply_input", execution_id="x", value="secret"), now)
    assert decision.payloads == (InputReplied(execution_id=ExecutionId("x")),)
    assert decision.action == RuntimeAction("reply", execution_id=ExecutionId("x"), value="secret")
    assert "secret" not in str(decision.payloads)
    answered = state(requested("x"), *started("x"), prompted("x"), *decision.payloads)
    with pytest.raises(Conflict):
        decided(command("reply_input", execution_id="x", value="late"), answered)
    with pytest.raises(ExecutionNotFound):
        decided(command("reply_input", execution_id="y", value="?"), now)


def test_starting_names_the_kernel() -> None:
    decision = decided(command("start_runtime", kernel_name="julia"))
    assert decision == Decision(action=RuntimeAction("start", kernel_name="julia"))
    assert decided(command("interrupt_runtime")).action == RuntimeAction("interrupt")


def test_a_cell_that_is_tagged_to_fail_stops_nothing() -> None:
    decision = decided(command("execute_cells", cell_ids=["a", "fails"]), a="1", fails="1/0")
    requests = [p for p in decision.payloads if isinstance(p, ExecutionRequested)]
    assert [request.stop_on_error for request in requests] == [True, False]


# questions


def test_a_question_is_asked_as_it_stands_of_the_model_that_is_named() -> None:
    (asked,) = decided(command("ask", cell_id="ai"), ai="Why?").payloads
    assert isinstance(asked, TurnStarted)
    assert (asked.cell_id, asked.prompt, asked.model) == ("ai", "Why?", None)
    assert (asked.requested_by, asked.after, asked.cells) == (ADA, (), None)
    chosen = command("ask", cell_id="ai", cells=["a"])
    (about,) = decided(chosen, ai="Why?", a="x").payloads
    assert about.cells == ("a",)  # type: ignore[attr-defined]
    with pytest.raises(CellNotFound):
        decided(chosen, ai="Why?")


def test_ai_cells_that_are_run_are_asked_once_behind_what_comes_before_them() -> None:
    cells = {"a": "1", "ai": "Why?", "b": "2"}
    decision = decided(command("execute_cells", cell_ids=["a", "ai", "b", "ai"]), **cells)
    kinds = [type(payload) for payload in decision.payloads]
    assert kinds == [ExecutionRequested, TurnStarted, ExecutionRequested]
    first, asked, _ = decision.payloads
    assert asked.after == (first.execution_id,)  # type: ignore[attr-defined]
    assert decision.action == RuntimeAction("run")
    assert decided(command("execute_cells", cell_ids=["ai"]), **cells).action is None


@pytest.mark.rule("AG2")
@pytest.mark.parametrize(
    "wanted", [command("ask", cell_id="ai"), command("execute_cells", cell_ids=["ai"])]
)
def test_the_ai_does_not_ask_itself(wanted: Command) -> None:
    with pytest.raises(InvalidCommand, match="itself"):
        decided(wanted, actor=ActorId("agent:turn"), ai="Why?")
