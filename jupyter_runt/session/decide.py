"""What a command leads to: pure, so that every rule of the queue and the prompt can be tested."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from jupyter_runt.commands import (
    Ask,
    CancelExecutions,
    Command,
    EvictRuntime,
    ExecuteCells,
    InterruptRuntime,
    ReplyInput,
    RestartAndRunAll,
    RestartRuntime,
    RunAll,
    StartRuntime,
    StopRuntime,
)
from jupyter_runt.document.materialize import RuntimeState
from jupyter_runt.errors import (
    CellNotFound,
    Conflict,
    ExecutionNotFound,
    InvalidCommand,
    StaleRevision,
)
from jupyter_runt.events.agent import TurnStarted
from jupyter_runt.events.base import Payload
from jupyter_runt.events.execution import ExecutionCancelled, ExecutionRequested
from jupyter_runt.events.outputs import InputReplied
from jupyter_runt.ids import ActorId, CellId, ExecutionId, Seq, TurnId, is_person


class DocumentView(Protocol):
    """What a decision may look at in the notebook."""

    @property
    def cell_ids(self) -> Sequence[CellId]:
        """The cells, from the top."""
        ...

    def has_cell(self, cell_id: CellId) -> bool:
        """Tell whether the cell is there."""
        ...

    def cell_type(self, cell_id: CellId) -> str:
        """Return the type of the cell: code, markdown, raw, ai or sql."""
        ...

    def source(self, cell_id: CellId) -> str:
        """Return the text of the cell."""
        ...

    def revision(self, cell_id: CellId) -> str:
        """Return the SHA-256 (hex) of the text of the cell."""
        ...

    def metadata(self, cell_id: CellId) -> Mapping[str, Any]:
        """Return the metadata of the cell."""
        ...

    def notebook_metadata(self) -> Mapping[str, Any]:
        """Return the metadata of the notebook."""
        ...


class NoDocument:
    """The view of commands that do not look at the notebook."""

    cell_ids: Sequence[CellId] = ()

    def has_cell(self, cell_id: CellId) -> bool:
        """There is none."""
        return cell_id in self.cell_ids

    def cell_type(self, cell_id: CellId) -> str:
        """There is none."""
        raise CellNotFound(f"There is no cell {cell_id}.", cell_ids=[cell_id])

    source = revision = cell_type

    def metadata(self, cell_id: CellId) -> Mapping[str, Any]:
        """There is none."""
        raise CellNotFound(f"There is no cell {cell_id}.", cell_ids=[cell_id])

    def notebook_metadata(self) -> Mapping[str, Any]:
        """There is none."""
        return {}


READS_DOCUMENT: Final = (ExecuteCells, RunAll, RestartAndRunAll, Ask)
"""The commands whose decision looks at the notebook."""

CHANGES_KERNEL: Final = (StartRuntime, RestartRuntime, StopRuntime, EvictRuntime)
"""The commands whose reply says what became of the kernel."""

ACTS_ON_KERNEL: Final = (*CHANGES_KERNEL, RestartAndRunAll, InterruptRuntime, CancelExecutions)
"""The commands whose effect may leave no event of who sent them."""


@dataclass(frozen=True, slots=True)
class RuntimeAction:
    """What the runtime is to do once the events are in the log."""

    kind: Literal["run", "start", "interrupt", "restart", "stop", "evict", "reply"]
    kernel_name: str | None = None
    execution_id: ExecutionId | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The events that a command leads to at once, and what the runtime does after."""

    payloads: tuple[Payload, ...] = ()
    action: RuntimeAction | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """What a decision is made from."""

    state: RuntimeState
    document: DocumentView
    document_seq: Seq
    actor: ActorId
    new_id: Callable[[], str]


