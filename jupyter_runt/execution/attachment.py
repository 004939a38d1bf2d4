"""A kernel that the runner works with: what it runs, what it said, and when to show that."""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from jupyter_runt.execution.outputs import OutputEdit, OutputReducer
from jupyter_runt.execution.queue import ExecutionView, RuntimeSession
from jupyter_runt.execution.said import said
from jupyter_runt.ids import CellId, ExecutionId
from jupyter_runt.protocols import KernelConnection, KernelMessage

FLUSH_SECONDS: Final = 0.075
"""How long outputs are collected after some were shown (EX8)."""

FLUSH_CHARS: Final = 65_536
"""How much text is collected at most."""

START_SECONDS: Final = 0.02
"""How long a cell may run before that is shown: what ends sooner is one change of the document."""

CHATTER: Final = 500
"""So many messages while nothing runs, of widgets say, may stay in the kernel's journal."""

SILENCE_SECONDS: Final = 5.0
"""A kernel that replied and then said nothing for so long is done: iopub may drop its `idle`."""

MISSING_TEXT: Final = "\n[Output may be missing here: the kernel did not say that it was done.]\n"
"""What comes last is dropped first: an `idle` that is missing took outputs with it."""


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
    shown: bool = False
    """Whether the document has its end."""

    def replied(self, reply: dict[str, Any]) -> None:
        """Take in the kernel's `execute_reply`; not all kernels repeat the count in it."""
        self.reply = reply
        count = reply.get("execution_count")
        self.execution_count = count if isinstance(count, int) else self.execution_count


@dataclass(slots=True)
class Written:
    """What the log has of an execution that another server began. Places are in the journal."""

    shown: bool = False
    """That the cell runs."""
    upto: int = 0
    """The outputs up to here."""
    prompts: int = 0
    """So many prompts."""
    cleared: deque[int] = field(default_factory=deque)
    """Behind which places somebody removed the outputs."""


@dataclass(slots=True)
class Attachment:
    """A kernel that is ready, and what it does."""

    runtime: RuntimeSession
    connection: KernelConnection
    reducer: OutputReducer
    running: Running | None = None
    dirty_since: float | None = None
    begun_at: float | None = None
    flushed_at: float = float("-inf")
    position: int = 0
    """The last place in the kernel's journal of what was heard."""
    written: Written = field(default_factory=Written)
    """Of what runs; of what comes again after another server, only the rest is new."""
    retired: int = 0
    """Up to where the journal was let go of."""
    says_idle: bool = False
    """Whether it ever did: some kernels forget it always."""
    asked: bool = False
    """Whether the journal has the request of an execution that another server began."""

    def begin(self, execution_id: ExecutionId, cell_id: CellId) -> None:
        """Let an execution run."""
        self.running = Running(execution_id, cell_id, now())
        self.reducer.begin(execution_id, cell_id)
        self.begun_at = now()
        self.flushed_at = float("-inf")
        self.written = Written()

    def start(self, execution_id: ExecutionId, execution: ExecutionView) -> None:
        """Let an execution run, and have the kernel begin with it."""
        self.begin(execution_id, execution.cell_id)
        self.send(execution_id, execution)

    def send(self, execution_id: ExecutionId, execution: ExecutionView) -> None:
        """Ask the kernel to run what an execution says."""
        self.connection.execute(
            execution_id, execution.source, metadata={"cellId": execution.cell_id}
        )

    def begin_again(self, execution_id: ExecutionId, cell_id: CellId, written: Written) -> None:
        """Follow an execution that another server began, from its beginning."""
        self.begin(execution_id, cell_id)
        self.written = written
        if written.shown:
            self.take()

    def reach(self, position: int) -> None:
        """Note how far in the journal we are."""
        self.position = position
        cleared = self.written.cleared
        while self.running is not None and cleared and cleared[0] < position:
            cleared.popleft()
            self.reducer.cleared([self.running.cell_id])

    def finished(self, running: Running) -> None:
        """Note that an execution says nothing more; it does not count as ended yet."""
        if running.idle:
            self.says_idle = True
        elif self.says_idle:
            text = {"name": "stderr", "text": MISSING_TEXT}
            self.feed(said(running.execution_id, "stream", text))
        self.reducer.finished(running.execution_id)
        self._remember()

    def cleared(self, cell_ids: Iterable[CellId] | None) -> None:
        """Note that somebody removed the outputs of cells (all, if None)."""
        self.reducer.cleared(cell_ids)
        self._remember()

    def _remember(self) -> None:
        """Have the kernel's agent know where displays are, for a server that comes after us."""
        if (displays := self.reducer.take_displays()) is not None:
            self.connection.note({"displays": displays})

    def retire(self) -> None:
        """Let the kernel's agent forget what was heard: nothing that runs needs it."""
        if self.position > self.retired:
            self.retired = self.position
            self.connection.retire(self.position)

    def rehearses(self, message: KernelMessage) -> bool:
        """Tell whether the document has a message already."""
        return 0 < message.position <= self.written.upto

    def take(self) -> list[tuple[ExecutionId, list[OutputEdit]]]:
        """Return the edits that show all that was collected."""
        self.begun_at = self.dirty_since = None
        return self.reducer.take()

    @property
    def done(self) -> Running | None:
        """What the kernel has replied to, while it gets idle and the document lacks that."""
        running = self.running
        if running is None or running.reply is None or running.shown:
            return None
        return None if running.execution_count is None else running

    async def spill(self) -> None:
        """Put into files what is in memory of long texts, where it is much."""
        while self.reducer.full:
            await asyncio.to_thread(self.reducer.full.pop().flush)

    def flush_at(self) -> float | None:
        """Return when what was collected is to be shown, if there is anything."""
        if self.dirty_since is None:
            return None if self.begun_at is None else self.begun_at + START_SECONDS
        if self.reducer.pending >= FLUSH_CHARS:
            return self.dirty_since
        return max(self.dirty_since, self.flushed_at + FLUSH_SECONDS)

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
        if self.rehearses(message):
            self.reducer.feed(None if parent is None else ExecutionId(parent), message)
            self.reducer.take()
        elif self.reducer.feed(None if parent is None else ExecutionId(parent), message):
            self.dirty_since = self.dirty_since or now()


def now() -> float:
    """Return the event loop's time."""
    return asyncio.get_running_loop().time()
