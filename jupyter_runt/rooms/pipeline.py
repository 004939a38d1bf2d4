"""The one order of everything that happens to a room's document (EL1).

Writes that wait together are applied, then appended to the log in one go, then told to everybody.
Who looks at the document stands in the same queue, so nobody sees what is not yet in the log.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, Generic, TypeVar

from jupyter_runt.document.shared import SharedDocument, is_panic
from jupyter_runt.errors import StaleFence, StoreUnavailable
from jupyter_runt.events.base import Draft, Event
from jupyter_runt.rooms.integration import (
    NOTHING,
    Integrated,
    Poisoned,
    attempt,
    integrate,
    poison,
    unresolved,
)
from jupyter_runt.rooms.peer import CLOSE_BAD_FRAME, Peer, RoomLimits
from jupyter_runt.rooms.work import (
    Audience,
    Batch,
    Committed,
    FromPeer,
    FromServer,
    Group,
    Health,
    Item,
    Look,
    RoomClosed,
)

log = logging.getLogger(__name__)

DocT = TypeVar("DocT", bound=SharedDocument)

Commit = Callable[[Sequence[Draft]], Awaitable[Sequence[Event]]]
"""Appends all drafts or none, and returns their events."""

CommitNow = Callable[[Sequence[Draft]], Sequence[Event] | None]
"""Does so without waiting, or returns None and has appended nothing."""

UNRECORDED: Final = "the room was closed before this was recorded"

MAX_PENDING: Final = 64
"""Updates of one peer that may wait for what they build on."""


class Pipeline(Generic[DocT]):
    """A document, its queue and the worker that empties it."""

    def __init__(
        self,
        document: DocT,
        audience: Audience,
        *,
        load: Callable[[], Awaitable[DocT]],
        commit: Commit | None,
        commit_now: CommitNow,
        reserved: frozenset[int],
        limits: RoomLimits,
    ) -> None:
        self._document = document
        self._audience = audience
        self._load = load
        self._commit = commit
        self._commit_now = commit_now
        self._reserved = reserved
        self._limits = limits
        self._queue: deque[Item[DocT]] = deque()
        self._wake = asyncio.Event()
        self._stopping = False
        self._quiet = True
        self._spoiled = False
        self._applied: Group | None = None
        self._pending_of: Peer | None = None
        self._pending: tuple[bytes, ...] = ()
        self.health: Health = "ready"
        self.trouble: str | None = None
        """Why the store cannot write, while it cannot."""

    def push(self, item: FromPeer | FromServer[DocT]) -> None:
        """Queue a write. Once stopped, the server's fail and a peer's are dropped."""
        if self._refuses(item):
            return
        if isinstance(item, FromPeer):
            item.peer.received(len(item.update))
        self._queue.append(item)
        if self._quiet and self._commit is not None:
            self._work_now()
        self._wake.set()

    def look(self, look: Look[DocT]) -> None:
        """Let somebody see the document: at once if nothing is on its way."""
        if self._refuses(look):
            return
        if self._quiet and not self._has_work:
            self._show(look)
        else:
            self._queue.append(look)
        self._wake.set()

    def _refuses(self, item: Item[DocT]) -> bool:
        """Let fail what comes too late or does not wait for the store, and tell whether it did."""
        if self._stopping:
            item.fail(RoomClosed("the room is closed"))
            return True
        if self.trouble is None or item.patient:
            return False
        item.fail(StoreUnavailable(self.trouble))
        return True

    def stop(self) -> None:
        """Take nothing more, and let the worker end when the queue is empty."""
        self._stopping = True
        self._wake.set()

    def abandon(self) -> None:
        """Give up what is still in the queue."""
        self._stopping = True
        group, self._applied = self._applied, None
        if group is not None:
            self._drop(group, RoomClosed(UNRECORDED))
        while self._queue:
            self._queue.popleft().fail(RoomClosed("the room is closed"))

    async def run(self) -> None:
        """Work until stopped, or until the document cannot be loaded again."""
        while self.health != "failed":
            while self._has_work:
                self._quiet = False
                await self._turn()
            self._quiet = True
            if self._stopping:
                return
            self._wake.clear()
            await self._wake.wait()

    @property
    def _has_work(self) -> bool:
        return bool(self._queue or self._spoiled or self._applied)

    def _work_now(self) -> None:
        """Do at once what the log takes without waiting; the worker does the rest.

        A letter does not wait for another turn of the event loop then.
        """
        self._quiet = False
        while self._queue and not self._spoiled:
            group = self._apply()
            if group.batches:
                drafts = group.drafts()
                events = self._commit_now(drafts) if drafts else ()
                if events is None:
                    self._applied = group
                    return
                self._tell(group, events)
            self._show_waiting()
        self._quiet = not self._spoiled

    async def _turn(self) -> None:
        group, self._applied = self._applied, None
        if group is None:
            if self._spoiled:
                await self._reload()
                return
            if self._commit is None:
                await asyncio.sleep(0)  # an append lets others run; nobody waits for what it shows
            group = self._apply()
        if group.batches:
            await self._append(group)
        self._show_waiting()

    def _show_waiting(self) -> None:
        while self._queue and not self._spoiled and isinstance(look := self._queue[0], Look):
            self._queue.popleft()
            self._show(look)

    def _show(self, look: Look[DocT]) -> None:
        try:
            look.view(self._document)
        except Exception as error:  # noqa: BLE001 - it belongs to who wanted to look
            look.fail(error)
        except BaseException as error:
            if not is_panic(error):
                raise
            log.exception("The document must be loaded again.")
            self._spoiled = True
            look.fail(Poisoned(f"{type(error).__name__}: {error}"))

    # applying

    def _apply(self) -> Group:
        """Apply what waits, up to the first that wants to look."""
        group = Group()
        while self._queue and not group.is_full(self._limits):
            item = self._queue[0]
            if isinstance(item, Look) or (group.batches and not item.patient):
                break
            author = item.peer if isinstance(item, FromPeer) else None
            if self._pending_of not in {None, author}:
                # What one peer left pending must not come in under another's name.
                self._spoiled = True
                break
            try:
                if isinstance(item, FromPeer):
                    self._apply_run(item.peer, group)
                else:
                    self._queue.popleft()
                    self._apply_edit(item, group)
            except Poisoned:
                log.exception("The document must be loaded again.")
                self._spoiled = True
                break
        return group

    def _apply_run(self, peer: Peer, group: Group) -> None:
        """Apply consecutive updates of one peer in one transaction."""
        run = self._take_run(peer, group)
        allowed = [item.update for item in run if self._audience.may_apply(item)]
        outcome = NOTHING
        if allowed:
            try:
                outcome = integrate(self._document, allowed, self._reserved)
                self._track_pending(peer, outcome)
            except Poisoned:
                peer.refuse(CLOSE_BAD_FRAME, "the update cannot be applied")
                raise
        self._audience.integrated(run[0], outcome)
        group.batches.append(
            Batch(
                actor=peer.actor,
                caused_by=None,
                edits=outcome.edits,
                author=peer,
                public=outcome.public,
                corrective=outcome.corrective,
                received=(len(run), sum(len(item.update) for item in run)),
            )
        )

    def _take_run(self, peer: Peer, group: Group) -> list[FromPeer]:
        run: list[FromPeer] = []
        while self._queue and not group.is_full(self._limits):
            item = self._queue[0]
            if not isinstance(item, FromPeer) or item.peer is not peer:
                break
            if run and (item.answers or run[0].answers):
                break  # whether an answer brought all that was missing is asked of it alone
            self._queue.popleft()
            run.append(item)
            group.take(item.update)
        return run

    def _track_pending(self, peer: Peer, outcome: Integrated) -> None:
        if not outcome.missing and self._pending_of is None:
            return
        try:
            self._pending = unresolved(self._document.doc, (*self._pending, *outcome.missing))
        except BaseException as error:
            poison(error)
            raise
        self._pending_of = peer if self._pending else None
        if len(self._pending) > MAX_PENDING:
            peer.refuse(CLOSE_BAD_FRAME, "what its updates build on is missing")

    def _apply_edit(self, item: FromServer[DocT], group: Group) -> None:
        if item.done.done():
            return  # the caller gave up before its turn came
        try:
            result, edit = attempt(self._document, partial(item.edit, self._document))
        except Poisoned as error:
            cause = error.__cause__
            item.fail(cause if isinstance(cause, Exception) else error)
            raise

        def settle(events: tuple[Event, ...]) -> None:
            if result.error is not None:
                item.fail(result.error)
            elif not item.done.done():
                item.done.set_result(Committed(result, edit, events))

        batch = Batch(
            actor=item.actor,
            caused_by=item.caused_by,
            journal_seq=item.journal_seq,
            edits=() if edit is None else (edit,),
            public=None if edit is None else edit.update,
            settle=settle,
            fail=item.fail,
        )
        group.batches.append(batch)
        group.take(batch.public or b"")
        group.patient = item.patient

    # recording

    async def _append(self, group: Group) -> None:
        """Append a group and tell everybody; if it is refused, nobody ever hears of it."""
        drafts = group.drafts()
        try:
            events = await self._record(drafts, group.patient) if drafts else ()
        except asyncio.CancelledError:
            self._drop(group, RoomClosed(UNRECORDED))
            raise
        except StoreUnavailable as error:
            self._spoiled = True  # it is taken back
            self._drop(group, error)
            return
        except Exception as error:
            log.warning("Refused append: %s", error, exc_info=not isinstance(error, StaleFence))
            self._spoiled = True
            self._drop(group, error)
            self._audience.discarded()
            return
        self._tell(group, events)

    def _tell(self, group: Group, events: Sequence[Event]) -> None:
        """Tell everybody what is now in the log."""
        self._audience.committed(group.batches, events)
        position = 0
        for batch in group.batches:
            own = tuple(events[position : position + len(batch.edits)])
            position += len(batch.edits)
            if batch.settle is not None:
                batch.settle(own)
            _release(batch)

    async def _record(self, drafts: Sequence[Draft], patient: bool) -> Sequence[Event]:
        """Append; who is patient waits for a store that cannot write, and all behind them (EL5)."""
        if self._commit is None:
            return ()
        delay = self._limits.retry_first
        while True:
            try:
                events = await self._commit(drafts)
            except StoreUnavailable as error:
                if not patient:
                    raise
                self._waiting_for_store(error)
            else:
                self._set_health("ready")
                return events
            await asyncio.sleep(delay)
            delay = min(2 * delay, self._limits.retry_last)

    async def _reload(self) -> None:
        delay = self._limits.retry_first
        while True:
            try:
                self._document = await self._load()
            except StoreUnavailable as error:
                self._waiting_for_store(error)
            except Exception:
                log.exception("The document cannot be loaded.")
                self._spoiled = False
                self._set_health("failed")
                self.abandon()
                return
            else:
                self._spoiled = False
                self._pending_of, self._pending = None, ()
                self._set_health("ready")
                return
            await asyncio.sleep(delay)
            delay = min(2 * delay, self._limits.retry_last)

    def _waiting_for_store(self, error: StoreUnavailable) -> None:
        if self.health != "unsaved":
            log.warning("The store cannot write; edits wait in memory: %s", error)
        self.trouble = error.message
        self._set_health("unsaved")
        for item in [item for item in self._queue if not item.patient]:
            self._queue.remove(item)
            item.fail(error)

    def _set_health(self, health: Health) -> None:
        if health != self.health:
            if health == "ready":
                self.trouble = None
            self.health = health
            self._audience.health_changed(health)

    def _drop(self, group: Group, error: Exception) -> None:
        for batch in group.batches:
            if batch.fail is not None:
                batch.fail(error)
            _release(batch)


def _release(batch: Batch) -> None:
    if batch.author is not None:
        batch.author.settled(*batch.received)
