"""What all leases do."""

import asyncio

import pytest

from jupyter_runt.errors import LeaseHeld, StaleFence, StoreUnavailable
from jupyter_runt.events.base import Draft
from jupyter_runt.events.outputs import OutputsCleared
from jupyter_runt.ids import ActorId, NotebookId

pytestmark = pytest.mark.rule("EX1")

NOTEBOOK = NotebookId("notebook")
DRAFTS = [Draft(payload=OutputsCleared(cell_ids=()), actor=ActorId("user:ada"))]


@pytest.mark.asyncio
async def test_every_acquisition_has_a_larger_fence(place):
    async with place.store() as store:
        first = await store.acquire(NOTEBOOK, "runtime", {"url": "http://one"})
        second = await store.acquire(NOTEBOOK, "runtime", {"url": "http://one"})
        await store.release(second)
        third = await store.acquire(NOTEBOOK, "runtime", {"url": "http://one"})
        assert first.fence < second.fence < third.fence
        assert await store.current(NOTEBOOK, "runtime") == third


@pytest.mark.asyncio
async def test_documents_and_runtime_are_two_leases(place):
    async with place.store() as store:
        documents = await store.acquire(NOTEBOOK, "documents", {})
        assert await store.current(NOTEBOOK, "runtime") is None
        assert await store.current(NOTEBOOK, "documents") == documents
        assert await store.current(NotebookId("other"), "documents") is None


@pytest.mark.asyncio
async def test_a_lease_of_a_live_server_is_refused_and_says_where_that_is(place):
    async with place.store("one") as one, place.store("two") as two:
        await one.acquire(NOTEBOOK, "documents", {"url": "http://one", "message": "hello"})
        with pytest.raises(LeaseHeld) as caught:
            await two.acquire(NOTEBOOK, "documents", {"url": "http://two"})
        assert caught.value.detail == {"url": "http://one", "message": "hello"}
        assert "http://one" in caught.value.message
        assert (await two.current(NOTEBOOK, "documents")).holder == "one"


@pytest.mark.asyncio
async def test_a_released_lease_is_free(place):
    async with place.store("one") as one, place.store("two") as two:
        await one.release(await one.acquire(NOTEBOOK, "runtime", {}))
        assert await two.current(NOTEBOOK, "runtime") is None
        assert (await two.acquire(NOTEBOOK, "runtime", {})).holder == "two"


@pytest.mark.asyncio
async def test_the_lease_of_a_server_that_ended_is_free(place):
    async with place.store("two") as two:
        async with place.store("one") as one:
            old = await one.acquire(NOTEBOOK, "runtime", {})
        assert await two.current(NOTEBOOK, "runtime") == old
        assert (await two.acquire(NOTEBOOK, "runtime", {})).fence > old.fence


@pytest.mark.asyncio
async def test_releasing_an_old_lease_does_not_end_the_new_one(place):
    async with place.store() as store:
        old = await store.acquire(NOTEBOOK, "runtime", {})
        new = await store.acquire(NOTEBOOK, "runtime", {})
        await store.release(old)
        assert await store.current(NOTEBOOK, "runtime") == new


@pytest.mark.rule("EL3")
@pytest.mark.asyncio
async def test_whose_documents_another_server_took_appends_nothing_more(place):
    async with place.store("one") as one, place.store("two") as two:
        lease = await one.acquire(NOTEBOOK, "documents", {})
        await one.append(NOTEBOOK, DRAFTS)
        assert one.append_now(NOTEBOOK, DRAFTS) or await one.append(NOTEBOOK, DRAFTS)
        place.take_for_dead("one")
        taken = await two.acquire(NOTEBOOK, "documents", {})
        for fence in (None, 1):
            with pytest.raises(StaleFence):
                await one.append(NOTEBOOK, DRAFTS, fence=fence)
        assert one.append_now(NOTEBOOK, DRAFTS) is None
        await one.append(NotebookId("other"), DRAFTS)
        await two.append(NOTEBOOK, DRAFTS)
        await one.release(lease)
        assert await one.current(NOTEBOOK, "documents") == taken
        assert await two.head(NOTEBOOK) == 3


@pytest.mark.asyncio
async def test_one_of_many_servers_at_once_gets_the_lease(place):
    async with place.store("one") as one, place.store("two") as two:
        outcomes = await asyncio.gather(
            *(store.acquire(NOTEBOOK, "runtime", {}) for store in [one, two] * 5),
            return_exceptions=True,
        )
        taken = [lease for lease in outcomes if not isinstance(lease, LeaseHeld)]
        assert len(taken) == 5
        assert len({lease.holder for lease in taken}) == 1
        assert len({lease.fence for lease in taken}) == 5


@pytest.mark.asyncio
async def test_no_two_live_servers_have_one_id(place):
    async with place.store("one"):
        with pytest.raises(StoreUnavailable):
            async with place.store("one"):
                pass
    async with place.store("one"):
        pass
