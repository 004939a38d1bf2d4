"""What the log is told of a notebook's runtime, and of one that a dead server left behind."""

import logging
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from jupyter_runt.document.cells import object_in
from jupyter_runt.document.materialize import RuntimeState
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.errors import RuntError
from jupyter_runt.events.base import Draft, Payload
from jupyter_runt.events.runtime import (
    EndReason,
    RuntimeSessionAdopted,
    RuntimeSessionEnded,
    RuntimeSessionStarted,
    RuntimeStatus,
    RuntimeStatusChanged,
)
from jupyter_runt.execution.outputs import AppendOutputs, FinishCell
from jupyter_runt.execution.queue import (
    KERNEL_LOST,
    RuntimeSession,
    cancelled,
    running,
    runtime_gone,
)
from jupyter_runt.execution.remote import RemoteMachine
from jupyter_runt.ids import (
    ActorId,
    CellId,
    ExecutionId,
    NotebookId,
    RuntimeSessionId,
    new_id,
    runtime_actor,
)
from jupyter_runt.protocols import Kernel, Lease
from jupyter_runt.session.open_document import OpenDocument
from jupyter_runt.session.output_edits import apply_edits
from jupyter_runt.session.writer import Writer

log = logging.getLogger(__name__)

SERVER_DIED: Final = "The server stopped while this ran; its kernel stopped with it."

NO_SESSION: Final = RuntimeSession(RuntimeSessionId("none"), 0)
"""Speaks where no runtime session ever was."""


class RuntimeHost(Protocol):
    """The notebook, as its runtime sees it."""

    notebook_id: NotebookId
    writer: Writer

    @property
    def path(self) -> str:
        """Where the notebook is, root-relative."""
        ...

    async def document(self) -> OpenDocument[NotebookDoc]:
        """Return the document; raises RuntError if it cannot be opened."""
        ...


@dataclass(slots=True)
class OwnedKernel:
    """A kernel that is the notebook's, in its present incarnation."""

    kernel: Kernel
    lease: Lease
    owner: ActorId
    session: RuntimeSession
    machine: RemoteMachine | None = None
    """What it runs on, where that is not the server's own."""


