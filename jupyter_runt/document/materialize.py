"""From events to the state of a notebook's runtime; pure, so a replay is the live state (EL2)."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, Literal, Self

from jupyter_runt.document import approvals as waiting
from jupyter_runt.document import grants as always
from jupyter_runt.document.approvals import Approvals
from jupyter_runt.document.persistent import PersistentMap
from jupyter_runt.document.turns import Turns, advance
from jupyter_runt.events.agent import (
    ToolCallCompleted,
    ToolCallRequested,
    TurnCompleted,
    TurnContextGiven,
    TurnStarted,
    TurnTextAppended,
    TurnUndone,
)
from jupyter_runt.events.approvals import ApprovalDecided, ApprovalRequested, ApprovalRevoked
from jupyter_runt.events.base import Event, Payload
from jupyter_runt.events.document import DocumentUpdated, VersionKept
from jupyter_runt.events.execution import (
    ExecutionAssigned,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionError,
    ExecutionRequested,
    ExecutionStarted,
    TerminalStatus,
)
from jupyter_runt.events.outputs import InputReplied, InputRequested, OutputsCleared
from jupyter_runt.events.runtime import (
    RuntimeCommandPerformed,
    RuntimeSessionAdopted,
    RuntimeSessionEnded,
    RuntimeSessionStarted,
    RuntimeStatus,
    RuntimeStatusChanged,
)
from jupyter_runt.ids import ActorId, CellId, ExecutionId, RuntimeSessionId, Seq

ExecutionStatus = Literal["requested", "assigned", "running", "waiting_input"] | TerminalStatus
TERMINAL: Final = frozenset({"ok", "error", "cancelled", "lost"})
_EXPLAINED: Final = frozenset({"cancelled", "lost"})


@dataclass(frozen=True, slots=True)
class Input:
    """What the kernel asks for."""

    prompt: str
    password: bool
    since: str


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of a cell. Times are ISO 8601 UTC."""

    execution_id: ExecutionId
    cell_id: CellId
    source: str
    document_seq: Seq
    stop_on_error: bool
    requested_by: ActorId
    requested_at: str
    requested_seq: Seq
    """Place of the request in the log: the order of executions."""
    status: ExecutionStatus = "requested"
    runtime_session_id: RuntimeSessionId | None = None
    started_at: str | None = None
    completed_at: str | None = None
    execution_count: int | None = None
    error: ExecutionError | None = None
    input: Input | None = None
    reason: str | None = None
    """Why it was cancelled or lost, in words."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in TERMINAL


@dataclass(frozen=True, slots=True)
class PreviousEnd:
    """How the runtime session before ended, where nobody asked for its end."""

    reason: str
    at: str


@dataclass(frozen=True, slots=True)
class Runtime:
    """The runtime session that owns the notebook, or the last one if it was lost."""

    runtime_session_id: RuntimeSessionId
    kernel_id: str
    kernel_name: str
    status: RuntimeStatus
    since: str
    owner: ActorId
    host: str
    fence: int
    reason: str | None = None
    previous_end: PreviousEnd | None = None


@dataclass(frozen=True, slots=True)
class RuntimeState:
    """Everything that the log says of a notebook's runtime and executions, as of an event."""

    runtime: Runtime | None = None
    queue: tuple[ExecutionId, ...] = ()
    """The executions that wait or run, in the order in which they were asked for."""
    executions: PersistentMap[ExecutionId, Execution] = field(default_factory=PersistentMap)
    """Those in the queue, and the last one of each cell."""
    latest: PersistentMap[CellId, ExecutionId] = field(default_factory=PersistentMap)
    """The last execution of each cell."""
    turns: Turns = field(default_factory=Turns)
    approvals: Approvals = field(default_factory=PersistentMap)
    """The calls of the AI that wait for a person."""
    grants: always.Grants = ()
    """What people always allow it."""

    def to_json(self) -> dict[str, Any]:
        """Return the state as JSON, for a snapshot."""
        executions = sorted(self.executions.values(), key=lambda each: each.requested_seq)
        return {
            "runtime": asdict(self.runtime) if self.runtime else None,
            "queue": list(self.queue),
            "executions": [_execution_json(execution) for execution in executions],
            "turns": self.turns.to_json(),
            "approvals": waiting.to_json(self.approvals),
            "grants": always.to_json(self.grants),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Return the state that `to_json` gave."""
        executions = [_execution(each) for each in data["executions"]]
        by_id: PersistentMap[ExecutionId, Execution] = PersistentMap()
        latest: PersistentMap[CellId, ExecutionId] = PersistentMap()
        for execution in executions:
            by_id = by_id.with_item(execution.execution_id, execution)
            latest = latest.with_item(execution.cell_id, execution.execution_id)
        turns = Turns.from_json(data.get("turns", []))
        approvals = waiting.from_json(data.get("approvals", []))
        runtime = _runtime(data["runtime"])
        grants = always.from_json(data.get("grants", []))
        return cls(runtime, tuple(data["queue"]), by_id, latest, turns, approvals, grants)


def _runtime(data: dict[str, Any] | None) -> Runtime | None:
    if data is None:
        return None
    end = data.get("previous_end")
    return Runtime(**{**data, "previous_end": PreviousEnd(**end) if end else None})


def _execution_json(execution: Execution) -> dict[str, Any]:
    error = execution.error.model_dump(mode="json") if execution.error else None
    return {**asdict(replace(execution, error=None)), "error": error}


def _execution(data: dict[str, Any]) -> Execution:
    error = ExecutionError.model_validate(data["error"]) if data["error"] else None
    prompt = Input(**data["input"]) if data["input"] else None
    return Execution(**{**data, "error": error, "input": prompt})


def apply(state: RuntimeState, event: Event) -> RuntimeState:
    """Return the state after an event.

    An event about something that the state does not have, or that has ended, changes nothing.
    """
    return _MATERIALIZERS[type(event.payload)](state, event, event.payload)


def _unchanged(state: RuntimeState, _event: Event, _payload: Payload) -> RuntimeState:
    return state


def _requested(state: RuntimeState, event: Event, payload: ExecutionRequested) -> RuntimeState:
    if payload.execution_id in state.executions:
        return state
    execution = Execution(
        execution_id=payload.execution_id,
        cell_id=payload.cell_id,
        source=payload.source,
        document_seq=payload.document_seq,
        stop_on_error=payload.stop_on_error,
        requested_by=payload.requested_by,
        requested_at=event.recorded_at,
        requested_seq=event.seq,
    )
    executions = state.executions.with_item(payload.execution_id, execution)
    previous = state.latest.get(payload.cell_id)
    if previous is not None and executions[previous].ended:
        executions = executions.without(previous)
    return replace(
        state,
        queue=(*state.queue, payload.execution_id),
        executions=executions,
        latest=state.latest.with_item(payload.cell_id, payload.execution_id),
    )


def _advanced(state: RuntimeState, execution_id: ExecutionId, **changes: Any) -> RuntimeState:
    """Return the state in which an execution that has not ended is as `changes` say."""
    execution = state.executions.get(execution_id)
    if execution is None or execution.ended:
        return state
    executions = state.executions.with_item(execution_id, replace(execution, **changes))
    return replace(state, executions=executions)


def _assigned(state: RuntimeState, _event: Event, payload: ExecutionAssigned) -> RuntimeState:
    return _advanced(
        state,
        payload.execution_id,
        status="assigned",
        runtime_session_id=payload.runtime_session_id,
    )


def _started(state: RuntimeState, event: Event, payload: ExecutionStarted) -> RuntimeState:
    return _advanced(state, payload.execution_id, status="running", started_at=event.recorded_at)


def _input_requested(state: RuntimeState, event: Event, payload: InputRequested) -> RuntimeState:
    prompt = Input(payload.prompt, payload.password, event.recorded_at)
    return _advanced(state, payload.execution_id, status="waiting_input", input=prompt)


def _input_replied(state: RuntimeState, _event: Event, payload: InputReplied) -> RuntimeState:
    return _advanced(state, payload.execution_id, status="running", input=None)


def _completed(state: RuntimeState, event: Event, payload: ExecutionCompleted) -> RuntimeState:
    return _ended(
        state,
        event,
        payload.execution_id,
        status=payload.status,
        execution_count=payload.execution_count,
        error=payload.error,
        reason=payload.error.evalue if payload.status in _EXPLAINED and payload.error else None,
    )


def _cancelled(state: RuntimeState, event: Event, payload: ExecutionCancelled) -> RuntimeState:
    return _ended(state, event, payload.execution_id, status="cancelled", reason=payload.reason)


def _ended(
    state: RuntimeState, event: Event, execution_id: ExecutionId, **changes: Any
) -> RuntimeState:
    if execution_id not in state.queue:
        return state
    state = _advanced(state, execution_id, completed_at=event.recorded_at, input=None, **changes)
    executions = state.executions
    if state.latest[executions[execution_id].cell_id] != execution_id:
        executions = executions.without(execution_id)
    place = state.queue.index(execution_id)
    queue = state.queue[:place] + state.queue[place + 1 :]
    return replace(state, queue=queue, executions=executions)


def _session_started(
    state: RuntimeState, event: Event, payload: RuntimeSessionStarted
) -> RuntimeState:
    last = state.runtime
    runtime = Runtime(
        runtime_session_id=payload.runtime_session_id,
        kernel_id=payload.kernel_id,
        kernel_name=payload.kernel_name,
        status="starting",
        since=event.recorded_at,
        owner=payload.owner,
        host=payload.host,
        fence=payload.fence,
        previous_end=PreviousEnd(last.reason or "", last.since)
        if last is not None and last.status == "lost"
        else None,
    )
    return replace(state, runtime=runtime)


def _session_adopted(
    state: RuntimeState, _event: Event, payload: RuntimeSessionAdopted
) -> RuntimeState:
    if state.runtime is None or state.runtime.runtime_session_id != payload.runtime_session_id:
        return state
    return replace(state, runtime=replace(state.runtime, fence=payload.fence))


def _status_changed(
    state: RuntimeState, event: Event, payload: RuntimeStatusChanged
) -> RuntimeState:
    if state.runtime is None or state.runtime.runtime_session_id != payload.runtime_session_id:
        return state
    runtime = replace(
        state.runtime, status=payload.status, since=event.recorded_at, reason=payload.reason
    )
    return replace(state, runtime=runtime)


def _session_ended(state: RuntimeState, event: Event, payload: RuntimeSessionEnded) -> RuntimeState:
    if state.runtime is None or state.runtime.runtime_session_id != payload.runtime_session_id:
        return state
    if payload.reason in ("shutdown", "restart"):
        return replace(state, runtime=None)
    runtime = replace(
        state.runtime,
        status="lost",
        since=event.recorded_at,
        reason=payload.cause or payload.reason,
    )
    return replace(state, runtime=runtime)


def _turn(state: RuntimeState, event: Event, payload: Payload) -> RuntimeState:
    turns = advance(state.turns, event, payload)
    approvals, turns = waiting.advance(state.approvals, turns, event, payload)
    grants = always.advance(state.grants, event, payload)
    same = turns is state.turns and approvals is state.approvals and grants is state.grants
    if same:
        return state
    return replace(state, turns=turns, approvals=approvals, grants=grants)


Materializer = Callable[[RuntimeState, Event, Any], RuntimeState]

_MATERIALIZERS: Final[MappingProxyType[type[Payload], Materializer]] = MappingProxyType(
    {
        DocumentUpdated: _unchanged,
        VersionKept: _unchanged,
        OutputsCleared: _unchanged,
        RuntimeCommandPerformed: _unchanged,
        ExecutionRequested: _requested,
        ExecutionAssigned: _assigned,
        ExecutionStarted: _started,
        ExecutionCompleted: _completed,
        ExecutionCancelled: _cancelled,
        InputRequested: _input_requested,
        InputReplied: _input_replied,
        RuntimeSessionStarted: _session_started,
        RuntimeSessionAdopted: _session_adopted,
        RuntimeStatusChanged: _status_changed,
        RuntimeSessionEnded: _session_ended,
        TurnStarted: _turn,
        TurnContextGiven: _turn,
        TurnTextAppended: _turn,
        ToolCallRequested: _turn,
        ToolCallCompleted: _turn,
        TurnCompleted: _turn,
        TurnUndone: _turn,
        ApprovalRequested: _turn,
        ApprovalDecided: _turn,
        ApprovalRevoked: _turn,
    }
)