def decide(command: Command, now: Moment) -> Decision:
    """Return what a command leads to; document edits are `intents.apply_intent`'s.

    Raises:
        CellNotFound, ExecutionNotFound: it names something that is not there.
        InvalidCommand: it asks a cell to run that cannot.
        Conflict: the prompt was answered already.
    """
    match command:
        case ExecuteCells():
            return _execute(now, command)
        case Ask():
            return Decision((_ask(now, command.cell_id, "cell_id", cells=command.cells),))
        case RunAll():
            cells = _runnable(now.document)
            return Decision(_request(now, cells, command.stop_on_error), RuntimeAction("run"))
        case RestartAndRunAll():
            requests = _request(now, _runnable(now.document), command.stop_on_error)
            cancelled = _cancel_waiting(now.state, "The kernel was restarted.")
            return Decision((*cancelled, *requests), RuntimeAction("restart"))
        case CancelExecutions():
            return _cancel(now.state, command.execution_ids)
        case ReplyInput():
            return _reply_input(now.state, command)
        case _:
            return _control(command, now.state)


def _control(command: Command, state: RuntimeState) -> Decision:
    match command:
        case StartRuntime():
            return Decision(action=RuntimeAction("start", kernel_name=command.kernel_name))
        case InterruptRuntime():
            return Decision(action=RuntimeAction("interrupt"))
        case RestartRuntime():
            cancelled = _cancel_waiting(state, "The kernel was restarted.")
            return Decision(cancelled, RuntimeAction("restart"))
        case StopRuntime():
            cancelled = _cancel_waiting(state, "The kernel was shut down.")
            return Decision(cancelled, RuntimeAction("stop"))
        case EvictRuntime():
            cancelled = _cancel_waiting(state, "The runtime was evicted.")
            return Decision(cancelled, RuntimeAction("evict"))
        case _:
            return Decision()


def _runnable(document: DocumentView) -> list[CellId]:
    return [
        cell_id
        for cell_id in document.cell_ids
        if document.cell_type(cell_id) == "code" and document.source(cell_id).strip()
    ]


def _request(
    now: Moment, cell_ids: Iterable[CellId], stop_on_error: bool, first: int = 0
) -> tuple[ExecutionRequested, ...]:
    requests = []
    for index, cell_id in enumerate(cell_ids, first):
        if not now.document.has_cell(cell_id):
            raise CellNotFound(f"There is no cell {cell_id}.", cell_ids=[cell_id])
        kind = now.document.cell_type(cell_id)
        if kind != "code":
            raise InvalidCommand(
                f"Cell {cell_id} is a {kind} cell; only code cells run on the kernel.",
                errors=[{"field": f"cell_ids.{index}", "message": "is not a code cell"}],
            )
        requests.append(
            ExecutionRequested(
                execution_id=ExecutionId(now.new_id()),
                cell_id=cell_id,
                source=now.document.source(cell_id),
                document_seq=now.document_seq,
                requested_by=now.actor,
                stop_on_error=stop_on_error and not _may_fail(now.document, cell_id),
            )
        )
    return tuple(requests)


def _execute(now: Moment, command: ExecuteCells) -> Decision:
    """Run the code cells and ask the AI cells; one that is asked waits for those before it."""
    _expect(now.document, command.expected_revisions or {})
    payloads: list[ExecutionRequested | TurnStarted] = []
    asked: set[CellId] = set()
    for index, cell_id in enumerate(command.cell_ids):
        if cell_id in asked:
            continue
        if now.document.has_cell(cell_id) and now.document.cell_type(cell_id) == "ai":
            before = tuple(p.execution_id for p in payloads if isinstance(p, ExecutionRequested))
            payloads.append(_ask(now, cell_id, f"cell_ids.{index}", before))
            asked.add(cell_id)
        else:
            payloads += _request(now, [cell_id], command.stop_on_error, index)
    runs = any(isinstance(payload, ExecutionRequested) for payload in payloads)
    return Decision(tuple(payloads), RuntimeAction("run") if runs else None)


