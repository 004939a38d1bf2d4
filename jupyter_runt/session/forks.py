"""Copies of documents, each in a room of its own: forks to try things in, and views of the past.

They live in memory. What is done in one reaches the document's log only when it is merged, as an
edit by the person who asked for that.
"""

import asyncio
import time
from asyncio import to_thread
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

from jupyter_runt.document.merge import merge_notebook
from jupyter_runt.document.notebook import IDS_SINCE, NotebookDoc
from jupyter_runt.document.shared import FileDocument
from jupyter_runt.document.text import TextDoc
from jupyter_runt.errors import Compacted, Conflict, NotebookNotFound, StoreUnavailable
from jupyter_runt.events.document import DocumentUpdated
from jupyter_runt.ids import ActorId, NotebookId, Seq
from jupyter_runt.protocols import EventLog, Registration
from jupyter_runt.rooms.room import Room
from jupyter_runt.session.clients import Clients
from jupyter_runt.session.history import pages, past
from jupyter_runt.session.hosting import cancelled_at_exit
from jupyter_runt.session.open_document import OpenDocument
from jupyter_runt.session.pool import Pool
from jupyter_runt.session.versions import Version

MAX_FORKS: Final = 100
MAX_TIMELINES: Final = 20
MAX_TIMELINE_AGE: Final = 12 * 3600.0
"""Seconds after which a view of the past is closed, even if somebody still looks at it."""

RETRY: Final = 1.0
"""Seconds between tries to read a log that cannot be read."""

DocumentKind = type[NotebookDoc] | type[TextDoc]

_UPDATES: Final = frozenset({DocumentUpdated.event_name})
_UNLOGGED: Final = ActorId("fork")


class UnknownFork(NotebookNotFound):
    """No fork has that id, or it was freed."""


@dataclass(frozen=True, slots=True)
class ForkInfo:
    """What people are told of a fork, in jupyter-collaboration's words."""

    root_roomid: str
    synchronize: bool = False
    """Whether what happens in the document goes on into the fork."""
    title: str = ""
    description: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return jupyter-collaboration's JSON."""
        return asdict(self)


class Fork:
    """A copy of a document in a room of its own. An async context manager.

    It writes as a Yjs client of its own, so nothing in it counts as the server's output (EX9).
    """

    def __init__(self, registration: Registration, info: ForkInfo, source: EventLog) -> None:
        self.fork_id = uuid4().hex
        self.info = info
        self.notebook_id: NotebookId = registration.notebook_id
        self.history_id = registration.history_id
        self._kind = _kind_of(info.root_roomid)
        self._log = source
        self._seq = Seq(0)
        self._catching_up = asyncio.Lock()
        self._lifetime = AsyncExitStack()
        self.room: Room[FileDocument] = Room(
            self.fork_id,
            load=self._load,
            commit=None,
            reserved_clients=Clients.of(registration.history_id).all(),
        )

    async def __aenter__(self) -> Self:
        """Copy the document as the log has it."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.room)
            if self.info.synchronize:
                tasks = await stack.enter_async_context(cancelled_at_exit())
                tasks.create_task(self._follow(), name=f"follower {self.fork_id}")
            self._lifetime = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let everybody go; what was not merged is gone."""
        await self._lifetime.__aexit__(kind, error, traceback)

    @property
    def idle(self) -> bool:
        """Whether nobody needs it: it is kept until somebody removes it."""
        return False

    async def _load(self) -> FileDocument:
        before = await past(self._log, self.notebook_id)
        self._seq = before.seq
        return await to_thread(_document, self._kind, before.updates)

    async def catch_up(self) -> None:
        """Bring in what happened in the document.

        A tab that joins has seen that, the server's own outputs among it, which no peer may bring.
        """
        async with self._catching_up:
            try:
                async for events in pages(self._log, self.notebook_id, self._seq, _UPDATES):
                    found = [each.payload for each in events]
                    updates = [each.update for each in found if isinstance(each, DocumentUpdated)]
                    await self._take_in(updates)
                    self._seq = events[-1].seq
            except Compacted:
                before = await past(self._log, self.notebook_id)
                await self._take_in(before.updates)
                self._seq = before.seq

    async def _take_in(self, updates: Sequence[bytes]) -> None:
        await self.room.edit(lambda doc: _apply(doc, updates), actor=_UNLOGGED)

    async def _follow(self) -> None:
        seen = self._seq
        while True:
            try:
                seen = await self._log.grown(self.notebook_id, seen)
                await self.catch_up()
            except StoreUnavailable:
                await asyncio.sleep(RETRY)

    async def merge_into(self, document: OpenDocument[Any], actor: ActorId, cause: str) -> None:
        """Make what was done here an edit of the document, by `actor`.

        Returns when it is in the log. What others did there meanwhile stays.
        """
        theirs = await document.room.read(lambda doc: doc.doc.get_update())
        ours = await self.room.read(lambda doc: doc.doc.get_update())
        updates = await to_thread(_merged, self._kind, theirs, ours)
        if updates:
            await document.room.edit(
                lambda doc: _apply(doc, updates), actor=actor, caused_by=cause, patient=False
            )


