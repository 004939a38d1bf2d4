"""Drives the executions of one notebook on its kernel, one at a time."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from jupyter_runt.errors import StaleFence
from jupyter_runt.events.base import Draft
from jupyter_runt.events.execution import ExecutionError, TerminalStatus
from jupyter_runt.events.outputs import InputRequested
from jupyter_runt.execution import queue
from jupyter_runt.execution.outputs import FinishCell, OutputEdit, OutputReducer, StartCell
from jupyter_runt.execution.queue import ExecutionView, Outcome, QueueView, RuntimeSession
from jupyter_runt.ids import CellId, ExecutionId, runtime_actor
from jupyter_runt.protocols import KernelConnection, KernelMessage

FLUSH_SECONDS: Final = 0.075
"""How long outputs are collected after some were shown (EX8)."""

FLUSH_CHARS: Final = 65_536
"""How much text is collected at most."""

FIRST_SECONDS: Final = 0.002
"""How long the first output waits for what most often follows at once: the end of the cell."""

SILENCE_SECONDS: Final = 5.0
"""A kernel that replied and then said nothing for so long is done: iopub may drop its `idle`."""

_log = logging.getLogger(__name__)

Decide = Callable[[QueueView], Sequence[Draft]]


class RunnerPort(Protocol):
    """What the runner needs from the notebook's session."""

    async def record(self, decide: Decide) -> None:
        """Append the events that `decide` returns for the queue as it is; nothing comes between.

        Returns when they are durable and part of the queue. A store that cannot write now is
        waited for here; `decide` is called again for each try, and no events may come of it.

        Raises:
            StaleFence: this runtime session owns the notebook no more.
        """
        ...

    async def apply_outputs(self, execution_id: ExecutionId, edits: Sequence[OutputEdit]) -> None:
        """Make the edits in the document, in order, in one transaction; return once durable.

        An edit that does not fit any more, because the cell or its outputs went away meanwhile, is
        dropped; `Runner.outputs_cleared` tells the runner so.

        Args:
            execution_id: what said it: outputs are trusted as far as who asked for that (EX9).

        Raises:
            StaleFence: this runtime session owns the notebook no more.
        """
        ...

    async def set_next_input(self, cell_id: CellId, text: str, *, replace: bool) -> None:
        """Put `text` into a new cell after `cell_id`, or into that cell."""
        ...


@dataclass(slots=True)
class _Running:
    execution_id: ExecutionId
    cell_id: CellId
    heard_at: float
    """When the kernel last said something about it (loop time)."""

    execution_count: int | None = None
    reply: dict[str, Any] | None = None
    idle: bool = False


