"""One open notebook: its document, its runtime, and the one door for commands to both."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, replace
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from jupyter_runt.commands import (
    CancelTurn,
    ClearOutputs,
    Command,
    DecideApproval,
    KeepVersion,
    RevokeApprovals,
    UndoTurn,
)
from jupyter_runt.document.materialize import RuntimeState
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.errors import StaleFence, StoreUnavailable
from jupyter_runt.events.agent import TurnUndone
from jupyter_runt.events.base import Draft, Event
from jupyter_runt.events.document import DocumentUpdated, OutputsChanged, VersionKept
from jupyter_runt.events.outputs import OutputsCleared
from jupyter_runt.execution.queue import RuntimeSession, start_at_once
from jupyter_runt.ids import ActorId, CellId, ExecutionId, Seq, TurnId, is_runtime, new_id
from jupyter_runt.protocols import EventLog, Registration, Store
from jupyter_runt.rooms.work import RoomClosed
from jupyter_runt.session.apart import edit_apart
from jupyter_runt.session.beacon import Beacon, describe_kept, kernel_state
from jupyter_runt.session.capabilities import Requester
from jupyter_runt.session.decide import (
    CHANGES_KERNEL,
    READS_DOCUMENT,
    Decision,
    DocumentView,
    Moment,
    NoDocument,
    RuntimeAction,
    decide,
)
from jupyter_runt.session.executions import describe_execution
from jupyter_runt.session.history import readable
from jupyter_runt.session.hosting import Hosted, cancelled_at_exit
from jupyter_runt.session.intents import EDITS, apply_intent, outputs_to_clear
from jupyter_runt.session.made_apart import MadeApart, cause_of, made_apart
from jupyter_runt.session.open_document import OpenDocument
from jupyter_runt.session.replies import Replies, Reply, announced, without_announcement
from jupyter_runt.session.runtime import NotebookRuntime
from jupyter_runt.session.seen import wait_until_seen
from jupyter_runt.session.services import RuntimeServices
from jupyter_runt.session.turns.approvals import Approvals
from jupyter_runt.session.turns.notebook_turns import NotebookTurns, TurnServices
from jupyter_runt.session.turns.record import describe_turn
from jupyter_runt.session.writer import Writer
from jupyter_runt.storage.clock import now

COVERS_TIMEOUT: Final = 5.0

T = TypeVar("T")
OnCommit = Callable[[Sequence[Event]], None]
OpenNotebook = Callable[[Registration, OnCommit], Awaitable[OpenDocument[NotebookDoc]]]


class NotebookSession:
    """Composes a notebook's log, runtime and document, which is opened when somebody needs it."""

    def __init__(
        self,
        registration: Registration,
        store: Store,
        open_notebook: OpenNotebook,
        runtime_services: RuntimeServices,
        turn_services: TurnServices,
    ) -> None:
        self.notebook_id = registration.notebook_id
        self.writer = Writer(registration.notebook_id, store)
        self._host = runtime_services.host
        self.artifacts = runtime_services.artifacts.of(registration.notebook_id)
        self._registration = registration
        self._store = store
        self._open_notebook = open_notebook
        self._replies = Replies(self.writer, store)
        self._opening = asyncio.Lock()
        self._document: Hosted[OpenDocument[NotebookDoc]] | None = None
        self._closed = False
        self._group = asyncio.TaskGroup()
        self._lifetime = AsyncExitStack()
        self.runtime = NotebookRuntime(self, runtime_services, self._group)
        self.approvals = Approvals(self.writer, self._revisions, turn_services.approval_seconds)
        self.turns = NotebookTurns(self, turn_services, self._group)
        self.kept: dict[str, Any] | None = None
        """The last version that was kept since this session began, as tabs are told."""
        self._beacon = Beacon(lambda: self.writer.room)
        self.writer.on_record = self._beacon.touch

    async def __aenter__(self) -> Self:
        """Read the log, and record how what a dead server left behind ended (EX2)."""
        async with AsyncExitStack() as stack:
            with readable(self._registration):
                await stack.enter_async_context(self.writer)
            await stack.enter_async_context(self._group)
            stack.push_async_callback(self._close_document)
            tasks = await stack.enter_async_context(cancelled_at_exit())
            shining = self._beacon.run(self._opened, lambda: self.writer.state, lambda: self.kept)
            tasks.create_task(shining, name=f"beacon of {self.path}")
            await stack.enter_async_context(self.runtime)
            await stack.enter_async_context(self.turns)
            self._lifetime = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End what the AI says, stop the kernel, save the document, let everybody go."""
        await self._lifetime.__aexit__(kind, error, traceback)

    def _opened(self) -> OpenDocument[NotebookDoc] | None:
        document = self._document
        return None if document is None or document.done else document.value

    async def _close_document(self) -> None:
        async with self._opening:  # one that opens at this moment is closed too
            self._closed = True
            if self._document is not None:
                await self._document.close()

    @property
    def registration(self) -> Registration:
        """Which file this is, as of the last checkpoint."""
        document = self._document
        return self._registration if document is None else document.value.registration

    @property
    def log(self) -> EventLog:
        """Its log."""
        return self._store

    @property
    def path(self) -> str:
        """Where the notebook is, root-relative."""
        return self.registration.file.path

    @property
    def has_document(self) -> bool:
        """Whether somebody opened, or opens, the document, and not the runtime alone."""
        if self._opening.locked():
            return True
        return self._document is not None and not self._document.done

    @property
    def idle(self) -> bool:
        """Whether nobody needs this session (RM4)."""
        peers = self.writer.room.peer_count
        if self._document is not None and not self._document.done:
            peers += self._document.value.room.peer_count
        works = self.writer.state.queue or self.turns.busy
        return not peers and not works and not self.runtime.alive

    async def document(self) -> OpenDocument[NotebookDoc]:
        """Return the document, opened from the log or imported from its file.

        Raises:
            NotebookNotFound, NotANotebook, FileUnreadable: the file cannot be opened.
            Conflict: it is open as text.
            StoreUnavailable: the log cannot be read or written.
            RoomClosed: the session closes.
        """
        async with self._opening:
            if self._closed:
                raise RoomClosed("The notebook is being closed; open it again.")
            if self._document is None or self._document.done:
                document = await self._open_notebook(self._registration, self._on_commit)
                self._document = await Hosted.open(self._group, document, f"document {self.path}")
                document.on_report = self._beacon.touch
                if document.path != self._registration.file.path:  # it moved meanwhile
                    await document.moved(self._registration.file.path)
            return self._document.value

    def _on_commit(self, events: Sequence[Event]) -> None:
        """Say what the log holds, and tell the runner and the turns what others did to cells."""
        cells: set[CellId] = set()
        for event in events:
            match event.payload:
                case VersionKept() as kept:
                    self.kept = describe_kept(event, kept)
                case DocumentUpdated(changes=changes) if not is_runtime(event.actor):
                    cells |= {each.cell_id for each in changes if isinstance(each, OutputsChanged)}
                    self.turns.edited(changes, event.actor)
        self._beacon.touch()
        if cells:
            self.runtime.outputs_cleared(cells)

    async def moved(self, path: str) -> None:
        """Follow the file to where the contents API put it."""
        self._registration = replace(
            self._registration, file=replace(self._registration.file, path=path)
        )
        if self._document is not None:
            await self._document.value.moved(path)

    def forsake(self) -> None:
        """Do not write the file any more: it was deleted."""
        if self._document is not None:
            self._document.value.forsake()

    # commands

    async def perform(
        self, command: Command, requester: Requester, cause: str | None = None
    ) -> Reply:
        """Perform a command, once for each `command_id` of an actor.

        Args:
            requester: who asks; that they may ask for this was checked.
            cause: what the events say led to them, where that is not the command itself.

        Returns:
            The reply, after what the command led to at once is committed.

        Raises:
            RuntError: nothing was changed.
        """
        because = cause or cause_of(command)
        if command.command_id is None:
            return await self._perform(command, requester, because)
        return await self._replies.once(
            requester.actor, command, because, lambda: self._perform(command, requester, because)
        )

    async def _perform(self, command: Command, requester: Requester, cause: str) -> Reply:
        await wait_until_seen(self.document, command.state_vector, COVERS_TIMEOUT)
        if type(command) in EDITS:
            events = await self._edit(command, requester.actor, cause)
        elif isinstance(command, CancelTurn):
            events = await self.turns.cancel(command.turn_id, requester.actor)
        elif isinstance(command, DecideApproval | RevokeApprovals):
            events = await self.approvals.perform(command, requester, cause)
        else:
            events = await self._decide(command, requester.actor, cause)
            self.turns.start(events, requester)
        seq = events[-1].seq if events else await self._store.head(self.notebook_id)
        return Reply(seq, tuple(events))

    async def _edit(self, command: Command, actor: ActorId, cause: str) -> list[Event]:
        document = await self.document()
        if isinstance(command, KeepVersion):
            there = await self._look(lambda doc: doc.notebook(always_ids=True))
            return await document.kept.keep_unsent(there, command.texts, actor, cause)
        if isinstance(command, MadeApart):
            apart = await made_apart(command, self._store, self.notebook_id)
            # As a new client: outputs that the edit writes, if only to move them, are not the
            # server's own then (EX9).
            empty = partial(document.content.empty, None)
            events = list(await edit_apart(document.room, empty, apart, actor, cause))
            if isinstance(command, UndoTurn):
                undone = TurnUndone(turn_id=command.turn_id)
                events += await self.writer.append(Draft(undone, actor, cause))
            return events
        edited = await document.room.edit(
            lambda doc: apply_intent(doc, command), actor=actor, caused_by=cause, patient=False
        )
        events = list(edited.events)
        if isinstance(command, ClearOutputs):
            cleared = await self._look(lambda doc: outputs_to_clear(doc, command))
            draft = Draft(payload=OutputsCleared(cell_ids=cleared), actor=actor, caused_by=cause)
            events += await self.writer.append(draft)
            self.runtime.outputs_cleared(cleared)
        return events

    async def _revisions(self, cell_ids: Sequence[CellId]) -> dict[CellId, str]:
        """Return the revisions of the cells that are there."""
        return await self._look(
            lambda doc: {each: doc.revision(each) for each in cell_ids if doc.has_cell(each)}
        )

    async def _look(self, view: Callable[[NotebookDoc], T]) -> T:
        """Return what `view` sees in the document; StoreUnavailable if that cannot be saved."""
        return await (await self.document()).room.read(view, patient=False)

    async def _decide(self, command: Command, actor: ActorId, cause: str) -> list[Event]:
        document = self._opened()
        if isinstance(command, CHANGES_KERNEL) and document and document.room.trouble:
            raise StoreUnavailable(document.room.trouble)  # it would wait behind the outputs
        try:
            return await self._decide_for(self.runtime.free, command, actor, cause)
        except StaleFence:  # that kernel is ours no more: the request stands without it
            return await self._decide_for(None, command, actor, cause)

    async def _decide_for(
        self, free: RuntimeSession | None, command: Command, actor: ActorId, cause: str
    ) -> list[Event]:
        """Record a decision; what a free kernel can begin with is started in the same append."""
        decision = Decision()
        begun: tuple[ExecutionId, list[Draft]] | None = None

        async def drafts(state: RuntimeState) -> list[Draft]:
            nonlocal begun, decision
            decision = await self._decision(command, state, actor)
            action = decision.action
            payloads = decision.payloads or announced(command, state.runtime)
            asked = [Draft(payload=p, actor=actor, caused_by=cause) for p in payloads]
            if free is not None and free is self.runtime.free and action and action.kind == "run":
                begun = start_at_once(state, free, asked)
            return asked + begun[1] if begun else asked

        try:
            events = await self.writer.record(drafts, fence=free.fence if free else None)
        except StoreUnavailable:
            if decision != Decision(action=RuntimeAction("interrupt")):
                raise
            events = []  # what fills the disk must end
        if begun is not None and free is not None:
            self.runtime.take(free, begun[0])
            return events[: -len(begun[1])]
        if decision.action is not None:
            await self.runtime.act(decision.action, actor, cause)
        if isinstance(command, CHANGES_KERNEL):
            events = await self._store.caused_by(self.notebook_id, cause)
        return without_announcement(events)

    async def _decision(self, command: Command, state: RuntimeState, actor: ActorId) -> Decision:
        if not isinstance(command, READS_DOCUMENT):
            return decide(command, _moment(state, NoDocument(), Seq(0), actor))
        document = await self.document()

        def look(doc: NotebookDoc) -> Decision:
            moment = _moment(state, doc, document.committed_seq(), actor)
            return doc.look(lambda: decide(command, moment))

        return await self._look(look)

    # what clients ask

    async def describe(self) -> dict[str, Any]:
        """Return CONTRACT's description of the notebook."""
        document = await self.document()
        return {
            "notebook_id": self.notebook_id,
            "path": self.path,
            "room_id": document.room.room_id,
            "runtime_room_id": self.writer.room.room_id,
            "seq": await self._store.head(self.notebook_id),
            "checkpoint_seq": self.registration.checkpoint_seq,
            "runtime": self.describe_runtime(),
            "host": self._host,
            "server_clients": [document.clients.server],
            "trusted_clients": [document.clients.trusted_file],
            "now": now(),
        }

    async def execution(self, execution_id: ExecutionId, wait: float) -> dict[str, Any]:
        """Return an execution as CONTRACT says, after `wait` seconds at most if it goes on.

        Raises:
            ExecutionNotFound: the log has none of that id.
        """
        try:
            async with asyncio.timeout(wait):
                await self._ended(execution_id)
        except TimeoutError:
            pass  # it goes on; tell how far it is
        return await describe_execution(self, self._store, execution_id)

    async def _ended(self, execution_id: ExecutionId) -> None:
        while True:
            execution = self.writer.state.executions.get(execution_id)
            if execution is None or execution.ended:
                return
            await self.writer.changed()

    async def turn(self, turn_id: TurnId, wait: float) -> dict[str, Any]:
        """Return a turn of the AI as CONTRACT says, after `wait` seconds at most if it goes on.

        Raises:
            TurnNotFound: the log has none of that id.
        """
        return await describe_turn(self.notebook_id, self.writer, self._store, turn_id, wait)

    def describe_runtime(self) -> dict[str, Any] | None:
        """Return the runtime as clients of the runtime room see it, None where there is none."""
        state = self.writer.state
        if state.runtime is None:
            return None
        return {
            "notebook_id": self.notebook_id,
            "path": self.path,
            **asdict(state.runtime),
            "kernel": kernel_state(state),
            "queue_length": len(state.queue),
        }


def _moment(state: RuntimeState, document: DocumentView, seq: Seq, actor: ActorId) -> Moment:
    return Moment(state=state, document=document, document_seq=seq, actor=actor, new_id=new_id)
