import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pycrdt import Array, Doc, Map

from jupyter_runt.document.materialize import RuntimeState
from jupyter_runt.errors import StaleFence, StoreUnavailable
from jupyter_runt.events.base import Draft
from jupyter_runt.events.execution import ExecutionCancelled, ExecutionRequested
from jupyter_runt.ids import ActorId, CellId, ExecutionId, NotebookId, Seq
from jupyter_runt.protocols import FileIdentity
from jupyter_runt.session import writer as module
from jupyter_runt.session.writer import Writer
from jupyter_runt.storage.compaction import compact
from jupyter_runt.storage.memory import MemoryStore
from jupyter_runt.storage.retention import Retention
from tests.unit.session.workspace import until

pytestmark = pytest.mark.asyncio

NOTEBOOK = NotebookId("n")
ADA = ActorId("user:ada")


def request(execution_id: str) -> Draft:
    payload = ExecutionRequested(
        execution_id=ExecutionId(execution_id),
        cell_id=CellId(f"cell of {execution_id}"),
        source="",
        document_seq=Seq(0),
        requested_by=ADA,
    )
    return Draft(payload=payload, actor=ADA)


async def shown(writer: Writer) -> tuple[bytes, list[str]]:
    """Return the Yjs state of the runtime room, and the executions in it."""

    def view(doc: Any) -> tuple[bytes, list[str]]:
        return doc.doc.get_state(), sorted(doc.executions.keys())

    writer.show()
    return await writer.room.read(view)


@asynccontextmanager
async def updates_of(writer: Writer) -> AsyncIterator[list[bytes]]:
    """The changes of the runtime room from now on."""
    got: list[bytes] = []
    subscription = await writer.room.read(
        lambda doc: doc.doc.observe(lambda event: got.append(event.update))
    )
    yield got
    await writer.room.read(lambda doc: doc.doc.unobserve(subscription))


@pytest.mark.rule("EL1")
async def test_events_are_in_the_log_the_state_and_the_room() -> None:
    async with MemoryStore() as store, Writer(NOTEBOOK, store) as writer:
        recorded = []
        writer.on_record = lambda: recorded.append(writer.state.queue)
        events = await writer.append(request("a"), request("b"))
        assert [event.seq for event in events] == [1, 2]
        assert await store.read(NOTEBOOK, Seq(0)) == events
        assert writer.state.queue == ("a", "b")
        assert (await shown(writer))[1] == ["a", "b"]
        assert recorded == [("a", "b")]


async def test_where_executions_are_reaches_the_room_by_itself() -> None:
    async with MemoryStore() as store, Writer(NOTEBOOK, store) as writer, updates_of(writer) as got:
        await writer.append(request("a"))
        await until(lambda: got)


async def test_a_short_cell_is_one_change_of_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHOW_SECONDS", 3600.0)
    async with MemoryStore() as store, Writer(NOTEBOOK, store) as writer, updates_of(writer) as got:
        await writer.append(request("a"))
        await writer.append(request("b"))
        assert got == []
        assert (await shown(writer))[1] == ["a", "b"]
        assert len(got) == 1
        cancelled = ExecutionCancelled(execution_id=ExecutionId("a"), reason="Enough.")
        await writer.append(Draft(payload=cancelled, actor=ADA))
        await until(lambda: len(got) == 2)


@pytest.mark.rule("EL1", "EL5")
async def test_what_the_store_refuses_is_nowhere() -> None:
    async with MemoryStore() as store, Writer(NOTEBOOK, store) as writer:
        store.disk.failure = StoreUnavailable("full")
        with pytest.raises(StoreUnavailable):
            await writer.append(request("a"))
        store.disk.failure = None
        with pytest.raises(StaleFence):
            await writer.append(request("a"), fence=7)
        assert writer.state == RuntimeState()
        assert (await shown(writer))[1] == []
        await writer.append(request("a"))
        assert writer.state.queue == ("a",)


@pytest.mark.rule("EL3")
async def test_nothing_comes_between_a_look_at_the_state_and_its_events() -> None:
    async with MemoryStore() as store, Writer(NOTEBOOK, store) as writer:

        async def one_more(state: RuntimeState) -> Sequence[Draft]:
            await asyncio.sleep(0)
            return [request(f"e{len(state.queue)}")]

        await asyncio.gather(*(writer.record(one_more) for _ in range(20)))
        assert writer.state.queue == tuple(f"e{n}" for n in range(20))


class Lingering(MemoryStore):
    """A store that takes its time to say that something is in the log."""

    def __init__(self) -> None:
        super().__init__()
        self.written = asyncio.Event()

    async def append(self, *args: Any, **options: Any) -> Any:
        events = await super().append(*args, **options)
        self.written.set()
        await asyncio.Event().wait()
        return events


@pytest.mark.rule("EL2", "EX2")
async def test_the_state_has_what_was_appended_though_who_asked_was_cancelled() -> None:
    async with Lingering() as store, Writer(NOTEBOOK, store) as writer:
        waiting = asyncio.create_task(writer.changed())
        asking = asyncio.create_task(writer.append(request("a")))
        await store.written.wait()
        asking.cancel()
        await asyncio.wait([asking])
        assert asking.cancelled()
        await asyncio.wait_for(waiting, 30)
        assert writer.state.queue == ("a",)
        assert (await shown(writer))[1] == ["a"]


