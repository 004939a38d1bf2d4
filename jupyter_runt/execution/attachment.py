"""A kernel that the runner works with: what it runs, what it said, and when to show that."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

from jupyter_runt.execution.outputs import OutputEdit, OutputReducer
from jupyter_runt.execution.queue import RuntimeSession
from jupyter_runt.ids import CellId, ExecutionId
from jupyter_runt.protocols import KernelConnection, KernelMessage

FLUSH_SECONDS: Final = 0.075
"""How long outputs are collected after some were shown (EX8)."""

FLUSH_CHARS: Final = 65_536
"""How much text is collected at most."""

FIRST_SECONDS: Final = 0.002
"""How long the first output waits for what most often follows at once: the end of the cell."""

START_SECONDS: Final = 0.02
"""How long a cell may run before that is shown: what ends sooner is one change of the document."""

SILENCE_SECONDS: Final = 5.0
"""A kernel that replied and then said nothing for so long is done: iopub may drop its `idle`."""


@dataclass(slots=True)
class Running:
    """An execution that the kernel works on."""

    execution_id: ExecutionId
    cell_id: CellId
    heard_at: float
    """When the kernel last said something about it (loop time)."""

    execution_count: int | None = None
    reply: dict[str, Any] | None = None
    idle: bool = False


@dataclass(slots=True)
class Attachment:
    """A kernel that is ready, and what it does."""

    runtime: RuntimeSession
    connection: KernelConnection
    reducer: OutputReducer = field(default_factory=OutputReducer)
    running: Running | None = None
    dirty_since: float | None = None
    begun_at: float | None = None
    flushed_at: float = float("-inf")

    def begin(self, execution_id: ExecutionId, cell_id: CellId) -> None:
        """Let an execution run."""
        self.running = Running(execution_id, cell_id, now())
        self.reducer.begin(execution_id, cell_id)
        self.begun_at = now()
        self.flushed_at = float("-inf")

    def take(self) -> list[tuple[ExecutionId, list[OutputEdit]]]:
        """Return the edits that show all that was collected."""
        self.begun_at = self.dirty_since = None
        return self.reducer.take()

    def flush_at(self) -> float | None:
        """Return when what was collected is to be shown, if there is anything."""
        if self.dirty_since is None:
            return None if self.begun_at is None else self.begun_at + START_SECONDS
        if self.reducer.pending >= FLUSH_CHARS:
            return self.dirty_since
        return max(self.dirty_since + FIRST_SECONDS, self.flushed_at + FLUSH_SECONDS)

    def silent_at(self) -> float | None:
        """Return when a kernel that replied counts as done."""
        if self.running is None or self.running.reply is None:
            return None
        return self.running.heard_at + SILENCE_SECONDS

    def due_at(self) -> float | None:
        """Return when something is to be done even if nobody says anything."""
        times = (self.flush_at(), self.silent_at())
        return min((at for at in times if at is not None), default=None)

    def feed(self, message: KernelMessage) -> None:
        """Collect an output."""
        parent = message.parent_id
        if self.reducer.feed(None if parent is None else ExecutionId(parent), message):
            self.dirty_since = self.dirty_since or now()


def now() -> float:
    """Return the event loop's time."""
    return asyncio.get_running_loop().time()