class Timeline(Fork):
    """A fork that shows a document as it was, one of its versions at a time."""

    def __init__(
        self,
        registration: Registration,
        info: ForkInfo,
        source: EventLog,
        versions: Sequence[Version],
    ) -> None:
        """Begin at the last one of `versions`, which are in the order of time."""
        super().__init__(registration, info, source)
        self.versions = versions
        self.opened_at = time.monotonic()
        self._position = self._shown = len(versions) - 1
        self._moving = asyncio.Lock()

    @property
    def idle(self) -> bool:
        """Whether nobody looks at it."""
        return not self.room.peer_count

    @property
    def version(self) -> Version:
        """The one to be shown."""
        return self.versions[self._position]

    async def move(self, steps: int) -> bool:
        """Show the version that is so many steps later (earlier if negative), or the last one.

        Returns:
            Whether there was one in that direction.
        """
        position = min(max(0, self._position + steps), len(self.versions) - 1)
        moved = position != self._position
        self._position = position
        async with self._moving:
            await self._show()
        return moved

    async def restore_into(self, document: OpenDocument[Any], actor: ActorId) -> None:
        """Bring the version back as an edit of the document by `actor`; history only grows."""
        async with self._moving:
            await self._show()
            await self.merge_into(document, actor, f"restore:{self.version.seq}")

    async def _show(self) -> None:
        """Make the copy read as its version does; a slider that went on meanwhile is followed."""
        while self._shown != self._position:
            position = self._position
            then = await past(self._log, self.notebook_id, self.versions[position].seq)
            client_id, now = await self.room.read(
                lambda doc: (doc.doc.client_id, doc.doc.get_update())
            )
            update = await to_thread(_update_to, self._kind, client_id, now, then.updates)
            if update is not None:
                await self._take_in([update])
            self._shown = position


