"""An execution as clients ask for it, long after it ended too: everything is in the log."""

from typing import Any, Protocol

from jupyter_runt.document.materialize import Execution, RuntimeState, apply
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.errors import ExecutionNotFound, StoreUnavailable
from jupyter_runt.events.base import Event
from jupyter_runt.events.execution import (
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionRequested,
)
from jupyter_runt.ids import ExecutionId, NotebookId, Seq
from jupyter_runt.protocols import EventLog
from jupyter_runt.session.history import notebook_at, pages
from jupyter_runt.session.open_document import OpenDocument
from jupyter_runt.session.writer import Writer

_OUTER = frozenset({ExecutionRequested.event_name, ExecutionCancelled.event_name})
_BOTH = 2
"""The request, and the end: nothing comes after them."""


class ExecutedNotebook(Protocol):
    """The notebook, as a description of its executions needs it."""

    notebook_id: NotebookId
    writer: Writer

    async def document(self) -> OpenDocument[NotebookDoc]:
        """Return the open document."""
        ...


async def describe_execution(
    notebook: ExecutedNotebook, log: EventLog, execution_id: ExecutionId
) -> dict[str, Any]:
    """Return CONTRACT's description; its outputs are those at its end, or of now if it goes on.

    Raises:
        ExecutionNotFound: the log has none of that id.
    """
    ending = await log.caused_by(notebook.notebook_id, f"execution:{execution_id}")
    execution = notebook.writer.state.executions.get(execution_id)
    if execution is None:
        execution = await _from_log(notebook.notebook_id, log, execution_id, ending)
    ended_at = next((e.seq for e in ending if isinstance(e.payload, ExecutionCompleted)), None)
    return {
        "execution_id": execution_id,
        "cell_id": execution.cell_id,
        "status": execution.status,
        "execution_count": execution.execution_count,
        "outputs": await _outputs(notebook, log, execution, ended_at),
        "error": execution.error.model_dump(mode="json") if execution.error else None,
        "reason": execution.reason,
        "requested_by": execution.requested_by,
        "requested_at": execution.requested_at,
        "started_at": execution.started_at,
        "completed_at": execution.completed_at,
    }


async def _from_log(
    notebook_id: NotebookId, log: EventLog, execution_id: ExecutionId, rest: list[Event]
) -> Execution:
    after = Seq(await log.first_seq(notebook_id) - 1)  # what was folded is not found
    told = {event.seq: event for event in rest}
    ends = sum(isinstance(event.payload, ExecutionCompleted) for event in rest)
    found = 0
    # It may have been cancelled by a command, which is what that event is caused by then.
    async for events in pages(log, notebook_id, after, _OUTER):
        mine = [each for each in events if _is_about(each, execution_id)]
        told.update((event.seq, event) for event in mine)
        found += len(mine)
        if found + ends >= _BOTH:
            break
    if not found:
        raise ExecutionNotFound(
            f"There is no execution {execution_id}.", execution_ids=[execution_id]
        )
    state = RuntimeState()
    for seq in sorted(told):
        state = apply(state, told[seq])
    return state.executions[execution_id]


def _is_about(event: Event, execution_id: ExecutionId) -> bool:
    payload = event.payload
    if not isinstance(payload, ExecutionRequested | ExecutionCancelled):
        return False
    return payload.execution_id == execution_id


async def _outputs(
    notebook: ExecutedNotebook, log: EventLog, execution: Execution, ended_at: Seq | None
) -> list[Any]:
    if execution.started_at is None:
        return []
    document = await notebook.document()
    if ended_at is None or document.committed_seq() < ended_at:
        try:
            return await document.room.read(lambda doc: _outputs_of(doc, execution), patient=False)
        except StoreUnavailable:  # as far as they are in the log
            ended_at = await log.head(notebook.notebook_id)
    then = await notebook_at(log, notebook.notebook_id, ended_at, always_ids=True)
    for cell in then["cells"]:
        if cell["id"] == execution.cell_id:
            return list(cell.get("outputs", []))
    return []


def _outputs_of(doc: NotebookDoc, execution: Execution) -> list[Any]:
    if not doc.has_cell(execution.cell_id):
        return []
    return list(doc.cell(execution.cell_id).get("outputs", []))
