"""What every event log does."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from jupyter_runt.errors import Compacted, StaleFence, StoreUnavailable
from jupyter_runt.events.base import Draft, Event
from jupyter_runt.events.codec import document_updated
from jupyter_runt.events.document import CellCreated
from jupyter_runt.events.execution import ExecutionStarted
from jupyter_runt.events.outputs import OutputsCleared
from jupyter_runt.ids import ActorId, CellId, ExecutionId, NotebookId, Seq
from jupyter_runt.protocols import Snapshot

ADA = ActorId("user:ada")
NOTEBOOK = NotebookId("notebook")
OTHER = NotebookId("other")


def started(name: str, caused_by: str | None = None) -> Draft:
    payload = ExecutionStarted(execution_id=ExecutionId(name))
    return Draft(payload=payload, actor=ADA, caused_by=caused_by)


def typed(update: bytes) -> Draft:
    change = CellCreated(cell_id=CellId("ü"), cell_type="code", index=0)
    return Draft(payload=document_updated(update, (change,)), actor=ADA)


def names(events: list[Event]) -> list[Any]:
    return [getattr(event.payload, "execution_id", event.name) for event in events]


@pytest.mark.rule("EL3")
@pytest.mark.asyncio
async def test_events_are_numbered_from_one_in_each_log(place):
    async with place.store() as store:
        assert await store.head(NOTEBOOK) == 0
        first = await store.append(NOTEBOOK, [started("a"), started("b")])
        second = await store.append(NOTEBOOK, [started("c")])
        other = await store.append(OTHER, [started("d")])
        assert [event.seq for event in [*first, *second, *other]] == [1, 2, 3, 1]
        assert (await store.head(NOTEBOOK), await store.head(OTHER)) == (3, 1)


@pytest.mark.rule("EL1", "EL2")
@pytest.mark.asyncio
async def test_what_was_appended_is_read_back_as_it_was(place):
    async with place.store() as store:
        appended = await store.append(
            NOTEBOOK,
            [typed(b"\x00\xff not text"), typed(b""), started("ein Stück 📓", "command:1")],
        )
        assert await store.read(NOTEBOOK, Seq(0)) == appended
    async with place.store() as store:
        assert await store.read(NOTEBOOK, Seq(0)) == appended


@pytest.mark.rule("EL1")
@pytest.mark.asyncio
async def test_an_event_carries_its_actor_cause_and_time(place):
    async with place.store() as store:
        [event] = await store.append(NOTEBOOK, [started("a", "command:1")])
        assert (event.notebook_id, event.actor, event.caused_by) == (NOTEBOOK, ADA, "command:1")
        assert event.recorded_at.endswith("Z")
        recorded_at = datetime.fromisoformat(event.recorded_at)
        assert abs(datetime.now(recorded_at.tzinfo) - recorded_at) < timedelta(minutes=1)


@pytest.mark.rule("EL1")
@pytest.mark.asyncio
async def test_an_append_of_nothing_changes_nothing(place):
    async with place.store() as store:
        assert await store.append(NOTEBOOK, []) == []
        assert await store.head(NOTEBOOK) == 0


@pytest.mark.rule("EL2")
@pytest.mark.asyncio
async def test_a_read_is_limited_and_goes_on_where_the_last_one_ended(place):
    async with place.store() as store:
        await store.append(NOTEBOOK, [started(name) for name in "abcde"])
        page = await store.read(NOTEBOOK, Seq(1), limit=2)
        assert names(page) == ["b", "c"]
        assert names(await store.read(NOTEBOOK, page[-1].seq)) == ["d", "e"]
        assert await store.read(NOTEBOOK, Seq(5)) == []


@pytest.mark.rule("EL2")
@pytest.mark.asyncio
async def test_a_read_can_ask_for_events_of_some_names_only(place):
    async with place.store() as store:
        cleared = Draft(payload=OutputsCleared(cell_ids=(CellId("x"),)), actor=ADA)
        await store.append(NOTEBOOK, [typed(b"1"), started("a"), cleared, started("b")])

        async def seqs(*wanted: str, after: int = 0, limit: int = 1000) -> list[int]:
            found = await store.read(NOTEBOOK, Seq(after), limit=limit, names=frozenset(wanted))
            return [event.seq for event in found]

        assert await seqs("v1.ExecutionStarted") == [2, 4]
        assert await seqs("v1.ExecutionStarted", "v1.OutputsCleared", after=2) == [3, 4]
        assert await seqs("v1.ExecutionStarted", "v1.DocumentUpdated") == [1, 2, 4]
        assert await seqs("v1.ExecutionStarted", limit=1) == [2]
        assert await seqs() == []


@pytest.mark.rule("EX2")
@pytest.mark.asyncio
async def test_what_a_command_led_to_is_found_after_a_restart(place):
    async with place.store() as store:
        await store.append(NOTEBOOK, [started("a", "command:1"), started("b", "command:2")])
        await store.append(NOTEBOOK, [typed(b"1"), started("c", "command:1")])
        await store.append(OTHER, [started("d", "command:1")])
    async with place.store() as store:
        assert names(await store.caused_by(NOTEBOOK, "command:1")) == ["a", "c"]
        assert await store.caused_by(NOTEBOOK, "command:3") == []


@pytest.mark.rule("EL1", "EL3")
@pytest.mark.asyncio
async def test_what_is_appended_without_waiting_is_in_the_log_like_all_else(place):
    async with place.store("one") as store, place.store("two") as other:
        [first] = await store.append(NOTEBOOK, [started("a")])
        drafts = [typed(b"1")]
        [second] = store.append_now(NOTEBOOK, drafts) or await store.append(NOTEBOOK, drafts)
        [third] = await store.append(NOTEBOOK, [started("b")])
        assert [first.seq, second.seq, third.seq] == [1, 2, 3]
        assert await other.read(NOTEBOOK, Seq(0)) == [first, second, third]


@pytest.mark.rule("EL3", "EL5")
@pytest.mark.asyncio
async def test_what_cannot_be_appended_without_waiting_leaves_nothing(place):
    async with place.store() as store:
        waiting = asyncio.ensure_future(store.append(NOTEBOOK, [typed(bytes(100_000))]))
        await asyncio.sleep(0)
        at_once = store.append_now(NOTEBOOK, [started("a")]) or []
        assert [event.seq for event in [*await waiting, *at_once]] == list(
            range(1, 2 + len(at_once))
        )
    assert store.append_now(NOTEBOOK, [started("b")]) is None


@pytest.mark.rule("EL3")
@pytest.mark.asyncio
async def test_concurrent_appends_stay_whole_and_in_the_order_in_which_they_came(place):
    async with place.store() as store:
        async with asyncio.TaskGroup() as group:
            for writer in range(50):
                group.create_task(
                    store.append(NOTEBOOK, [started(f"{writer}.{part}") for part in range(3)])
                )
        events = await store.read(NOTEBOOK, Seq(0))
        assert [event.seq for event in events] == list(range(1, 151))
        assert names(events) == [f"{writer}.{part}" for writer in range(50) for part in range(3)]


@pytest.mark.rule("EL3", "EX1")
@pytest.mark.asyncio
async def test_an_append_under_an_old_fence_is_refused_and_leaves_nothing(place):
    async with place.store() as store:
        old = await store.acquire(NOTEBOOK, "runtime", {})
        await store.append(NOTEBOOK, [started("a")], fence=old.fence)
        new = await store.acquire(NOTEBOOK, "runtime", {})
        with pytest.raises(StaleFence):
            await store.append(NOTEBOOK, [started("b")], fence=old.fence)
        [event] = await store.append(NOTEBOOK, [started("c")], fence=new.fence)
        assert event.seq == 2


@pytest.mark.rule("EL3", "EX1")
@pytest.mark.asyncio
async def test_an_append_under_a_fence_needs_a_lease(place):
    async with place.store() as store:
        with pytest.raises(StaleFence):
            await store.append(NOTEBOOK, [started("a")], fence=1)
        lease = await store.acquire(NOTEBOOK, "runtime", {})
        await store.release(lease)
        with pytest.raises(StaleFence):
            await store.append(NOTEBOOK, [started("b")], fence=lease.fence)
        documents = await store.acquire(OTHER, "documents", {})
        with pytest.raises(StaleFence):
            await store.append(OTHER, [started("c")], fence=documents.fence)


@pytest.mark.rule("EL3", "EL6")
@pytest.mark.asyncio
async def test_a_refused_append_does_not_harm_those_beside_it(place):
    async with place.store() as store:
        outcomes = await asyncio.gather(
            store.append(NOTEBOOK, [started("a")]),
            store.append(NOTEBOOK, [started("b")], fence=7),
            store.append(NOTEBOOK, [started("c")]),
            return_exceptions=True,
        )
        assert isinstance(outcomes[1], StaleFence)
        assert names(await store.read(NOTEBOOK, Seq(0))) == ["a", "c"]
        assert await store.head(NOTEBOOK) == 2


@pytest.mark.rule("EL1")
@pytest.mark.asyncio
async def test_whoever_waits_for_growth_is_woken_by_it(place):
    async with place.store() as store:
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            here = group.create_task(store.grown(NOTEBOOK, Seq(0)))
            also = group.create_task(store.grown(NOTEBOOK, Seq(1)))
            elsewhere = group.create_task(store.grown(OTHER, Seq(0)))
            await asyncio.wait([here], timeout=0.02)
            assert not here.done()
            await store.append(NOTEBOOK, [started("a")])
            assert await here == 1
            assert not also.done()
            await store.append(NOTEBOOK, [started("b")])
            assert await also == 2
            assert not elsewhere.done()
            elsewhere.cancel()
        assert await store.grown(NOTEBOOK, Seq(1)) == 2


@pytest.mark.rule("EL1")
@pytest.mark.asyncio
async def test_growth_is_noticed_when_another_server_appended(place):
    async with (
        asyncio.timeout(30),
        place.store("one") as one,
        place.store("two") as two,
        asyncio.TaskGroup() as group,
    ):
        grown = group.create_task(one.grown(NOTEBOOK, Seq(0)))
        await asyncio.wait([grown], timeout=0.02)
        await two.append(NOTEBOOK, [started("a")])
        assert await grown == 1


@pytest.mark.rule("EL1")
@pytest.mark.asyncio
async def test_a_watch_hears_of_every_event_that_was_not_read(place):
    async with (
        asyncio.timeout(30),
        place.store("one") as one,
        place.store("two") as two,
    ):
        await one.append(NOTEBOOK, [started("a")])
        with one.watch(NOTEBOOK) as watch:
            assert len(await one.read(NOTEBOOK, Seq(0))) == 1
            await one.append(NOTEBOOK, [started("b")])
            assert await watch.beyond(Seq(1)) == 2
            await two.append(NOTEBOOK, [started("c")])
            assert len(await one.read(NOTEBOOK, Seq(1))) == 2
            await two.append(NOTEBOOK, [started("d")])
            assert await watch.beyond(Seq(3)) == 4


@pytest.mark.rule("EL1")
@pytest.mark.asyncio
async def test_a_watch_has_at_hand_what_was_appended_here_and_nothing_with_a_gap(place):
    async with place.store("one") as one, place.store("two") as two:
        with one.watch(NOTEBOOK) as watch:
            assert watch.tail(Seq(0)) is None
            await one.append(NOTEBOOK, [started("a"), started("b")])
            assert watch.tail(Seq(0)) == await one.read(NOTEBOOK, Seq(0))
            await one.append(NOTEBOOK, [started("c")])
            assert watch.tail(Seq(1)) == await one.read(NOTEBOOK, Seq(1))
            assert watch.tail(Seq(3)) == []
            await two.append(NOTEBOOK, [started("d")])
            await watch.beyond(Seq(3))
            assert watch.tail(Seq(3)) is None
            await one.append(NOTEBOOK, [started("e")])
            assert watch.tail(Seq(3)) is None
            assert watch.tail(Seq(4)) == await one.read(NOTEBOOK, Seq(4))


@pytest.mark.rule("EL1")
@pytest.mark.asyncio
async def test_a_reader_who_leaves_waits_no_more(place):
    async with asyncio.timeout(30), place.store() as store:
        with store.watch(NOTEBOOK) as watch:
            waiting = asyncio.ensure_future(watch.beyond(Seq(0)))
            await asyncio.wait([waiting], timeout=0.02)
            watch.leave()
            assert await waiting == 0


@pytest.mark.rule("EL5")
@pytest.mark.asyncio
async def test_a_closed_store_tells_everybody_so(place):
    async with asyncio.timeout(30):
        async with place.store() as store:
            waiting = asyncio.ensure_future(store.grown(NOTEBOOK, Seq(0)))
            await asyncio.wait([waiting], timeout=0.02)
        with pytest.raises(StoreUnavailable):
            await waiting
        with pytest.raises(StoreUnavailable):
            await store.append(NOTEBOOK, [started("a")])
        with pytest.raises(StoreUnavailable):
            await store.head(NOTEBOOK)


@pytest.mark.rule("EL4")
@pytest.mark.asyncio
async def test_the_last_snapshot_of_each_kind_is_found(place):
    async with place.store() as store:
        assert await store.snapshot(NOTEBOOK, "document") is None
        for seq in (2, 9, 5):
            await store.put_snapshot(NOTEBOOK, "document", Snapshot(Seq(seq), b"%d" % seq))
        await store.put_snapshot(NOTEBOOK, "runtime", Snapshot(Seq(3), b"runtime"))
    async with place.store() as store:
        assert await store.snapshot(NOTEBOOK, "document") == Snapshot(Seq(9), b"9")
        assert await store.snapshot(NOTEBOOK, "document", Seq(8)) == Snapshot(Seq(5), b"5")
        assert await store.snapshot(NOTEBOOK, "document", Seq(1)) is None
        assert await store.snapshot(NOTEBOOK, "runtime") == Snapshot(Seq(3), b"runtime")
        assert await store.snapshot(OTHER, "document") is None


@pytest.mark.rule("EL4")
@pytest.mark.asyncio
async def test_a_snapshot_of_the_same_kind_and_place_is_replaced(place):
    async with place.store() as store:
        await store.put_snapshot(NOTEBOOK, "document", Snapshot(Seq(1), b"old"))
        await store.put_snapshot(NOTEBOOK, "document", Snapshot(Seq(1), b"new"))
        assert await store.snapshot(NOTEBOOK, "document") == Snapshot(Seq(1), b"new")


@pytest.mark.rule("EL4")
@pytest.mark.asyncio
async def test_a_read_below_the_floor_is_refused_and_says_where_it_is(place):
    async with place.store() as store:
        await store.append(NOTEBOOK, [started(name) for name in "abcde"])
        place.compact(NOTEBOOK, Seq(4))
        with pytest.raises(Compacted) as caught:
            await store.read(NOTEBOOK, Seq(2))
        assert caught.value.detail == {"first_seq": 4}
        assert names(await store.read(NOTEBOOK, Seq(3))) == ["d", "e"]


@pytest.mark.rule("EL3", "EL4")
@pytest.mark.asyncio
async def test_numbers_go_on_where_everything_was_compacted(place):
    async with place.store() as store:
        await store.append(NOTEBOOK, [started("a"), started("b")])
        place.compact(NOTEBOOK, Seq(3))
        assert await store.head(NOTEBOOK) == 2
        assert await store.read(NOTEBOOK, Seq(2)) == []
        [event] = await store.append(NOTEBOOK, [started("c")])
        assert event.seq == 3


@pytest.mark.rule("EL1")
@pytest.mark.asyncio
async def test_an_append_whose_caller_gave_up_harms_nobody(place):
    async with place.store() as store:
        given_up = asyncio.ensure_future(store.append(NOTEBOOK, [started("a")]))
        await asyncio.wait([given_up], timeout=0)
        given_up.cancel()
        await asyncio.wait([given_up])
        [event] = await store.append(NOTEBOOK, [started("b")])
        events = await store.read(NOTEBOOK, Seq(0))
        assert events[-1] == event
        assert [found.seq for found in events] == list(range(1, event.seq + 1))
