from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt.events.base import Draft
from jupyter_runt.events.execution import (
    ExecutionAssigned,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionRequested,
    ExecutionStarted,
)
from jupyter_runt.execution import queue
from jupyter_runt.execution.queue import Outcome, RuntimeSession
from jupyter_runt.ids import ActorId, CellId, ExecutionId, RuntimeSessionId, Seq

RUNTIME = RuntimeSession(RuntimeSessionId("r1"), 7)


@dataclass(frozen=True)
class Execution:
    cell_id: CellId
    source: str = "1+1"
    status: str = "requested"
    stop_on_error: bool = True


@dataclass
class View:
    """A queue as the log would have it: it applies events strictly."""

    queue: list[ExecutionId] = field(default_factory=list)
    executions: dict[ExecutionId, Execution] = field(default_factory=dict)
    started: list[ExecutionId] = field(default_factory=list)
    ended: dict[ExecutionId, str] = field(default_factory=dict)

    def request(self, *names: str, stop_on_error: bool = True) -> None:
        for name in names:
            execution_id = ExecutionId(name)
            self.queue.append(execution_id)
            self.executions[execution_id] = Execution(CellId(name), stop_on_error=stop_on_error)

    def apply(self, drafts: list[Draft]) -> None:
        for draft in drafts:
            match draft.payload:
                case ExecutionAssigned(execution_id=e, fence=fence):
                    assert fence == RUNTIME.fence
                    self._become(e, "requested", "assigned")
                case ExecutionStarted(execution_id=e):
                    assert queue.running(self) is None, "two run at a time"
                    self._become(e, "assigned", "running")
                    self.started.append(e)
                case ExecutionCompleted(execution_id=e, status=status):
                    self._end(e, status)
                case ExecutionCancelled(execution_id=e):
                    assert self.executions[e].status in {"requested", "assigned"}
                    self._end(e, "cancelled")

    def _become(self, e: ExecutionId, before: str, after: str) -> None:
        assert self.executions[e].status == before
        self.executions[e] = replace(self.executions[e], status=after)

    def _end(self, e: ExecutionId, status: str) -> None:
        assert e not in self.ended, "ended twice"
        self.ended[e] = status
        self.queue.remove(e)

    def start_next(self) -> ExecutionId | None:
        upcoming = queue.next_assignment(self, RUNTIME)
        if upcoming is None:
            return None
        self.apply(upcoming[1])
        return upcoming[0]


def view(*names: str, stop_on_error: bool = True) -> View:
    made = View()
    made.request(*names, stop_on_error=stop_on_error)
    return made


def test_the_oldest_request_starts_first() -> None:
    assert view("a", "b").start_next() == "a"


def test_nothing_starts_while_something_runs() -> None:
    executions = view("a", "b")
    executions.start_next()
    assert executions.start_next() is None


def test_nothing_starts_from_an_empty_queue() -> None:
    assert view().start_next() is None


def requests(*names: str) -> list[Draft]:
    return [
        Draft(
            payload=ExecutionRequested(
                execution_id=ExecutionId(name),
                cell_id=CellId(name),
                source="1+1",
                document_seq=Seq(1),
                requested_by=ActorId("user:ada"),
                stop_on_error=True,
            ),
            actor=ActorId("user:ada"),
        )
        for name in names
    ]


def test_a_request_that_finds_the_queue_empty_is_started_in_the_same_step() -> None:
    executions = view()
    begun = queue.start_at_once(executions, RUNTIME, requests("a", "b"))
    assert begun is not None
    executions.request("a", "b")
    executions.apply(begun[1])
    assert (begun[0], executions.started) == ("a", ["a"])


def test_a_request_that_finds_others_waits_and_no_request_starts_nothing() -> None:
    assert queue.start_at_once(view("first"), RUNTIME, requests("a")) is None
    assert queue.start_at_once(view(), RUNTIME, []) is None


def test_the_next_execution_starts_in_the_same_step_as_the_last_one_ends() -> None:
    executions = view("a", "b")
    executions.start_next()
    drafts = queue.completed(executions, RUNTIME, ExecutionId("a"), Outcome("ok", 1))
    upcoming = queue.next_assignment(executions, RUNTIME, ended=queue.ended_by(drafts))
    assert upcoming is not None
    executions.apply([*drafts, *upcoming[1]])
    assert executions.ended == {"a": "ok"}
    assert executions.started == ["a", "b"]


