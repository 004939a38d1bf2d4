"""Drives the executions of one notebook on its kernel."""

from collections.abc import Sequence
from typing import Protocol

from jupyter_runt.events.base import Draft
from jupyter_runt.execution.outputs import OutputEdit
from jupyter_runt.execution.queue import QueueView
from jupyter_runt.ids import CellId, ExecutionId


class RunnerPort(Protocol):
    """What the runner needs from the notebook's session."""

    def queue(self) -> QueueView:
        """Return the queue as of the last event that was recorded."""
        ...

    async def record(self, drafts: Sequence[Draft]) -> None:
        """Append all of `drafts`, and return when they are durable and `queue()` has them.

        A store that cannot write now is waited for here.

        Raises:
            StaleFence: this runtime session owns the notebook no more.
        """
        ...

    async def apply_outputs(self, execution_id: ExecutionId, edits: Sequence[OutputEdit]) -> None:
        """Make the edits in the document, in order, and return when they are durable.

        Edits of a cell that is gone are dropped. One call is one transaction.

        Raises:
            StaleFence: this runtime session owns the notebook no more.
        """
        ...

    async def set_next_input(self, cell_id: CellId, text: str, *, replace: bool) -> None:
        """Put `text` into a new cell after `cell_id`, or into that cell."""
        ...
