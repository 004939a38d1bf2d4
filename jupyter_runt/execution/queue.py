"""The queue of a notebook's executions: pure functions from its state to the events that follow."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from jupyter_runt.events.base import Draft, Payload
from jupyter_runt.events.execution import (
    ExecutionAssigned,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionError,
    ExecutionRequested,
    ExecutionStarted,
    TerminalStatus,
)
from jupyter_runt.ids import CellId, ExecutionId, RuntimeSessionId, runtime_actor

AFTER_ERROR: Final = "A cell before it failed."
KERNEL_LOST: Final = "KernelLost"
"""`ename` of an execution whose kernel went away."""

_WAITING: Final = frozenset({"requested", "assigned"})
_RUNNING: Final = frozenset({"running", "waiting_input"})
_STATUS: Final[dict[str, TerminalStatus]] = {"ok": "ok", "aborted": "cancelled"}


class ExecutionView(Protocol):
    """An execution, as the log has it."""

    @property
    def cell_id(self) -> CellId:
        """The cell that runs."""
        ...

    @property
    def source(self) -> str:
        """What runs, exactly."""
        ...

    @property
    def status(self) -> str:
        """`requested`, `assigned`, `running`, `waiting_input`, or how it ended."""
        ...

    @property
    def stop_on_error(self) -> bool:
        """Whether its failure cancels what waits."""
        ...


class QueueView(Protocol):
    """The executions that have not ended, in the order in which they were asked for."""

    @property
    def queue(self) -> Sequence[ExecutionId]:
        """Ids, the oldest first."""
        ...

    @property
    def executions(self) -> Mapping[ExecutionId, ExecutionView]:
        """At least those of the queue."""
        ...


@dataclass(frozen=True, slots=True)
class RuntimeSession:
    """One incarnation of the notebook's kernel, and the right to record what it does."""

    runtime_session_id: RuntimeSessionId
    fence: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an execution ended."""

    status: TerminalStatus
    execution_count: int | None = None
    error: ExecutionError | None = None


def outcome(reply: Mapping[str, Any], execution_count: int | None) -> Outcome:
    """Return how an execution ended, from the kernel's `execute_reply`."""
    status = _STATUS.get(str(reply.get("status")), "error")
    error = None
    if status == "error":
        error = ExecutionError(
            ename=str(reply.get("ename", "")),
            evalue=str(reply.get("evalue", "")),
            traceback=tuple(map(str, reply.get("traceback") or ())),
        )
    return Outcome(status, execution_count, error)


def waiting(view: QueueView) -> list[ExecutionId]:
    """Return the executions that have not started, in order."""
    return [e for e in view.queue if view.executions[e].status in _WAITING]


def running(view: QueueView) -> ExecutionId | None:
    """Return the execution that has started and not ended."""
    return next((e for e in view.queue if view.executions[e].status in _RUNNING), None)


def next_assignment(
    view: QueueView, runtime: RuntimeSession, *, ended: Collection[ExecutionId] = ()
) -> tuple[ExecutionId, list[Draft]] | None:
    """Return the execution to start now and the events of that, or None.

    Args:
        ended: executions that the view has and events about to be recorded end.
    """
    active = [e for e in view.queue if e not in ended]
    if not active or any(view.executions[e].status in _RUNNING for e in active):
        return None
    return active[0], _assignment(runtime, active[0])


def start_at_once(
    view: QueueView, runtime: RuntimeSession, requests: Sequence[Draft]
) -> tuple[ExecutionId, list[Draft]] | None:
    """Return the first execution of `requests`, which are about to be recorded, and its start.

    None where another one comes first.
    """
    payloads = (draft.payload for draft in requests)
    first = next((each for each in payloads if isinstance(each, ExecutionRequested)), None)
    if first is None or view.queue:
        return None
    return first.execution_id, _assignment(runtime, first.execution_id)


def _assignment(runtime: RuntimeSession, execution_id: ExecutionId) -> list[Draft]:
    assigned = ExecutionAssigned(
        execution_id=execution_id,
        runtime_session_id=runtime.runtime_session_id,
        fence=runtime.fence,
    )
    started = ExecutionStarted(execution_id=execution_id)
    return _drafts(runtime, execution_id, assigned, started)


def completed(
    view: QueueView, runtime: RuntimeSession, execution_id: ExecutionId, outcome: Outcome
) -> list[Draft]:
    """Return the events of an execution's end; after an error, with those that it stops.

    An execution that had ended before stays as it is: nothing is returned.
    """
    if execution_id not in view.queue:
        return []
    end = ExecutionCompleted(
        execution_id=execution_id,
        status=outcome.status,
        execution_count=outcome.execution_count,
        error=outcome.error,
    )
    drafts = _drafts(runtime, execution_id, end)
    if outcome.status == "error" and view.executions[execution_id].stop_on_error:
        drafts += cancelled(view, runtime, None, AFTER_ERROR)
    return drafts


def cancelled(
    view: QueueView,
    runtime: RuntimeSession,
    execution_ids: Collection[ExecutionId] | None,
    reason: str,
) -> list[Draft]:
    """Return the events that take executions (all, by default) that wait from the queue."""
    return [
        draft
        for execution_id in waiting(view)
        if execution_ids is None or execution_id in execution_ids
        for draft in _drafts(
            runtime, execution_id, ExecutionCancelled(execution_id=execution_id, reason=reason)
        )
    ]


def runtime_gone(
    view: QueueView,
    runtime: RuntimeSession,
    reason: str,
    status: Literal["lost", "cancelled"],
    *,
    keep_waiting: bool = False,
) -> list[Draft]:
    """Return the events that end what runs as `status`, and cancel what waits.

    Args:
        keep_waiting: leave what waits for the next runtime session.
    """
    drafts: list[Draft] = []
    if (execution_id := running(view)) is not None:
        error = ExecutionError(
            ename=KERNEL_LOST if status == "lost" else "Cancelled", evalue=reason
        )
        drafts += completed(view, runtime, execution_id, Outcome(status, error=error))
    if not keep_waiting:
        drafts += cancelled(view, runtime, None, reason)
    return drafts


def ended_by(drafts: Sequence[Draft]) -> set[ExecutionId]:
    """Return the executions that `drafts` end."""
    return {
        draft.payload.execution_id
        for draft in drafts
        if isinstance(draft.payload, ExecutionCompleted | ExecutionCancelled)
    }


def _drafts(runtime: RuntimeSession, execution_id: ExecutionId, *payloads: Payload) -> list[Draft]:
    actor = runtime_actor(runtime.runtime_session_id)
    caused_by = f"execution:{execution_id}"
    return [Draft(payload=payload, actor=actor, caused_by=caused_by) for payload in payloads]