def test_an_error_cancels_what_waits() -> None:
    executions = view("a", "b", "c")
    executions.start_next()
    executions.apply(queue.completed(executions, RUNTIME, ExecutionId("a"), Outcome("error", 1)))
    assert executions.ended == {"a": "error", "b": "cancelled", "c": "cancelled"}


def test_an_error_cancels_nothing_where_the_request_says_so() -> None:
    executions = view("a", "b", stop_on_error=False)
    executions.start_next()
    executions.apply(queue.completed(executions, RUNTIME, ExecutionId("a"), Outcome("error", 1)))
    assert executions.start_next() == "b"


def test_an_end_that_comes_twice_is_recorded_once() -> None:
    executions = view("a")
    executions.start_next()
    for _ in range(2):
        executions.apply(queue.completed(executions, RUNTIME, ExecutionId("a"), Outcome("ok", 1)))
    assert executions.ended == {"a": "ok"}


def test_cancelling_takes_only_what_waits() -> None:
    executions = view("a", "b", "c")
    executions.start_next()
    named = {ExecutionId("a"), ExecutionId("c")}
    executions.apply(queue.cancelled(executions, RUNTIME, named, "Cancelled."))
    assert executions.ended == {"c": "cancelled"}


@pytest.mark.parametrize("status", ["lost", "cancelled"])
def test_a_runtime_that_goes_ends_what_runs_and_cancels_what_waits(status: str) -> None:
    executions = view("a", "b")
    executions.start_next()
    drafts = queue.runtime_gone(executions, RUNTIME, "killed", status)  # type: ignore[arg-type]
    executions.apply(drafts)
    assert executions.ended == {"a": status, "b": "cancelled"}
    assert isinstance(drafts[0].payload, ExecutionCompleted)
    assert drafts[0].payload.error is not None
    assert drafts[0].payload.error.evalue == "killed"


def test_a_restart_can_keep_what_waits_for_the_next_runtime() -> None:
    executions = view("a", "b")
    executions.start_next()
    executions.apply(
        queue.runtime_gone(executions, RUNTIME, "restarted", "cancelled", keep_waiting=True)
    )
    assert executions.start_next() == "b"


def test_events_name_the_runtime_as_actor_and_the_execution_as_cause() -> None:
    upcoming = queue.next_assignment(view("a"), RUNTIME)
    assert upcoming is not None
    assert {draft.actor for draft in upcoming[1]} == {"runtime:r1"}
    assert {draft.caused_by for draft in upcoming[1]} == {"execution:a"}


STEPS = st.lists(
    st.sampled_from(["request", "start", "ok", "error", "cancel", "cancel_all", "lost", "restart"]),
    max_size=40,
)


@given(STEPS, st.booleans())
def test_every_request_ends_once_in_order_and_one_runs_at_a_time(
    steps: list[str], stop_on_error: bool
) -> None:
    executions = view()
    requested: list[ExecutionId] = []
    for number, step in enumerate(steps):
        runs = queue.running(executions)
        match step:
            case "request":
                executions.request(f"e{number}", stop_on_error=stop_on_error)
                requested.append(ExecutionId(f"e{number}"))
            case "start":
                executions.start_next()
            case "ok" | "error" if runs is not None:
                outcome = Outcome(step)  # type: ignore[arg-type]
                executions.apply(queue.completed(executions, RUNTIME, runs, outcome))
            case "cancel" if executions.queue:
                last = {executions.queue[-1]}
                executions.apply(queue.cancelled(executions, RUNTIME, last, "Cancelled."))
            case "cancel_all":
                executions.apply(queue.cancelled(executions, RUNTIME, None, "Cancelled."))
            case "lost":
                executions.apply(queue.runtime_gone(executions, RUNTIME, "killed", "lost"))
            case "restart":
                executions.apply(
                    queue.runtime_gone(
                        executions, RUNTIME, "restarted", "cancelled", keep_waiting=True
                    )
                )
    executions.apply(queue.runtime_gone(executions, RUNTIME, "over", "lost"))
    assert set(executions.ended) == set(requested)
    assert executions.queue == []
    assert executions.started == [e for e in requested if e in executions.started]