class Runner:
    """Takes executions from the queue, hands them to the kernel and writes down what it says.

    `run` is the only place where anything happens; every other method leaves a note for it.
    """

    def __init__(self, port: RunnerPort) -> None:
        self._port = port
        self._notes: deque[Callable[[], Awaitable[None]]] = deque()
        self._noted = asyncio.Event()
        self._runtime: RuntimeSession | None = None
        self._connection: KernelConnection | None = None
        self._running: _Running | None = None
        self._reducer = OutputReducer()
        self._dirty_since: float | None = None
        self._flushed_at = float("-inf")

    def attach(self, runtime: RuntimeSession, connection: KernelConnection) -> None:
        """Run what waits on a kernel that is ready; an earlier one was detached."""

        async def attach() -> None:
            self._runtime = runtime
            self._connection = connection
            self._reducer = OutputReducer()
            self._dirty_since = None
            await self._advance()

        connection.listen(lambda messages: self._note(lambda: self._take_in(runtime, messages)))
        self._note(attach)

    async def detach(
        self, reason: str, status: Literal["lost", "cancelled"], *, keep_waiting: bool = False
    ) -> None:
        """End what runs as `status`, cancel what waits, and return when that is recorded.

        What the kernel had said until now comes first. Nothing happens without a kernel.

        Args:
            reason: a sentence for people; shown in the cell if its execution is lost.
            keep_waiting: leave what waits for the next kernel.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def detach() -> None:
            try:
                await self._end(reason, status, keep_waiting=keep_waiting)
            finally:
                if not done.done():
                    done.set_result(None)

        self._note(detach)
        await done

    def wake(self) -> None:
        """Look at the queue: it changed."""
        self._note(self._advance)

    def reply_input(self, execution_id: ExecutionId, value: str) -> None:
        """Answer the prompt of an execution; nothing happens if it does not run any more."""
        if self._running is not None and self._running.execution_id == execution_id:
            assert self._connection is not None
            self._connection.reply_input(value)

    def outputs_cleared(self, cell_ids: Iterable[CellId] | None) -> None:
        """Note that somebody else removed the outputs of cells (all, if None)."""
        self._reducer.cleared(cell_ids)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                async with asyncio.timeout_at(self._due_at()):
                    await self._noted.wait()
            except TimeoutError:
                pass
            self._noted.clear()
            try:
                await self._work()
            except StaleFence:
                _log.warning("This server's runtime owns the notebook no more; it stops here.")
                self._forget()

    def _note(self, note: Callable[[], Awaitable[None]]) -> None:
        self._notes.append(note)
        self._noted.set()

    async def _work(self) -> None:
        while self._notes:
            await self._notes.popleft()()
            if self._flush_due():
                await self._flush()
            if self._notes:
                await asyncio.sleep(0)  # a flood must not hold the loop
        if self._flush_due():
            await self._flush()
        running = self._running
        if running is not None and running.reply is not None and self._now() >= _silent_at(running):
            await self._complete(running, running.reply)

    async def _take_in(self, runtime: RuntimeSession, messages: Sequence[KernelMessage]) -> None:
        if runtime is not self._runtime:
            return
        for message in messages:
            running = self._running
            if running is not None and message.parent_id == running.execution_id:
                await self._hear(running, message)
            elif message.channel == "iopub":
                self._feed(message)

    async def _hear(self, running: _Running, message: KernelMessage) -> None:
        running.heard_at = self._now()
        content = message.content
        match message.msg_type:
            case "status":
                running.idle = content.get("execution_state") == "idle"
            case "execute_input":
                running.execution_count = content.get("execution_count")
            case "execute_reply":
                running.reply = content
                for payload in content.get("payload") or ():
                    await self._take_payload(running, payload)
            case "input_request":
                await self._ask(running, content)
            case _:
                self._feed(message)
        if running.idle and running.reply is not None:
            await self._complete(running, running.reply)

    def _feed(self, message: KernelMessage) -> None:
        parent = message.parent_id
        if self._reducer.feed(None if parent is None else ExecutionId(parent), message):
            self._dirty_since = self._dirty_since or self._now()

    async def _take_payload(self, running: _Running, payload: dict[str, Any]) -> None:
        match payload.get("source"):
            case "set_next_input":
                text, replace = str(payload.get("text", "")), bool(payload.get("replace"))
                await self._port.set_next_input(running.cell_id, text, replace=replace)
            case "page":
                shown = {"data": payload.get("data"), "metadata": {}}
                self._feed(_said(running.execution_id, "display_data", shown))
            case _:
                pass

    async def _ask(self, running: _Running, content: dict[str, Any]) -> None:
        await self._flush()  # what was printed before the prompt explains it
        asked = InputRequested(
            execution_id=running.execution_id,
            prompt=str(content.get("prompt", "")),
            password=bool(content.get("password")),
        )
        await self._port.record(
            lambda view: [self._draft(asked)] if running.execution_id in view.queue else []
        )

    async def _complete(self, running: _Running, reply: dict[str, Any]) -> None:
        outcome = _outcome(reply, running.execution_count)
        await self._flush(FinishCell(running.cell_id, outcome.execution_count))
        self._running = None
        await self._advance(running.execution_id, outcome)

    async def _advance(
        self, execution_id: ExecutionId | None = None, outcome: Outcome | None = None
    ) -> None:
        """Record how an execution ended, if one did, and start the next one in the same step."""
        runtime = self._runtime
        if runtime is None or self._running is not None:
            return
        started: tuple[ExecutionId, ExecutionView] | None = None

        def decide(view: QueueView) -> list[Draft]:
            nonlocal started
            drafts: list[Draft] = []
            if execution_id is not None and outcome is not None:
                drafts = queue.completed(view, runtime, execution_id, outcome)
            started = None
            if upcoming := queue.next_assignment(view, runtime, ended=queue.ended_by(drafts)):
                head, assignment = upcoming
                started = (head, view.executions[head])
                drafts += assignment
            return drafts

        await self._port.record(decide)
        if started is not None:
            await self._start(*started)

    async def _start(self, execution_id: ExecutionId, execution: ExecutionView) -> None:
        assert self._connection is not None
        cell_id = execution.cell_id
        self._running = _Running(execution_id, cell_id, self._now())
        self._reducer.begin(execution_id, cell_id)
        self._connection.execute(execution_id, execution.source, metadata={"cellId": cell_id})
        self._flushed_at = float("-inf")
        await self._port.apply_outputs(execution_id, [StartCell(cell_id)])

    async def _end(
        self, reason: str, status: Literal["lost", "cancelled"], *, keep_waiting: bool
    ) -> None:
        runtime, running = self._runtime, self._running
        if runtime is None:
            return
        if running is not None:
            if status == "lost":
                error = {"ename": queue.KERNEL_LOST, "evalue": reason, "traceback": [reason]}
                self._feed(_said(running.execution_id, "error", error))
            await self._flush(FinishCell(running.cell_id, running.execution_count))
        await self._port.record(
            lambda view: queue.runtime_gone(
                view, runtime, reason, status, keep_waiting=keep_waiting
            )
        )
        self._forget()

    def _forget(self) -> None:
        self._runtime = None
        self._connection = None
        self._running = None
        self._reducer = OutputReducer()
        self._dirty_since = None

    async def _flush(self, finish: FinishCell | None = None) -> None:
        self._dirty_since = None
        groups = dict(self._reducer.take())
        if finish is not None and self._running is not None:
            groups.setdefault(self._running.execution_id, []).append(finish)
        for execution_id, edits in groups.items():
            await self._port.apply_outputs(execution_id, edits)
        self._flushed_at = self._now()

    def _flush_at(self) -> float | None:
        if self._dirty_since is None:
            return None
        if self._reducer.pending >= FLUSH_CHARS:
            return self._dirty_since
        return max(self._dirty_since + FIRST_SECONDS, self._flushed_at + FLUSH_SECONDS)

    def _flush_due(self) -> bool:
        at = self._flush_at()
        return at is not None and self._now() >= at

    def _due_at(self) -> float | None:
        times = [self._flush_at()]
        if self._running is not None and self._running.reply is not None:
            times.append(_silent_at(self._running))
        return min((at for at in times if at is not None), default=None)

    def _draft(self, payload: InputRequested) -> Draft:
        assert self._runtime is not None
        actor = runtime_actor(self._runtime.runtime_session_id)
        return Draft(payload=payload, actor=actor, caused_by=f"execution:{payload.execution_id}")

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _silent_at(running: _Running) -> float:
    return running.heard_at + SILENCE_SECONDS


def _said(execution_id: ExecutionId, msg_type: str, content: dict[str, Any]) -> KernelMessage:
    return KernelMessage("iopub", msg_type, execution_id, content, {})


_STATUS: Final[dict[str, TerminalStatus]] = {"ok": "ok", "aborted": "cancelled"}


def _outcome(reply: dict[str, Any], execution_count: int | None) -> Outcome:
    status = _STATUS.get(str(reply.get("status")), "error")
    count = reply.get("execution_count")
    error = None
    if status == "error":
        error = ExecutionError(
            ename=str(reply.get("ename", "")),
            evalue=str(reply.get("evalue", "")),
            traceback=tuple(map(str, reply.get("traceback") or ())),
        )
    return Outcome(status, count if isinstance(count, int) else execution_count, error)