@pytest.mark.rule("EL2", "EX2")
async def test_a_decision_is_made_on_what_the_log_says_though_it_could_not_be_read_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Lingering() as store, Writer(NOTEBOOK, store) as writer:
        asking = asyncio.create_task(writer.append(request("a")))
        await store.written.wait()
        with monkeypatch.context() as patch:

            async def unreadable(*_: Any, **__: Any) -> Any:
                raise StoreUnavailable("locked")

            patch.setattr(store, "read", unreadable)
            asking.cancel()
            await asyncio.wait([asking])
        assert asking.cancelled()
        seen: list[Any] = []

        async def look(state: RuntimeState) -> Sequence[Draft]:
            seen.append(state.queue)
            return []

        await writer.record(look)
        assert seen == [("a",)]


class PanicException(BaseException):
    pass


def panic(_doc: Any) -> None:
    raise PanicException


@pytest.mark.rule("EL2", "EL4", "RM2")
@pytest.mark.parametrize("snapshot_every", [3, 500])
async def test_a_runtime_room_loads_again_although_its_events_were_folded_away(
    monkeypatch: pytest.MonkeyPatch, snapshot_every: int
) -> None:
    monkeypatch.setattr(module, "SNAPSHOT_EVERY", snapshot_every)
    async with MemoryStore() as store:
        known, _ = await store.resolve(FileIdentity("a.ipynb"))
        async with Writer(known.notebook_id, store) as writer:
            for name in "abcde":
                await writer.append(request(name))
            writer.show()
            before = await writer.room.read(lambda doc: doc.doc.get_update())
            await store.checkpointed(known.notebook_id, known.file, Seq(5))
            await compact(store, known.notebook_id, Retention(events=0))
            assert await store.first_seq(known.notebook_id) == 6
            with pytest.raises(Exception, match="PanicException"):
                await writer.room.read(panic)
            assert await writer.room.read(lambda doc: doc.doc.get_update()) == before
            await writer.append(request("f"))
            assert (await shown(writer))[1] == list("abcdef")
            tab: Doc[Any] = Doc()
            tab.apply_update(before)
            tab.apply_update(await writer.room.read(lambda doc: doc.doc.get_update()))
            assert tab.get("queue", type=Array).to_py() == list("abcdef")


@pytest.mark.rule("EL2", "RM2")
async def test_a_runtime_room_that_had_to_load_again_shows_what_happened_since_it_was_opened() -> (
    None
):
    async with MemoryStore() as store:
        async with Writer(NOTEBOOK, store) as writer:
            await writer.append(request("a"))
            with pytest.raises(Exception, match="PanicException"):
                await writer.room.read(panic)
            await writer.append(request("b"))
            reloaded = await shown(writer)
            assert reloaded[1] == ["a", "b"]
        async with Writer(NOTEBOOK, store) as again:
            assert await shown(again) == reloaded


async def test_a_decision_for_nothing_appends_nothing() -> None:
    async with MemoryStore() as store, Writer(NOTEBOOK, store) as writer:

        async def nothing(_state: RuntimeState) -> Sequence[Draft]:
            return []

        assert await writer.record(nothing) == []
        assert await store.head(NOTEBOOK) == 0


async def test_who_waits_for_a_change_hears_of_it() -> None:
    async with MemoryStore() as store, Writer(NOTEBOOK, store) as writer:
        waiting = asyncio.create_task(writer.changed())
        await asyncio.sleep(0)
        await writer.append(request("a"))
        await asyncio.wait_for(waiting, 30)


@pytest.mark.rule("EL2")
async def test_a_second_open_has_the_same_state_and_the_same_yjs_history() -> None:
    async with MemoryStore() as store:
        async with Writer(NOTEBOOK, store) as writer:
            for name in "abc":
                await writer.append(request(name))
            cancel = ExecutionCancelled(execution_id=ExecutionId("b"), reason="")
            await writer.append(Draft(payload=cancel, actor=ADA))
            before, room_id, state = await shown(writer), writer.room.room_id, writer.state
            update = await writer.room.read(lambda doc: doc.doc.get_update())
        async with Writer(NOTEBOOK, store) as again:
            assert (await shown(again), again.room.room_id) == (before, room_id)
            assert again.state.to_json() == state.to_json()
            tab: Doc[Any] = Doc()
            tab.apply_update(update)
            tab.apply_update(await again.room.read(lambda doc: doc.doc.get_update()))
            assert tab.get("executions", type=Map).to_py().keys() == {"a", "b", "c"}


@pytest.mark.rule("EL2", "EL4")
async def test_a_long_log_is_opened_from_a_snapshot_under_a_new_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "SNAPSHOT_EVERY", 3)
    async with MemoryStore() as store:
        async with Writer(NOTEBOOK, store) as writer:
            await writer.append(*(request(name) for name in "abcd"))
            state, old = writer.state, writer.room.room_id
        async with Writer(NOTEBOOK, store) as again:
            assert again.state.to_json() == state.to_json()
            assert again.room.room_id != old
            first = await shown(again)
            await again.append(request("e"))
        async with Writer(NOTEBOOK, store) as third:
            assert third.room.room_id == again.room.room_id
            assert (await shown(third))[1] == ["a", "b", "c", "d", "e"]
            assert first[1] == ["a", "b", "c", "d"]
