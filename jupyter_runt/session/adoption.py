"""Going on where a server that died left off: what the log has of what its kernel was doing."""

from collections.abc import Iterable
from typing import Final

from jupyter_runt.document.materialize import RuntimeState
from jupyter_runt.errors import RuntimeLost
from jupyter_runt.events.base import Event
from jupyter_runt.events.document import DocumentUpdated, OutputsChanged
from jupyter_runt.events.execution import ExecutionStarted
from jupyter_runt.events.outputs import InputRequested
from jupyter_runt.execution.attachment import Written
from jupyter_runt.execution.queue import ExecutionView, running
from jupyter_runt.ids import CellId, ExecutionId, NotebookId, is_runtime
from jupyter_runt.protocols import EventLog
from jupyter_runt.session.history import pages

Begun = tuple[ExecutionId, ExecutionView, Written]

_NAMES: Final = frozenset({DocumentUpdated.event_name, InputRequested.event_name})


async def begun(log: EventLog, notebook_id: NotebookId, state: RuntimeState) -> Begun | None:
    """Return the execution that runs, and how far it is in the log; None if none runs.

    Raises:
        RuntimeLost: its beginning was folded into a snapshot, and with it how far it is.
    """
    execution_id = running(state)
    if execution_id is None:
        return None
    execution = state.executions[execution_id]
    cause = f"execution:{execution_id}"
    steps = await log.caused_by(notebook_id, cause)
    start = next((each.seq for each in steps if isinstance(each.payload, ExecutionStarted)), None)
    if start is None:
        raise RuntimeLost("The beginning of this run is not in the log any more.")
    events: list[Event] = []
    async for page in pages(log, notebook_id, start, _NAMES):
        events += page
    return execution_id, execution, written(events, cause, execution.cell_id)


def written(events: Iterable[Event], cause: str, cell_id: CellId) -> Written:
    """Return how far an execution is, from the events since its start."""
    found = Written()
    for event in events:
        match event.payload:
            case InputRequested() if event.caused_by == cause:
                found.prompts += 1
            case DocumentUpdated(journal_seq=position) if event.caused_by == cause:
                found.shown = True
                found.upto = max(found.upto, position or 0)
            case DocumentUpdated(changes=changes) if not is_runtime(event.actor):
                cells = {each.cell_id for each in changes if isinstance(each, OutputsChanged)}
                if cell_id in cells:
                    found.cleared.append(found.upto)
            case _:
                pass
    return found