class RuntimeRecord:
    """Writes down what becomes of a notebook's runtimes, under their fence."""

    def __init__(self, host: RuntimeHost, machine: str) -> None:
        self._host = host
        self._machine = machine
        self._because: str | None = None

    @asynccontextmanager
    async def because(self, cause: str | None) -> AsyncIterator[None]:
        """Say of what is recorded meanwhile what led to it; one change goes on at a time."""
        self._because = cause
        try:
            yield
        finally:
            self._because = None

    async def started(self, owned: OwnedKernel) -> None:
        """Record that the kernel owns the notebook now."""
        started = RuntimeSessionStarted(
            runtime_session_id=owned.session.runtime_session_id,
            kernel_id=owned.kernel.kernel_id,
            kernel_name=owned.kernel.kernel_name,
            owner=owned.owner,
            host=self._machine if owned.machine is None else owned.machine.about.host,
            fence=owned.session.fence,
        )
        await self._append(owned, started)

    async def status(
        self, owned: OwnedKernel, status: RuntimeStatus, reason: str | None = None
    ) -> None:
        """Record how the kernel is."""
        session_id = owned.session.runtime_session_id
        changed = RuntimeStatusChanged(runtime_session_id=session_id, status=status, reason=reason)
        await self._append(owned, changed)

    async def away(self, session: RuntimeSession, reason: str) -> None:
        """Record that the machine of a kernel cannot be reached, which another server ran."""
        changed = RuntimeStatusChanged(
            runtime_session_id=session.runtime_session_id, status="unresponsive", reason=reason
        )
        draft = Draft(payload=changed, actor=runtime_actor(session.runtime_session_id))
        await self._host.writer.append(draft, fence=session.fence)

    async def presence(self, owned: OwnedKernel, machine: RemoteMachine) -> None:
        """Record whether the machine that a kernel runs on can be reached, where that changed."""
        runtime = self._host.writer.state.runtime
        status = None if runtime is None else runtime.status
        if status == "ready" and not machine.present:
            reason = f"{machine.about.host} is out of reach."
            await self.status(owned, "unresponsive", reason)
        elif status == "unresponsive" and machine.present:
            await self.status(owned, "ready")

    async def ended(self, owned: OwnedKernel, reason: EndReason, cause: str) -> None:
        """Record that the kernel's incarnation owns the notebook no more, and runs nothing."""
        session = owned.session
        payload = RuntimeSessionEnded(
            runtime_session_id=session.runtime_session_id, reason=reason, cause=cause
        )
        end = self._draft(owned, payload)

        async def drafts(state: RuntimeState) -> Sequence[Draft]:
            # What still runs here is what the runner could not write down.
            return [*runtime_gone(state, session, cause, "lost", keep_waiting=True), end]

        await self._host.writer.record(drafts, fence=session.fence)

    async def gave_up(
        self, reason: str, execution_ids: Collection[ExecutionId] | None = None
    ) -> None:
        """Cancel what waits (all of it, by default): there is no kernel to run it."""

        async def waiting(state: RuntimeState) -> Sequence[Draft]:
            return cancelled(state, NO_SESSION, execution_ids, reason)

        await self._host.writer.record(waiting)

    async def adopted(self, owned: OwnedKernel) -> None:
        """Record that the kernel owns the notebook under another fence."""
        session = owned.session
        adopted = RuntimeSessionAdopted(
            runtime_session_id=session.runtime_session_id, fence=session.fence
        )
        await self._append(owned, adopted)

    async def recover(self, cause: str = SERVER_DIED) -> None:
        """Record how ended what a server did not live to record (EX2).

        Args:
            cause: why its kernel does not go on; shown in the cell that ran.
        """
        state = self._host.writer.state
        left, session, ended = state.runtime, NO_SESSION, list[Draft]()
        if left is not None and left.status != "lost":
            session = RuntimeSession(left.runtime_session_id, left.fence)
            payload = RuntimeSessionEnded(
                runtime_session_id=session.runtime_session_id, reason="crashed", cause=cause
            )
            ended = [Draft(payload=payload, actor=runtime_actor(session.runtime_session_id))]
        if (execution_id := running(state)) is not None:
            cell_id = state.executions[execution_id].cell_id
            await self._show_lost(session, execution_id, cell_id, cause)
        gone = runtime_gone(state, session, cause, "lost")
        if gone or ended:
            await self._host.writer.append(*gone, *ended)

    async def _show_lost(
        self, session: RuntimeSession, execution_id: ExecutionId, cell_id: CellId, cause: str
    ) -> None:
        error = {
            "output_type": "error",
            "ename": KERNEL_LOST,
            "evalue": cause,
            "traceback": [cause],
        }
        edits = (AppendOutputs(cell_id, (error,)), FinishCell(cell_id, None))
        try:
            document = await self._host.document()
        except RuntError as problem:
            log.warning("%s: %s", self._host.path, problem.message)
            return
        await document.room.edit(
            lambda doc: apply_edits(doc, edits),
            actor=runtime_actor(session.runtime_session_id),
            caused_by=f"execution:{execution_id}",
        )

    async def _append(self, owned: OwnedKernel, payload: Payload) -> None:
        draft = self._draft(owned, payload)
        await self._host.writer.append(draft, fence=owned.session.fence)

    def _draft(self, owned: OwnedKernel, payload: Payload) -> Draft:
        actor = runtime_actor(owned.session.runtime_session_id)
        return Draft(payload=payload, actor=actor, caused_by=self._because)


def new_session(lease: Lease) -> RuntimeSession:
    """Return the next session of who holds a lease."""
    return RuntimeSession(RuntimeSessionId(new_id()), lease.fence)


async def preferred_kernel(host: RuntimeHost) -> str | None:
    """Return the name of the kernelspec that a notebook wants, if that can be known."""
    try:
        document = await host.document()
    except RuntError:
        return None  # a notebook that cannot be opened may still have a kernel
    metadata = await document.room.read(lambda doc: doc.notebook_metadata())
    name = object_in(metadata, "kernelspec").get("name")
    return name if isinstance(name, str) and name else None
