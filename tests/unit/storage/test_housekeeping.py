import asyncio

import pytest

from jupyter_runt.errors import StoreUnavailable
from jupyter_runt.ids import Seq
from jupyter_runt.protocols import Snapshot
from jupyter_runt.storage.housekeeping import WORTHWHILE, Housekeeper
from jupyter_runt.storage.memory import MemoryStore
from jupyter_runt.storage.retention import Retention
from tests.contracts.histories import recorded

MANY = [n % 3 + 7 * (n // 3) for n in range(WORTHWHILE + 50)]


@pytest.mark.asyncio
async def test_a_round_folds_what_is_worth_it():
    async with MemoryStore() as store:
        large, head = await recorded(store, MANY, "large.ipynb")
        small, _ = await recorded(store, range(20), "small.ipynb")
        await Housekeeper(store, Retention(events=10)).round()
        assert await store.first_seq(large) == head - 9
        assert await store.first_seq(small) == 1


@pytest.mark.asyncio
async def test_a_log_that_does_not_add_up_is_kept_whole_and_the_others_have_their_turn(caplog):
    async with MemoryStore() as store:
        one, _ = await recorded(store, MANY, "one.ipynb")
        two, _ = await recorded(store, MANY, "two.ipynb")
        broken, whole = sorted((one, two))
        await store.put_snapshot(broken, "document", Snapshot(Seq(3), b"\xffgarbage"))
        await Housekeeper(store, Retention(events=10)).round()
        assert await store.first_seq(broken) == 1
        assert await store.first_seq(whole) > 1
    assert "is kept whole" in caplog.text


@pytest.mark.asyncio
async def test_a_log_that_did_not_change_is_not_looked_at_again():
    async with MemoryStore() as store:
        notebook_id, _ = await recorded(store, range(20))
        housekeeper = Housekeeper(store, Retention(events=0))
        await housekeeper.round()
        store.disk.logs[notebook_id] = None  # whoever looks fails
        store.disk.floors[notebook_id] = Seq(store.disk.documents[notebook_id].checkpoint_seq + 1)
        await housekeeper.round()


class Watched(MemoryStore):
    """A store that tells when somebody tried to fold, and when it was done."""

    def __init__(self) -> None:
        super().__init__()
        self.tried, self.done = asyncio.Event(), asyncio.Event()

    async def put_snapshot(self, notebook_id, kind, snapshot):
        self.tried.set()
        await super().put_snapshot(notebook_id, kind, snapshot)

    async def prune_snapshots(self, notebook_id, limit):
        self.done.set()
        return await super().prune_snapshots(notebook_id, limit)


@pytest.mark.asyncio
async def test_a_store_that_cannot_write_is_tried_again(caplog):
    async with Watched() as store, asyncio.timeout(30):
        notebook_id, _ = await recorded(store, MANY)
        store.disk.failure = StoreUnavailable("The disk is full.")
        housekeeper = Housekeeper(store, Retention(events=10), interval=0.01)
        keeping = asyncio.ensure_future(housekeeper.run())
        await store.tried.wait()
        store.disk.failure = None
        await store.done.wait()
        assert await store.first_seq(notebook_id) > 1
        keeping.cancel()
    assert "The disk is full." in caplog.text
