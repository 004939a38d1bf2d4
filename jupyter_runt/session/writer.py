"""The only door through which domain events reach a notebook's log (EL1, EL2)."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Final, Self

from jupyter_runt.document.materialize import RuntimeState, apply
from jupyter_runt.document.runtime import RuntimeDoc, project
from jupyter_runt.errors import StoreUnavailable
from jupyter_runt.events.base import Draft, Event
from jupyter_runt.events.document import DocumentUpdated, VersionKept
from jupyter_runt.events.execution import (
    ExecutionAssigned,
    ExecutionCompleted,
    ExecutionRequested,
    ExecutionStarted,
)
from jupyter_runt.events.registry import EVENTS
from jupyter_runt.ids import ActorId, NotebookId, Seq
from jupyter_runt.protocols import Snapshot, Store
from jupyter_runt.rooms.room import Room
from jupyter_runt.rooms.work import RoomClosed
from jupyter_runt.session.history import from_snapshot, pages

SNAPSHOT_EVERY: Final = 500
"""Domain events after which the next open starts from a snapshot, under a new epoch."""

DOMAIN_EVENTS: Final = frozenset(EVENTS) - {DocumentUpdated.event_name, VersionKept.event_name}
"""Those that say nothing of the document's content."""

Decide = Callable[[RuntimeState], Awaitable[Sequence[Draft]]]

SHOW_SECONDS: Final = 0.02
"""How long the runtime room may be behind with executions: a page has better to do for a short cell
than to hear three times where it is."""

_STEPS: Final = frozenset(
    each.event_name
    for each in (ExecutionRequested, ExecutionAssigned, ExecutionStarted, ExecutionCompleted)
)

_Step = tuple[Seq, RuntimeState, RuntimeState]
"""An event's number, and the state before and after it."""

