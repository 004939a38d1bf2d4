"""What happened to executions of cells."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from jupyter_runt.events.base import Payload
from jupyter_runt.ids import ActorId, CellId, ExecutionId, RuntimeSessionId, Seq

TerminalStatus = Literal["ok", "error", "cancelled", "lost"]


class ExecutionError(BaseModel):
    """Why an execution did not end well, as Jupyter's `error` message says it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ename: str
    evalue: str
    traceback: tuple[str, ...] = ()


class ExecutionRequested(Payload):
    """Somebody asked for a cell to run, exactly as it stood at `document_seq`."""

    event_name = "v1.ExecutionRequested"

    execution_id: ExecutionId
    cell_id: CellId
    source: str
    document_seq: Seq
    requested_by: ActorId
    stop_on_error: bool = True


class ExecutionAssigned(Payload):
    """The runtime session that owns the notebook under `fence` took the execution."""

    event_name = "v1.ExecutionAssigned"

    execution_id: ExecutionId
    runtime_session_id: RuntimeSessionId
    fence: int


class ExecutionStarted(Payload):
    """The source was handed to the kernel."""

    event_name = "v1.ExecutionStarted"

    execution_id: ExecutionId


class ExecutionCompleted(Payload):
    """It ended, and its last output is in the document (EX4)."""

    event_name = "v1.ExecutionCompleted"

    execution_id: ExecutionId
    status: TerminalStatus
    execution_count: int | None = None
    error: ExecutionError | None = None


class ExecutionCancelled(Payload):
    """It was taken from the queue before it started."""

    event_name = "v1.ExecutionCancelled"

    execution_id: ExecutionId
    reason: str
