"""Forks over a store in memory: what they hold, how many there are, when they end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pycrdt import Map

from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.errors import Conflict
from jupyter_runt.events.base import Draft
from jupyter_runt.events.codec import document_updated
from jupyter_runt.ids import ActorId, CellId, NotebookId, Seq
from jupyter_runt.protocols import FileIdentity, Registration, Snapshot
from jupyter_runt.session import forks
from jupyter_runt.session.forks import Fork, ForkInfo, Forks, Timeline, UnknownFork
from jupyter_runt.session.version_pages import version_page
from jupyter_runt.storage.memory import MemoryStore
from jupyter_runt.storage.memory_disk import MemoryDisk

ANN = ActorId("user:ann")


class Root:
    """A notebook whose log is written by hand."""

    def __init__(self, store: MemoryStore, disk: MemoryDisk, registration: Registration) -> None:
        self.store = store
        self.disk = disk
        self.registration = registration
        self.notebook_id: NotebookId = registration.notebook_id
        self.info = ForkInfo(f"json:notebook:{registration.notebook_id}")
        self.doc = NotebookDoc()

    async def do(self, edit: Callable[[NotebookDoc], Any]) -> Seq:
        """Record an edit as a command, so that it is a version of its own."""
        done = self.doc.transact(lambda: edit(self.doc))
        assert done.update is not None
        payload = document_updated(done.update, done.changes)
        number = await self.store.head(self.notebook_id)
        draft = Draft(payload=payload, actor=ANN, caused_by=f"command:{number}")
        return (await self.store.append(self.notebook_id, [draft]))[0].seq

    async def add(self, *cells: str) -> None:
        for cell in cells:
            after = self.doc.cell_ids[-1] if self.doc.cell_ids else None
            new = {"id": cell, "cell_type": "code", "source": f"{cell} = 1", "metadata": {}}
            await self.do(lambda doc, new=new, after=after: doc.insert_cell(new, after))

    async def timeline(self) -> Timeline:
        page = await version_page(self.store, self.notebook_id, None, 100)
        return Timeline(self.registration, self.info, self.store, page.versions[::-1])

    def fork(self, **info: Any) -> Fork:
        return Fork(self.registration, ForkInfo(self.info.root_roomid, **info), self.store)


@asynccontextmanager
async def opened_root() -> AsyncIterator[Root]:
    disk = MemoryDisk()
    async with MemoryStore(disk) as store:
        registration, _ = await store.resolve(FileIdentity("a.ipynb"))
        yield Root(store, disk, registration)


async def sources(fork: Fork) -> dict[str, str]:
    def read(doc: Any) -> dict[str, str]:
        return {str(cell_id): doc.source(cell_id) for cell_id in doc.cell_ids}

    return await fork.room.read(read)


@pytest.mark.asyncio
async def test_a_copy_catches_up_with_its_document():
    async with opened_root() as root:
        await root.add("a")
        async with root.fork() as fork:
            await root.add("b")
            assert list(await sources(fork)) == ["a"]
            await fork.catch_up()
            assert list(await sources(fork)) == ["a", "b"]


@pytest.mark.asyncio
async def test_a_copy_catches_up_over_events_that_were_folded():
    async with opened_root() as root:
        await root.add("a")
        async with root.fork() as fork:
            await root.add("b", "c")
            snapshot = Snapshot(Seq(3), root.doc.doc.get_update())
            await root.store.put_snapshot(root.notebook_id, "document", snapshot)
            root.disk.floors[root.notebook_id] = Seq(4)
            await root.add("d")
            await fork.catch_up()
            assert list(await sources(fork)) == ["a", "b", "c", "d"]


@pytest.mark.asyncio
async def test_a_synchronized_copy_needs_not_be_told():
    async with opened_root() as root:
        await root.add("a")
        async with root.fork(synchronize=True) as fork:
            await root.add("b")
            assert await fork.room.covers(root.doc.doc.get_state(), timeout=30)
            assert list(await sources(fork)) == ["a", "b"]


@pytest.mark.asyncio
async def test_cells_of_an_old_format_come_back_under_their_ids():
    async with opened_root() as root:

        def old(doc: NotebookDoc) -> None:
            doc.doc.get("meta", type=Map)["nbformat_minor"] = 4

        await root.do(old)
        await root.add("a", "b")
        await root.do(lambda doc: doc.replace_source(CellId("a"), "b = 1"))
        await root.do(lambda doc: doc.delete_cells([CellId("b")]))
        async with await root.timeline() as timeline:
            await timeline.move(-2)
            assert await sources(timeline) == {"a": "a = 1", "b": "b = 1"}
            minor = await timeline.room.read(lambda doc: doc.nbformat()[1])
            assert minor == 4


@pytest.mark.asyncio
async def test_moves_at_the_same_time_end_where_the_last_one_leads():
    async with opened_root() as root:
        await root.add(*"abcdef")
        async with await root.timeline() as timeline:
            moves = [timeline.move(steps) for steps in (-1, -1, -3, 2, -1)]
            assert await asyncio.gather(*moves) == [True] * 5
            assert list(await sources(timeline)) == ["a", "b"]
            assert timeline.version.seq == 2


@pytest.mark.asyncio
async def test_moving_to_and_fro_writes_as_one_client():
    async with opened_root() as root:
        await root.add(*"abc")
        async with await root.timeline() as timeline:
            for steps in (-2, 1, -1, 2):
                await timeline.move(steps)
            state = await timeline.room.read(lambda doc: doc.doc.get_state())
            assert state[0] == 2  # the document's own, and the slider's


@asynccontextmanager
async def collection(keep: float = 3600.0) -> AsyncIterator[Forks]:
    async with asyncio.TaskGroup() as group:
        kept = Forks(group, keep)
        try:
            yield kept
        finally:
            await kept.close()


async def is_open(kept: Forks, fork: Fork) -> bool:
    try:
        async with kept.use(fork.fork_id):
            return True
    except UnknownFork:
        return False


@pytest.mark.asyncio
async def test_one_timeline_too_many_ends_the_oldest(monkeypatch):
    monkeypatch.setattr(forks, "MAX_TIMELINES", 2)
    async with opened_root() as root, collection() as kept:
        await root.add("a")
        timelines = [await root.timeline() for _ in range(3)]
        named = root.fork()
        for fork in (named, *timelines):
            await kept.add(fork)
        assert [await is_open(kept, each) for each in timelines] == [False, True, True]
        assert await is_open(kept, named)
        assert len(kept) == 3


@pytest.mark.asyncio
async def test_there_is_an_end_to_the_number_of_forks(monkeypatch):
    monkeypatch.setattr(forks, "MAX_FORKS", 1)
    async with opened_root() as root, collection() as kept:
        await root.add("a")
        await kept.add(root.fork())
        await kept.add(await root.timeline())
        with pytest.raises(Conflict):
            await kept.add(root.fork())


@pytest.mark.asyncio
async def test_timelines_that_nobody_looks_at_end_and_forks_stay():
    async with opened_root() as root, collection(keep=0) as kept:
        await root.add("a")
        timeline, fork = await root.timeline(), root.fork()
        await kept.add(timeline)
        await kept.add(fork)
        for _ in range(2):
            await kept.close_idle()
        assert not await is_open(kept, timeline)
        assert await is_open(kept, fork)


@pytest.mark.asyncio
async def test_a_timeline_that_somebody_forgot_ends_too(monkeypatch):
    async with opened_root() as root, collection() as kept:
        await root.add("a")
        timeline = await root.timeline()
        await kept.add(timeline)
        async with kept.use(timeline.fork_id):
            await kept.close_idle()
            assert await is_open(kept, timeline)
            monkeypatch.setattr(forks, "MAX_TIMELINE_AGE", 0.0)
            await kept.close_idle()
        assert not await is_open(kept, timeline)


@pytest.mark.asyncio
async def test_the_forks_of_a_document_can_be_closed_together():
    async with opened_root() as root, collection() as kept:
        await root.add("a")
        fork = root.fork()
        await kept.add(fork)
        assert kept.roots() == {root.notebook_id}
        await kept.remove_all_of({NotebookId("another")})
        assert await is_open(kept, fork)
        await kept.remove_all_of({root.notebook_id})
        assert not await is_open(kept, fork)
