"""What happened around outputs and input requests."""

from jupyter_runt.events.base import Payload
from jupyter_runt.ids import CellId, ExecutionId


class OutputsCleared(Payload):
    """Somebody removed the outputs of these cells."""

    event_name = "v1.OutputsCleared"

    cell_ids: tuple[CellId, ...]


class InputRequested(Payload):
    """The kernel waits for a line of text."""

    event_name = "v1.InputRequested"

    execution_id: ExecutionId
    prompt: str
    password: bool


class InputReplied(Payload):
    """Somebody answered. The value is never recorded."""

    event_name = "v1.InputReplied"

    execution_id: ExecutionId