def _expect(document: DocumentView, revisions: Mapping[CellId, str]) -> None:
    for cell_id, revision in revisions.items():
        if document.has_cell(cell_id) and document.revision(cell_id) != revision:
            raise StaleRevision("A cell was edited meanwhile.", cell_ids=[cell_id])


def _ask(
    now: Moment,
    cell_id: CellId,
    field: str,
    after: tuple[ExecutionId, ...] = (),
    cells: tuple[CellId, ...] | None = None,
) -> TurnStarted:
    for named in (cell_id, *(cells or ())):
        if not now.document.has_cell(named):
            raise CellNotFound(f"There is no cell {named}.", cell_ids=[named])
    kind, prompt = now.document.cell_type(cell_id), now.document.source(cell_id)
    if kind != "ai":
        raise InvalidCommand(
            f"Cell {cell_id} is a {kind} cell; only AI cells can be asked.",
            errors=[{"field": field, "message": "is not an AI cell"}],
        )
    if not prompt.strip():
        raise InvalidCommand(
            f"Cell {cell_id} asks nothing.", errors=[{"field": field, "message": "is empty"}]
        )
    if not is_person(now.actor):
        raise InvalidCommand(
            "Only people ask the AI: it does not ask itself.",
            errors=[{"field": field, "message": "is an AI cell"}],
        )
    last = now.state.turns.of_cell(cell_id)
    if last is not None and not last.ended:
        raise Conflict("The cell is being answered: stop that first.", turn_id=last.turn_id)
    return TurnStarted(
        turn_id=TurnId(now.new_id()),
        cell_id=cell_id,
        prompt=prompt,
        model=_model(now.document.metadata(cell_id)) or _model(now.document.notebook_metadata()),
        document_seq=now.document_seq,
        requested_by=now.actor,
        after=after,
        cells=cells,
    )


def _model(metadata: Mapping[str, Any]) -> str | None:
    """Return the model that the metadata of a cell or a notebook names."""
    runt = metadata.get("runt")
    model = runt.get("model") if isinstance(runt, Mapping) else None
    return model if isinstance(model, str) and model else None


def _may_fail(document: DocumentView, cell_id: CellId) -> bool:
    """Tell whether a cell's author expects it to fail: Jupyter's tag for that."""
    tags = document.metadata(cell_id).get("tags")
    return isinstance(tags, list) and "raises-exception" in tags


def _waiting(state: RuntimeState) -> list[ExecutionId]:
    return [
        execution_id
        for execution_id in state.queue
        if state.executions[execution_id].status in ("requested", "assigned")
    ]


def _cancel_waiting(state: RuntimeState, reason: str) -> tuple[ExecutionCancelled, ...]:
    return tuple(
        ExecutionCancelled(execution_id=execution_id, reason=reason)
        for execution_id in _waiting(state)
    )


def _cancel(state: RuntimeState, named: tuple[ExecutionId, ...] | None) -> Decision:
    for execution_id in named or ():
        if execution_id not in state.executions:
            raise ExecutionNotFound(
                f"There is no execution {execution_id}.", execution_ids=[execution_id]
            )
    wanted = set(state.queue if named is None else named)
    waiting = _waiting(state)
    cancelled = tuple(
        ExecutionCancelled(execution_id=execution_id, reason="It was taken from the queue.")
        for execution_id in waiting
        if execution_id in wanted
    )
    runs = wanted.intersection(state.queue).difference(waiting)
    return Decision(cancelled, RuntimeAction("interrupt") if runs else None)


def _reply_input(state: RuntimeState, command: ReplyInput) -> Decision:
    execution = state.executions.get(command.execution_id)
    if execution is None:
        raise ExecutionNotFound(
            f"There is no execution {command.execution_id}.", execution_ids=[command.execution_id]
        )
    if execution.status != "waiting_input":
        raise Conflict("Nobody waits for this answer: it was given already, or the cell ended.")
    reply = InputReplied(execution_id=command.execution_id)
    action = RuntimeAction("reply", execution_id=command.execution_id, value=command.value)
    return Decision((reply,), action)