_PROJECTOR: Final = ActorId("runtime:projection")


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the runtime room showed at a moment, with its Yjs history."""

    seq: Seq
    state: RuntimeState
    update: bytes | None = None
    """None at the start of the epoch, where the state alone makes the history."""

    def document(self, empty: RuntimeDoc, tail: Iterable[Event]) -> RuntimeDoc:
        """Bring an empty document of the same epoch to the end of `tail`, and return it."""
        if self.update is None:
            empty.transact(lambda: project(empty, RuntimeState(), self.state))
        else:
            empty.apply([self.update])
        empty.seq = self.seq
        state = self.state
        for event in tail:
            before, state = state, apply(state, event)
            empty.transact(partial(project, empty, before, state))
            empty.seq = event.seq
        return empty


class Writer(AbstractAsyncContextManager["Writer"]):
    """Appends events, folds them into `state` and shows them in the runtime room, in that order.

    The runtime room starts from the state at its epoch, with the same edits for each event after
    it, so that two opens of one epoch have one Yjs history.
    """

    def __init__(self, notebook_id: NotebookId, store: Store) -> None:
        self.notebook_id = notebook_id
        self.state = RuntimeState()
        self._store = store
        self._appending = asyncio.Lock()
        self._change = asyncio.Condition()
        self.on_record: Callable[[], None] = lambda: None
        """Called after events were recorded."""
        self._room: Room[RuntimeDoc] | None = None
        self._seq = Seq(0)
        """Of the last event in `state`."""
        self._shown = _Shown(Seq(0), self.state)
        self._tail: list[Event] = []
        """The events after `_shown`: the log's may be folded away while the room is open."""
        self._behind = False
        """Whether the log may have events that `state` has not."""
        self._since_snapshot = 0
        self._unshown: list[_Step] = []
        """What the runtime room does not show yet."""
        self._showing: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        """Bring the state and the runtime room to the end of the log."""
        base, base_seq, tail = await from_snapshot(
            self._store, self.notebook_id, "runtime", self._replayed
        )
        self._since_snapshot = len(tail)
        if len(tail) >= SNAPSHOT_EVERY:
            base, base_seq, tail = self.state, tail[-1].seq, []
            await self._snapshot(base, base_seq)
        epoch = f"{RuntimeDoc.version}-{base_seq}"
        room_id = f"runt:runtime:{self.notebook_id}:{epoch}"
        self._shown, self._tail = _Shown(base_seq, base), list(tail)

        async def load() -> RuntimeDoc:
            # The room asks again where it had to throw its document away.
            return self._shown.document(RuntimeDoc(self.notebook_id, epoch), self._tail)

        self._room = await Room(room_id, load=load, commit=None).__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the runtime room."""
        self.show()
        await self.room.__aexit__(kind, error, traceback)

    @property
    def room(self) -> Room[RuntimeDoc]:
        """The room in which clients read the state."""
        if self._room is None:
            raise RuntimeError("the writer is not open")
        return self._room

    async def record(self, decide: Decide, *, fence: int | None = None) -> list[Event]:
        """Append the events that `decide` returns for the state; nothing comes between.

        Returns when they are durable and in `state`.

        Raises:
            StaleFence, StoreUnavailable: as `EventLog.append`.
        """
        async with self._appending:
            if self._behind:
                await self._catch_up()
            drafts = await decide(self.state)
            if not drafts:
                return []
            try:
                events = await self._store.append(self.notebook_id, drafts, fence=fence)
            except asyncio.CancelledError:
                self._behind = True
                with suppress(StoreUnavailable):  # then whoever comes next catches up
                    await self._catch_up()
                raise
            self._fold(events)
            after, seq = self.state, self._seq
        await self._tell()
        if self._since_snapshot >= SNAPSHOT_EVERY:
            with suppress(StoreUnavailable):  # it is only later that opening is cheap again
                await self._snapshot(after, seq)
            with suppress(RoomClosed):
                await self._remember()
        return events

    def _fold(self, events: Sequence[Event]) -> None:
        for event in events:
            before, self.state = self.state, apply(self.state, event)
            self._unshown.append((event.seq, before, self.state))
            self._seq = event.seq
        if any(event.name not in _STEPS for event in events):
            self.show()
        elif self._showing is None:
            self._showing = asyncio.get_running_loop().call_later(SHOW_SECONDS, self.show)
        self._tail += events
        self._since_snapshot += len(events)

    async def _tell(self) -> None:
        async with self._change:
            self._change.notify_all()
        self.on_record()

    async def _catch_up(self) -> None:
        """Fold what was appended although who asked for it was cancelled."""
        self._fold(await self._after(self._seq))
        self._behind = False
        await self._tell()

    async def _after(self, seq: Seq) -> list[Event]:
        events: list[Event] = []
        async for page in pages(self._store, self.notebook_id, seq, DOMAIN_EVENTS):
            events += page
        return events

    async def _snapshot(self, state: RuntimeState, seq: Seq) -> None:
        self._since_snapshot = 0
        data = await asyncio.to_thread(lambda: json.dumps(state.to_json()).encode())
        await self._store.put_snapshot(self.notebook_id, "runtime", Snapshot(seq, data))

    async def _remember(self) -> None:
        """Keep the room's document in place of the events that made it."""
        self.show()
        update, seq = await self.room.read(lambda doc: (doc.doc.get_update(), doc.seq))
        state = self._shown.state
        for event in (event for event in self._tail if event.seq <= seq):
            state = apply(state, event)
        self._shown = _Shown(Seq(seq), state, update)
        self._tail = [event for event in self._tail if event.seq > seq]

    async def changed(self) -> None:
        """Wait until events were recorded."""
        async with self._change:
            await self._change.wait()

    async def append(self, *drafts: Draft, fence: int | None = None) -> list[Event]:
        """Append events that need no look at the state; otherwise as `record`."""

        async def decided(_state: RuntimeState) -> Sequence[Draft]:
            return drafts

        return await self.record(decided, fence=fence)

    def show(self) -> None:
        """Show in the runtime room, now, what it lacks."""
        if self._showing is not None:
            self._showing.cancel()
            self._showing = None
        steps, self._unshown = self._unshown, []

        def show(doc: RuntimeDoc) -> None:
            for seq, before, after in steps:
                if seq > doc.seq:  # else it was loaded again meanwhile, with this event
                    project(doc, before, after)
                    doc.seq = seq

        if steps:
            # Nobody waits for it: who looks at the room looks after it.
            self.room.post(show, actor=_PROJECTOR)

    async def _replayed(self, snapshot: Snapshot | None) -> tuple[RuntimeState, Seq, list[Event]]:
        base, seq = RuntimeState(), Seq(0)
        if snapshot is not None:
            base, seq = RuntimeState.from_json(json.loads(snapshot.data)), snapshot.seq
        self.state, self._seq = base, seq
        tail = await self._after(seq)
        for event in tail:
            self.state, self._seq = apply(self.state, event), event.seq
        return base, seq, tail