class Forks:
    """Every fork of the server, until it is removed or nobody needs it.

    Args:
        keep: seconds that a timeline which nobody looks at stays.
    """

    def __init__(self, group: asyncio.TaskGroup, keep: float) -> None:
        self._forks: dict[str, Fork] = {}
        self._pool: Pool[Fork] = Pool(group, self._open, keep)

    def __len__(self) -> int:
        return len(self._forks)

    async def add(self, fork: Fork) -> None:
        """Open a fork, and the door to it.

        Raises:
            Conflict: there are too many.
        """
        await self._make_room_for(fork)
        self._forks[fork.fork_id] = fork
        async with self._pool.use(fork.fork_id):
            pass  # from now on it is open until it is closed

    async def _make_room_for(self, fork: Fork) -> None:
        timelines = [each for each in self._forks.values() if isinstance(each, Timeline)]
        if not isinstance(fork, Timeline):
            if len(self._forks) - len(timelines) >= MAX_FORKS:
                raise Conflict("There are too many forks on this server: remove some first.")
        elif len(timelines) >= MAX_TIMELINES:
            longest = min(timelines, key=lambda each: (not each.idle, each.opened_at))
            await self.remove(longest.fork_id)

    @asynccontextmanager
    async def _open(self, fork_id: str) -> AsyncIterator[Fork]:
        fork = self._get(fork_id)
        try:
            async with fork:
                yield fork
        finally:
            self._forks.pop(fork_id, None)

    def _get(self, fork_id: str) -> Fork:
        fork = self._forks.get(fork_id)
        if fork is None:
            raise UnknownFork(f"There is no fork {fork_id}.")
        return fork

    def use(self, fork_id: str) -> AbstractAsyncContextManager[Fork]:
        """Keep a fork open; raises UnknownFork."""
        return self._pool.use(fork_id)

    @asynccontextmanager
    async def use_timeline(self, fork_id: str, root_roomid: str) -> AsyncIterator[Timeline]:
        """Keep the timeline of a room open; raises UnknownFork."""
        async with self.use(fork_id) as fork:
            if not isinstance(fork, Timeline) or fork.info.root_roomid != root_roomid:
                raise UnknownFork(f"There is no timeline {fork_id} of that document.")
            yield fork

    @asynccontextmanager
    async def use_named(self, fork_id: str) -> AsyncIterator[Fork]:
        """Keep open a fork that a person made; raises UnknownFork."""
        async with self.use(fork_id) as fork:
            if isinstance(fork, Timeline):
                raise UnknownFork(f"There is no fork {fork_id}.")
            yield fork

    def named(self, root_roomid: str) -> Iterator[Fork]:
        """Return the forks that people made of a room."""
        for fork in self._forks.values():
            if fork.info.root_roomid == root_roomid and not isinstance(fork, Timeline):
                yield fork

    async def remove(self, fork_id: str) -> None:
        """Close a fork; nothing happens if there is none of that id."""
        await self._pool.close_one(fork_id)

    async def remove_all_of(self, notebook_ids: set[NotebookId]) -> None:
        """Close the forks of some documents."""
        for fork in list(self._forks.values()):
            if fork.notebook_id in notebook_ids:
                await self.remove(fork.fork_id)

    def roots(self) -> set[NotebookId]:
        """Return the documents that have forks."""
        return {fork.notebook_id for fork in self._forks.values()}

    async def close_idle(self) -> None:
        """Close the timelines that nobody looks at, or that somebody forgot."""
        await self._pool.close_idle()
        oldest = time.monotonic() - MAX_TIMELINE_AGE
        for fork in list(self._forks.values()):
            if isinstance(fork, Timeline) and fork.opened_at < oldest:
                await self.remove(fork.fork_id)

    async def close(self) -> None:
        """Close all."""
        await self._pool.close()


def _kind_of(room_id: str) -> DocumentKind:
    """Return of what kind the document of a room is."""
    match room_id.split(":"):
        case ["json", "notebook", _]:
            return NotebookDoc
        case ["text", _, _]:
            return TextDoc
    raise NotebookNotFound(f"There is no document in room {room_id}.")


def _apply(doc: FileDocument, updates: Sequence[bytes]) -> None:
    for update in updates:
        doc.doc.apply_update(update)


def _document(
    kind: DocumentKind, updates: Sequence[bytes], client_id: int | None = None
) -> FileDocument:
    doc = kind(client_id)
    doc.load(updates)
    return doc


def _merged(kind: DocumentKind, theirs: bytes, ours: bytes) -> list[bytes]:
    """Return the updates that bring our document into theirs, as a peer's would come in."""
    copy = _document(kind, [theirs])
    merged = copy.apply([ours])
    scrubbed = copy.transact(copy.scrub)
    return [update for update in (merged.update, scrubbed.update) if update is not None]


def _update_to(
    kind: DocumentKind, client_id: int, now: bytes, then: Sequence[bytes]
) -> bytes | None:
    """Return what makes a document that reads as `now` read as it did `then`.

    Written as `client_id`, who writes nothing else: each move as another client would leave one
    more of them in the document for ever.
    """
    doc, wanted = _document(kind, [now], client_id), _document(kind, then)
    if isinstance(doc, NotebookDoc) and isinstance(wanted, NotebookDoc):
        edit = merge_notebook(_with_ids(doc), _with_ids(wanted))
        return doc.transact(partial(edit, doc)).update
    if isinstance(doc, TextDoc) and isinstance(wanted, TextDoc):
        return doc.transact(partial(doc.replace, wanted.content())).update
    return None


def _with_ids(doc: NotebookDoc) -> Mapping[str, Any]:
    """Return a notebook as one whose cells are known by their ids, whatever its format."""
    notebook = doc.notebook(always_ids=True)
    return {**notebook, "nbformat_minor": max(notebook["nbformat_minor"], IDS_SINCE[1])}
