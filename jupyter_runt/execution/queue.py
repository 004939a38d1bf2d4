"""The queue of a notebook's executions: which event comes next."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from jupyter_runt.ids import CellId, ExecutionId


class ExecutionView(Protocol):
    """An execution, as the log has it."""

    @property
    def cell_id(self) -> CellId: ...
    @property
    def source(self) -> str: ...
    @property
    def status(self) -> str:
        """`requested`, `assigned`, `running`, `waiting_input`, or how it ended."""
        ...

    @property
    def stop_on_error(self) -> bool: ...


class QueueView(Protocol):
    """The executions that have not ended, in the order in which they were asked for."""

    @property
    def queue(self) -> Sequence[ExecutionId]: ...
    @property
    def executions(self) -> Mapping[ExecutionId, ExecutionView]: ...
