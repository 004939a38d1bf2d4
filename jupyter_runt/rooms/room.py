"""A room: one shared document, the peers that have it open, and the server's own code as a peer."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from jupyter_runt.document.shared import SharedDocument
from jupyter_runt.events.base import Event
from jupyter_runt.events.document import Change
from jupyter_runt.ids import ActorId
from jupyter_runt.rooms.channel import Channel
from jupyter_runt.rooms.integration import Integrated
from jupyter_runt.rooms.peer import CLOSE_FAILED, CLOSE_RESTART, RoomLimits
from jupyter_runt.rooms.peers import Peers
from jupyter_runt.rooms.pipeline import Commit, CommitNow, Pipeline
from jupyter_runt.rooms.presence import Presence
from jupyter_runt.rooms.protocol import SaveStatus, read_state_vector
from jupyter_runt.rooms.publisher import Publisher
from jupyter_runt.rooms.work import (
    Batch,
    Committed,
    FromPeer,
    FromServer,
    Health,
    Look,
    RoomClosed,
)

log = logging.getLogger(__name__)

DocT = TypeVar("DocT", bound=SharedDocument)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Edited(Generic[T]):
    """What an edit returned and led to. Without events it changed nothing, or nothing is logged."""

    result: T
    changes: tuple[Change, ...]
    events: tuple[Event, ...]


class Room(Generic[DocT]):
    """A shared document with its peers. An async context manager: left by the task that entered.

    Frames and updates are those of y-websocket. What a peer or the server's code changes is in the
    log before anybody else sees it, and in the same order for everybody (EL1). What one peer does
    wrong, or how slow it is, costs that peer alone (RM1, RM2).

    Args:
        load: makes the document from the log; called at the start, and when the one in memory can
            no longer be what the log says.
        commit: appends the drafts of one or more transactions, all or none, and returns their
            events. `StoreUnavailable` is waited out by who is patient; after any other error the
            document is loaded again and peers are closed with 1012, to synchronise again. None:
            nothing is logged.
        commit_now: does so without waiting, or returns None: `commit` is to do it.
        reserved_clients: Yjs client ids that no peer may write with.
        on_save: called when a person asks for a save.
        on_commit: called with the events of each append, when everybody has been told.
        on_health: called when the store begins or ceases to take edits, or the room fails.
    """

    def __init__(
        self,
        room_id: str,
        *,
        load: Callable[[], Awaitable[DocT]],
        commit: Commit | None = None,
        commit_now: CommitNow = lambda _drafts: None,
        reserved_clients: frozenset[int] = frozenset(),
        limits: RoomLimits | None = None,
        on_save: Callable[[], Awaitable[SaveStatus]] | None = None,
        on_commit: Callable[[Sequence[Event]], None] | None = None,
        on_health: Callable[[Health], None] | None = None,
    ) -> None:
        self.room_id = room_id
        self.apart = asyncio.Lock()
        """Held by who makes an edit on a copy of the document, to bring it in afterwards."""
        self._load = load
        self._commit = commit
        self._commit_now = commit_now
        self._reserved = reserved_clients
        self._limits = limits or RoomLimits()
        self._on_save = on_save
        self._on_commit = on_commit
        self._on_health = on_health
        self._watchers: dict[asyncio.Future[None], dict[int, int]] = {}
        self._tasks = asyncio.TaskGroup()
        self._pipeline: Pipeline[DocT]
        self._peers: Peers[DocT]
        self._presence: Presence
        self._publisher: Publisher
        self._worker: asyncio.Task[None]
        self._given_up = False

    async def __aenter__(self) -> Self:
        """Load the document; raises what `load` raises."""
        document = await self._load()
        self._pipeline = Pipeline(
            document,
            self,
            load=self._load,
            commit=self._commit,
            commit_now=self._commit_now,
            reserved=self._reserved,
            limits=self._limits,
        )
        self._presence = Presence(document.doc.client_id)
        self._peers = Peers(
            self._pipeline, self._presence, self._limits, self._on_save, self._tasks
        )
        self._publisher = Publisher(
            self._publish_now, self._limits.publish_interval, self._limits.renew_interval
        )
        await self._tasks.__aenter__()
        self._worker = self._tasks.create_task(
            self._pipeline.run(), name=f"worker of {self.room_id}"
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let every peer go and record what they had sent, if the store takes it in time."""
        self._publisher.close()
        self.close_peers(CLOSE_RESTART, "the room closes")
        self._pipeline.stop()
        if error is None and not self._given_up:
            await asyncio.wait([self._worker], timeout=self._limits.shutdown)
        self._worker.cancel()
        self._pipeline.abandon()
        self._disappoint()
        # What went wrong in the body is not the group's: it would come out wrapped.
        cancelled = isinstance(error, asyncio.CancelledError)
        await self._tasks.__aexit__(*(kind, error, traceback) if cancelled else (None, None, None))

    @property
    def peer_count(self) -> int:
        """How many peers have the document open; the server's code does not count."""
        return len(self._peers)

    @property
    def health(self) -> Health:
        """How it goes: `ready`, `unsaved` while the store cannot write, `failed`."""
        return self._pipeline.health

    @property
    def trouble(self) -> str | None:
        """Why the store cannot write, while it cannot."""
        return self._pipeline.trouble

    @property
    def failed(self) -> bool:
        """Whether the document could not be loaded again: open another room."""
        return self._pipeline.health == "failed"

    # the server's own code

    async def edit(
        self,
        edit: Callable[[DocT], T],
        *,
        actor: ActorId,
        caused_by: str | None = None,
        patient: bool = True,
        journal_seq: int | None = None,
    ) -> Edited[T]:
        """Run `edit` in one transaction, and return when it is in the log.

        An edit that raises before it has changed anything costs nothing; later, the document is
        loaded again. A caller that gives up before its turn changes nothing.

        Args:
            patient: wait for a store that cannot write.
            journal_seq: as the `v1.DocumentUpdated` of it is to say.

        Raises:
            RoomClosed: the room closed or failed first.
            StoreUnavailable: the store cannot write, and the caller is not patient.
            Exception: what `edit` or the append raised; nothing was changed.
        """
        committed = await self._push(edit, actor, caused_by, patient, journal_seq)
        result: T = committed.attempt.value  # type: ignore[assignment]  # what `edit` returned
        changes = committed.edit.changes if committed.edit is not None else ()
        return Edited(result, changes, committed.events)

    def post(self, edit: Callable[[DocT], object], *, actor: ActorId) -> None:
        """Have `edit` run as `edit` does, for who need not wait for it; a failure is logged."""
        self._push(edit, actor, None, True).add_done_callback(self._log_failure)

    def _push(
        self,
        edit: Callable[[DocT], object],
        actor: ActorId,
        caused_by: str | None,
        patient: bool,
        journal_seq: int | None = None,
    ) -> asyncio.Future[Committed]:
        done: asyncio.Future[Committed] = asyncio.get_running_loop().create_future()
        self._pipeline.push(FromServer(edit, actor, caused_by, done, patient, journal_seq))
        return done

    def _log_failure(self, done: asyncio.Future[Committed]) -> None:
        error = None if done.cancelled() else done.exception()
        if error is not None and not isinstance(error, RoomClosed):
            log.error("An edit of %s failed.", self.room_id, exc_info=error)

    async def read(self, view: Callable[[DocT], T], *, patient: bool = True) -> T:
        """Return what `view` sees: all that was sent before, and nothing that is not in the log.

        `view` must not change the document. Raises as `edit`, and what `view` raises.
        """
        seen: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def look(document: DocT) -> None:
            result = view(document)
            if not seen.done():
                seen.set_result(result)

        def failed(error: Exception) -> None:
            if not seen.done():
                seen.set_exception(error)

        self._pipeline.look(Look(look, failed, patient))
        return await seen

    async def covers(self, state_vector: bytes, timeout: float) -> bool:  # noqa: ASYNC109
        """Wait up to `timeout` seconds until the log has what a peer with that state has written.

        Raises:
            BadFrame: it is not a state vector.
            RoomClosed: the room closed or failed first.
            StoreUnavailable: the store cannot write.
        """
        wanted = read_state_vector(state_vector)
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def watch(document: DocT) -> None:
            if _has(document, wanted):
                reached.set_result(None)
            else:
                self._watchers[reached] = wanted

        try:
            async with asyncio.timeout(timeout):
                await self.read(watch, patient=False)
                await reached
        except TimeoutError:
            return False
        finally:
            self._watchers.pop(reached, None)
        return True

    def give_up(self) -> None:
        """Do not wait, on leaving, for what the store has not taken yet."""
        self._given_up = True

    def publish(self, state: dict[str, Any]) -> None:
        """Show `state` as the server's own awareness state, at most ten times a second."""
        self._publisher.publish(state)

    def _publish_now(self, state: dict[str, Any]) -> None:
        self._peers.announce(self._presence.publish(state))

    # peers

    async def serve(
        self, channel: Channel, *, actor: ActorId, may_write: Callable[[], bool]
    ) -> None:
        """Be the other side of a peer until it is gone; the channel is closed then.

        Args:
            may_write: asked for every update (RM6); must be quick.
        """
        await self._peers.serve(channel, actor=actor, may_write=may_write)

    def close_peers(self, code: int, reason: str) -> None:
        """Let every peer go."""
        self._peers.close(code, reason)

    # what the pipeline tells

    def may_apply(self, item: FromPeer) -> bool:
        """Tell whether a peer's update may go into the document now (RM6)."""
        return self._peers.may_apply(item)

    def integrated(self, item: FromPeer, outcome: Integrated) -> None:
        """Let the peers know what became of an update, or of the run that it began."""
        self._peers.integrated(item, outcome)

    def committed(self, batches: Sequence[Batch], events: Sequence[Event]) -> None:
        """Tell everybody what is now in the log."""
        self._peers.committed(batches)
        if events and self._on_commit is not None:
            try:
                self._on_commit(events)
            except Exception:
                log.exception("on_commit of %s failed.", self.room_id)
        if self._watchers:
            self._pipeline.look(Look(self._check_watchers, log.debug))

    def discarded(self) -> None:
        """Let every peer go: it has what the log has not, and brings it again if it is its own."""
        self.close_peers(CLOSE_RESTART, "the log refused an update")

    def health_changed(self, health: Health) -> None:
        """Tell who wants to know, and let every peer go where the document is lost."""
        if health == "failed":
            self.close_peers(CLOSE_FAILED, "the document cannot be loaded")
            self._disappoint()
        if self._on_health is not None:
            self._on_health(health)

    def _check_watchers(self, document: DocT) -> None:
        for reached, wanted in self._watchers.items():
            if not reached.done() and _has(document, wanted):
                reached.set_result(None)

    def _disappoint(self) -> None:
        for reached in self._watchers:
            if not reached.done():
                reached.set_exception(RoomClosed("the room is closed"))


def _has(document: SharedDocument, wanted: dict[int, int]) -> bool:
    clocks = read_state_vector(document.doc.get_state())
    return all(clocks.get(client, 0) >= clock for client, clock in wanted.items())
