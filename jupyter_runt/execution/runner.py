"""Drives the executions of one notebook on its kernel, one at a time."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Literal, Protocol

from jupyter_runt.document.references import Limits
from jupyter_runt.errors import RuntError, RuntimeLost, StaleFence
from jupyter_runt.events.base import Draft
from jupyter_runt.events.outputs import InputRequested
from jupyter_runt.execution import queue
from jupyter_runt.execution.attachment import CHATTER, Attachment, Running, Written, now
from jupyter_runt.execution.links import REPLAYED
from jupyter_runt.execution.outputs import FinishCell, OutputEdit, OutputReducer
from jupyter_runt.execution.queue import ExecutionView, Outcome, QueueView, RuntimeSession
from jupyter_runt.execution.said import said
from jupyter_runt.ids import CellId, ExecutionId, runtime_actor
from jupyter_runt.protocols import KernelConnection, KernelMessage

log = logging.getLogger(__name__)

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

    async def apply_outputs(
        self, execution_id: ExecutionId, edits: Sequence[OutputEdit], position: int | None = None
    ) -> None:
        """Make the edits in the document, in order, in one transaction; return once durable.

        An edit that does not fit any more, because the cell or its outputs went away meanwhile, is
        dropped; `Runner.outputs_cleared` tells the runner so. A store that cannot write now is
        waited for here, too.

        Args:
            execution_id: what said it: outputs are trusted as far as who asked for that (EX9).
            position: up to where in the kernel's journal the document is, with these edits.

        Raises:
            StaleFence: this runtime session owns the notebook no more.
            RuntError: there is no document to edit; the execution goes on without it.
        """
        ...

    async def set_next_input(
        self, running: Running, text: str, *, replace: bool, position: int | None = None
    ) -> None:
        """Put `text` into a new cell after that of an execution, or into that cell.

        Raises:
            RuntError: there is no document to edit; the execution goes on without it.
        """
        ...


class Runner:
    """Takes executions from the queue, hands them to the kernel and writes down what it says.

    `run` is the only place where anything happens; every other method leaves a note for it.
    """

    def __init__(self, port: RunnerPort, limits: Limits | None = None) -> None:
        """Show no more in the document than `limits` say."""
        self._port = port
        self._limits = limits or Limits()
        self._notes: deque[Callable[[], Awaitable[None]]] = deque()
        self._noted = asyncio.Event()
        self._working = False
        self._kernel: Attachment | None = None
        self._over = False  # by a fault of ours, perhaps: nobody must wait for `run` then
        self._leaving: set[asyncio.Future[None]] = set()

    def attach(self, runtime: RuntimeSession, connection: KernelConnection) -> None:
        """Run what waits on a kernel that is ready; an earlier one was detached."""
        kernel = Attachment(runtime, connection, OutputReducer(self._limits))

        async def attach() -> None:
            self._kernel = kernel
            await self._advance(kernel)

        connection.listen(lambda messages: self._note(lambda: self._take_in(kernel, messages)))
        self._note(attach)

    def resume(
        self,
        runtime: RuntimeSession,
        connection: KernelConnection,
        began: tuple[ExecutionId, ExecutionView, Written] | None,
    ) -> None:
        """Go on with a kernel that outlived the server which ran it, and with what it ran."""
        kernel = Attachment(runtime, connection, OutputReducer(self._limits))
        kernel.reducer.displayed(connection.left.get("displays"))
        if began is not None:
            execution_id, execution, written = began
            kernel.begin_again(execution_id, execution.cell_id, written)

        async def replayed() -> None:
            if began is None:
                await self._advance(kernel)
            elif kernel.running and not kernel.asked:  # that server died before it had sent it
                kernel.send(*began[:2])

        def listen(messages: Sequence[KernelMessage]) -> None:
            self._note(lambda: self._take_in(kernel, messages))
            if any(message.msg_type == REPLAYED for message in messages):
                self._note(replayed)

        self._kernel = kernel
        connection.listen(listen)
        connection.resume()

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
                if self._kernel is not None:
                    await self._end(self._kernel, reason, status, keep_waiting=keep_waiting)
            finally:
                self._leaving.discard(done)
                if not done.done():
                    done.set_result(None)

        if self._over:
            await detach()
            return
        self._leaving.add(done)
        self._note(detach)
        await done

    def wake(self) -> None:
        """Look at the queue: it changed."""

        async def wake() -> None:
            if self._kernel is not None and self._kernel.running is None:
                await self._advance(self._kernel)

        self._note(wake)

    @property
    def free(self) -> RuntimeSession | None:
        """The runtime session whose kernel has nothing to do, and will not go away unasked."""
        kernel = self._kernel
        if kernel is None or kernel.running or self._working or self._notes:
            return None
        return kernel.runtime

    def take(self, runtime: RuntimeSession, execution_id: ExecutionId, view: QueueView) -> None:
        """Run what was recorded as started on a kernel that was free.

        If the kernel went away meanwhile, it was ended with it.
        """
        execution = view.executions[execution_id]

        async def take() -> None:
            if self._kernel is not None and self._kernel.runtime is runtime:
                self._kernel.start(execution_id, execution)

        if self._kernel is not None and self.free is runtime:
            self._kernel.start(execution_id, execution)  # the kernel waits for nothing else
            self._noted.set()
        else:
            self._note(take)

    def reply_input(self, execution_id: ExecutionId, value: str) -> None:
        """Answer the prompt of an execution; nothing happens if it does not run any more."""
        kernel = self._kernel
        if kernel and kernel.running and kernel.running.execution_id == execution_id:
            kernel.connection.reply_input(value)

    def outputs_cleared(self, cell_ids: Iterable[CellId] | None) -> None:
        """Note that somebody else removed the outputs of cells (all, if None)."""
        if self._kernel is not None:
            self._kernel.cleared(cell_ids)

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            while True:
                await self._turn()
        finally:
            self._over = True
            for each in self._leaving:
                if not each.done():
                    each.set_result(None)

    async def _turn(self) -> None:
        due_at = self._kernel.due_at() if self._kernel else None
        try:
            async with asyncio.timeout_at(due_at):
                await self._noted.wait()
        except TimeoutError:
            pass
        self._noted.clear()
        self._working = True
        try:
            await self._work()
        except (StaleFence, RuntimeLost) as error:
            log.warning("The runtime owns the notebook no more: %s", error.message)
            self._kernel = None
        finally:
            self._working = False

    def _note(self, note: Callable[[], Awaitable[None]]) -> None:
        self._notes.append(note)
        self._noted.set()

    async def _work(self) -> None:
        while self._notes:
            await self._notes.popleft()()
            await self._keep_time()
            if self._notes:
                await asyncio.sleep(0)  # a flood must not hold the loop
        await self._keep_time()

    async def _keep_time(self) -> None:
        kernel = self._kernel
        if kernel is None:
            return
        if (at := kernel.flush_at()) is not None and now() >= at:
            await self._flush(kernel)
        if (at := kernel.silent_at()) is not None and now() >= at:
            await self._complete(kernel)

    async def _take_in(self, kernel: Attachment, messages: Sequence[KernelMessage]) -> None:
        for message in messages:
            if kernel is not self._kernel:
                return
            kernel.reach(message.position)
            running = kernel.running
            if running is not None and message.parent_id == running.execution_id:
                await self._hear(kernel, running, message)
                if running.idle and running.reply is not None:
                    await self._complete(kernel)
            elif message.channel == "iopub":
                kernel.feed(message)
        if kernel is self._kernel and (done := kernel.done):
            await self._flush(kernel, done)
        await kernel.spill()
        if kernel.running is None and kernel.position > kernel.retired + CHATTER:
            kernel.retire()

    async def _hear(self, kernel: Attachment, running: Running, message: KernelMessage) -> None:
        running.heard_at = now()
        content = message.content
        match message.msg_type:
            case "status":
                running.idle = content.get("execution_state") == "idle"
            case "execute_input":
                running.execution_count = content.get("execution_count")
            case "execute_reply":
                running.replied(content)
                for payload in () if kernel.rehearses(message) else content.get("payload") or ():
                    await self._take_payload(kernel, running, payload)
            case "execute_request":
                kernel.asked = True
            case "input_request" if kernel.written.prompts:
                kernel.written.prompts -= 1
            case "input_request":
                await self._ask(kernel, running, content)
            case _:
                kernel.feed(message)

    async def _take_payload(
        self, kernel: Attachment, running: Running, payload: dict[str, Any]
    ) -> None:
        match payload.get("source"):
            case "set_next_input":
                text, replace = str(payload.get("text", "")), bool(payload.get("replace"))
                await self._flush(kernel)  # what is written down says that all before it is
                try:
                    await self._port.set_next_input(
                        running, text, replace=replace, position=kernel.position or None
                    )
                except RuntError as error:
                    log.warning("The kernel's input has no place: %s", error.message)
            case "page":
                page = {"data": payload.get("data")}
                kernel.feed(said(running.execution_id, "display_data", page))

    async def _ask(self, kernel: Attachment, running: Running, content: dict[str, Any]) -> None:
        await self._flush(kernel)  # what was printed before the prompt explains it
        execution_id = running.execution_id
        asked = InputRequested(
            execution_id=execution_id,
            prompt=str(content.get("prompt", "")),
            password=bool(content.get("password")),
        )
        draft = Draft(
            payload=asked,
            actor=runtime_actor(kernel.runtime.runtime_session_id),
            caused_by=f"execution:{execution_id}",
        )
        await self._port.record(lambda view: [draft] if execution_id in view.queue else [])

    async def _complete(self, kernel: Attachment) -> None:
        running, kernel.running = kernel.running, None
        if running is not None and running.reply is not None:
            outcome = queue.outcome(running.reply, running.execution_count)
            kernel.finished(running)
            await self._flush(kernel, running)
            await self._advance(kernel, (running.execution_id, outcome))

    async def _advance(
        self, kernel: Attachment, ended: tuple[ExecutionId, Outcome] | None = None
    ) -> None:
        """Record how an execution ended, if one did, and start the next one in the same step."""
        started: tuple[ExecutionId, ExecutionView] | None = None

        def decide(view: QueueView) -> list[Draft]:
            nonlocal started
            started = None
            drafts = queue.completed(view, kernel.runtime, *ended) if ended else []
            if upcoming := queue.next_assignment(
                view, kernel.runtime, ended=queue.ended_by(drafts)
            ):
                head, assignment = upcoming
                started = (head, view.executions[head])
                drafts += assignment
            return drafts

        await self._port.record(decide)
        if started is not None:
            kernel.start(*started)
        if ended is not None:
            kernel.retire()

    async def _end(
        self,
        kernel: Attachment,
        reason: str,
        status: Literal["lost", "cancelled"],
        *,
        keep_waiting: bool,
    ) -> None:
        if (running := kernel.running) is not None:
            if status == "lost":
                error = {"ename": queue.KERNEL_LOST, "evalue": reason, "traceback": [reason]}
                kernel.feed(said(running.execution_id, "error", error))
            kernel.reducer.finished(running.execution_id)
            await self._flush(kernel, running)
        await self._port.record(
            lambda view: queue.runtime_gone(
                view, kernel.runtime, reason, status, keep_waiting=keep_waiting
            )
        )
        self._kernel = None

    async def _flush(self, kernel: Attachment, done: Running | None = None) -> None:
        """Show what was collected, and once that an execution is `done`."""
        said_something = kernel.dirty_since is not None
        groups = dict(kernel.take())
        if done is not None and not done.shown:
            done.shown = True
            finish = FinishCell(done.cell_id, done.execution_count)
            groups.setdefault(done.execution_id, []).append(finish)
        for comm_id, outputs in kernel.reducer.widgets.take():
            state = {"method": "update", "state": {"outputs": outputs}, "buffer_paths": []}
            kernel.connection.tell_comm(comm_id, state)
        last = next(reversed(groups), None)
        for execution_id, edits in groups.items():
            position = kernel.position if execution_id == last else None
            await self._apply(execution_id, edits, position or None)
        if said_something:
            kernel.flushed_at = now()

    async def _apply(
        self, execution_id: ExecutionId, edits: Sequence[OutputEdit], position: int | None
    ) -> None:
        try:
            await self._port.apply_outputs(execution_id, edits, position)
        except StaleFence:
            raise
        except RuntError as error:
            log.warning("The outputs of %s have no place: %s", execution_id, error.message)
