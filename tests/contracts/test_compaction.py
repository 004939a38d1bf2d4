"""What compaction does to any store."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt.document.text import TextDoc
from jupyter_runt.errors import Compacted, Conflict
from jupyter_runt.events.base import Draft, Event
from jupyter_runt.events.codec import document_updated
from jupyter_runt.events.document import VersionKept
from jupyter_runt.ids import NotebookId, Seq
from jupyter_runt.protocols import Snapshot
from jupyter_runt.session.history import kept_at, notebook_at
from jupyter_runt.session.writer import Writer
from jupyter_runt.storage.compaction import SLICE, compact, origin
from jupyter_runt.storage.memory import MemoryStore
from jupyter_runt.storage.replay import Content, Inconsistent, Replay, pages
from jupyter_runt.storage.retention import Retention
from jupyter_runt.storage.sqlite import SqliteStore
from jupyter_runt.storage.verification import verify
from tests.contracts.histories import ADA, Author, checkpoint, recorded, registered

COMPACTOR = Path(__file__).with_name("compactor.py")
ROOT = Path(__file__).parents[2]
FEW = Retention(events=5)


async def replayed(store: Any, notebook_id: NotebookId) -> Content:
    """Return what the log says, from the start of what there is."""
    replay = await origin(store, notebook_id)
    async for events in pages(store, notebook_id, replay.seq, await store.head(notebook_id)):
        replay.apply(events)
    return replay.content()


async def reopened(store: Any, notebook_id: NotebookId) -> Content:
    """Return what a cold start makes of it."""
    document = await store.snapshot(notebook_id, "document")
    replay = Replay(document, await store.snapshot(notebook_id, "runtime"))
    async for events in pages(store, notebook_id, replay.seq, await store.head(notebook_id)):
        replay.apply(events)
    return replay.content()


async def every_moment(store: Any, notebook_id: NotebookId, first: int) -> dict[int, Any]:
    """Return the notebook as it was at each `seq` from `first` on."""
    head = await store.head(notebook_id)
    return {
        seq: await notebook_at(store, notebook_id, Seq(seq), always_ids=True)
        for seq in range(first, head + 1)
    }


@pytest.mark.rule("EL4", "RM3")
@pytest.mark.asyncio
async def test_a_kept_version_stays_until_a_limit_lets_its_time_go(place):
    theirs = VersionKept(reason="foreign_history", message="A tab held it.", content={"cells": []})
    async with place.store() as store:
        notebook_id, head = await recorded(store, range(20))
        [kept] = await store.append(notebook_id, [Draft(payload=theirs, actor=ADA)])
        await store.append(notebook_id, Author().work([0]))
        await checkpoint(store, notebook_id, await store.head(notebook_id))
        assert (await compact(store, notebook_id, Retention())).folded == 0
        assert await kept_at(store, notebook_id, kept.seq) == theirs
        before = await replayed(store, notebook_id)
        assert (await compact(store, notebook_id, Retention(events=2))).folded == head
        assert await kept_at(store, notebook_id, kept.seq) == theirs
        assert (await compact(store, notebook_id, Retention(events=1))).folded == 1
        assert await kept_at(store, notebook_id, kept.seq) is None
        assert await replayed(store, notebook_id) == before
    async with place.store() as store:
        assert await replayed(store, notebook_id) == before


@pytest.mark.rule("EL4")
@pytest.mark.asyncio
async def test_old_events_become_a_snapshot_that_says_the_same(place):
    async with place.store() as store:
        notebook_id, head = await recorded(store, range(60))
        before = await replayed(store, notebook_id)
        moments = await every_moment(store, notebook_id, head - 5)
        done = await compact(store, notebook_id, FEW)
        assert (done.first_seq, done.folded) == (head - 4, head - 5)
        assert await replayed(store, notebook_id) == before
        assert await reopened(store, notebook_id) == before
        assert await every_moment(store, notebook_id, head - 5) == moments
    async with place.store() as store:
        assert await replayed(store, notebook_id) == before


@pytest.mark.rule("EL4")
@pytest.mark.asyncio
async def test_whoever_asks_for_folded_events_is_told_where_the_log_begins(place):
    async with place.store() as store:
        notebook_id, head = await recorded(store, range(30))
        await compact(store, notebook_id, FEW)
        with pytest.raises(Compacted) as caught:
            await store.read(notebook_id, Seq(0))
        assert caught.value.detail == {"first_seq": head - 4}
        assert await store.first_seq(notebook_id) == head - 4
        with pytest.raises(Compacted):
            await notebook_at(store, notebook_id, Seq(head - 6))


@pytest.mark.rule("EL3", "EL4")
@pytest.mark.asyncio
async def test_a_log_goes_on_after_all_of_it_was_folded(place):
    async with place.store() as store:
        notebook_id, head = await recorded(store, range(20))
        await compact(store, notebook_id, Retention(events=0))
        assert await store.read(notebook_id, head) == []
        author = Author()
        author.doc.apply([(await store.snapshot(notebook_id, "document")).data])
        [event, *_] = await store.append(notebook_id, author.work(range(100, 110)))
        assert event.seq == head + 1
        await checkpoint(store, notebook_id, await store.head(notebook_id))
        now = await replayed(store, notebook_id)
        await compact(store, notebook_id, Retention(events=1))
        assert await replayed(store, notebook_id) == now


@pytest.mark.rule("EL4")
@pytest.mark.asyncio
async def test_everything_is_kept_by_default(place):
    async with place.store() as store:
        notebook_id, head = await recorded(store, range(30))
        done = await compact(store, notebook_id, Retention())
        assert (done.first_seq, done.folded) == (1, 0)
        assert len(await store.read(notebook_id, Seq(0))) == head


@pytest.mark.rule("EL4")
@pytest.mark.asyncio
async def test_nothing_above_the_last_checkpoint_of_the_file_is_folded(place):
    async with place.store() as store:
        notebook_id, _ = await recorded(store, range(30))
        await checkpoint(store, notebook_id, 12)
        base = await notebook_at(store, notebook_id, Seq(12), always_ids=True)
        done = await compact(store, notebook_id, FEW)
        assert done.first_seq == 13
        assert await notebook_at(store, notebook_id, Seq(12), always_ids=True) == base


@pytest.mark.rule("EL4")
@pytest.mark.asyncio
async def test_a_log_without_a_checkpoint_is_left_alone(place):
    async with place.store() as store:
        notebook_id = await registered(store)
        await store.append(notebook_id, Author().work(range(20)))
        assert (await compact(store, notebook_id, FEW)).folded == 0


@pytest.mark.rule("EL4")
@pytest.mark.asyncio
async def test_a_store_deletes_nothing_that_no_snapshot_replaces(place):
    async with place.store() as store:
        notebook_id, head = await recorded(store, range(20))
        with pytest.raises(Conflict):
            await store.fold(notebook_id, Seq(9), 100)
        await store.put_snapshot(notebook_id, "document", Snapshot(Seq(9), b""))
        with pytest.raises(Conflict):
            await store.fold(notebook_id, Seq(9), 100)
        await store.put_snapshot(notebook_id, "runtime", Snapshot(Seq(9), b""))
        await checkpoint(store, notebook_id, 8)
        with pytest.raises(Conflict):
            await store.fold(notebook_id, Seq(9), 100)
        assert len(await store.read(notebook_id, Seq(0))) == head


@pytest.mark.rule("EL4")
@pytest.mark.parametrize("kind", ["document", "runtime"])
@pytest.mark.asyncio
async def test_a_snapshot_that_says_something_else_stops_the_compaction(place, kind):
    async with place.store() as store:
        notebook_id, head = await recorded(store, range(30))
        stranger = Replay()
        other, _ = await recorded(store, range(40, 60), "other.ipynb")
        stranger.apply(await store.read(other, Seq(0)))
        wrong = {"document": stranger.document_snapshot, "runtime": stranger.runtime_snapshot}
        await store.put_snapshot(notebook_id, kind, Snapshot(head, wrong[kind]().data))
        with pytest.raises(Inconsistent, match="cold start"):
            await compact(store, notebook_id, FEW)
        assert len(await store.read(notebook_id, Seq(0))) == head


@pytest.mark.rule("EL4", "EL5")
@pytest.mark.parametrize("kind", ["document", "runtime"])
@pytest.mark.asyncio
async def test_a_snapshot_that_is_none_stops_the_compaction(place, kind):
    async with place.store() as store:
        notebook_id, head = await recorded(store, range(30))
        await store.put_snapshot(notebook_id, kind, Snapshot(head, b"\xff\xff\xffgarbage"))
        with pytest.raises(Inconsistent, match=f"snapshot at {head}"):
            await compact(store, notebook_id, FEW)
        assert len(await store.read(notebook_id, Seq(0))) == head


@pytest.mark.rule("EL4", "EL5")
@pytest.mark.asyncio
async def test_an_update_that_is_none_stops_the_compaction(place):
    async with place.store() as store:
        notebook_id, _ = await recorded(store, range(30))
        broken = Draft(payload=document_updated(b"\xff\xff\xffgarbage", ()), actor=ADA)
        await store.append(notebook_id, [broken])
        with pytest.raises(Inconsistent, match="refuses one of the events"):
            await compact(store, notebook_id, FEW)
        assert len(await store.read(notebook_id, Seq(0))) == await store.head(notebook_id)


@pytest.mark.rule("EL4")
@pytest.mark.asyncio
async def test_snapshots_that_nothing_needs_go(place):
    async with place.store() as store:
        notebook_id, head = await recorded(store, range(60))
        replay = Replay()
        for event in await store.read(notebook_id, Seq(0)):
            replay.apply([event])
            if event.seq % 2 == 0:
                await store.put_snapshot(notebook_id, "document", replay.document_snapshot())
        await checkpoint(store, notebook_id, 34)
        before = await replayed(store, notebook_id)
        assert (await compact(store, notebook_id, Retention(events=head - 15))).pruned > 10
        last = head - head % 2
        assert await store.snapshot_seqs(notebook_id, "document") == [15, 34, last]
        assert await store.snapshot_seqs(notebook_id, "runtime") == [15]
        assert await replayed(store, notebook_id) == before
        assert await reopened(store, notebook_id) == before


@pytest.mark.rule("EL4")
@pytest.mark.asyncio
async def test_a_text_file_is_folded_as_a_notebook_is(place):
    async with place.store() as store:
        notebook_id = await registered(store, "notes.txt")
        doc = TextDoc()
        for number in range(20):
            done = doc.transact(lambda n=number: doc.replace(f"line {n} of ü📓\n" * (n + 1)))
            draft = Draft(payload=document_updated(done.update, done.changes), actor=ADA)
            await store.append(notebook_id, [draft])
        await checkpoint(store, notebook_id, 20)
        await compact(store, notebook_id, FEW)
        assert (await reopened(store, notebook_id)).text == doc.content()


class Slow:
    """A store whose folding is watched, and beside which somebody types."""

    def __init__(self, store: Any, drafts: Sequence[Draft]) -> None:
        self._store = store
        self._drafts = list(drafts)
        self.folded: list[int] = []
        self.appended: list[Event] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def read(self, notebook_id, after, **options):
        await self._type(notebook_id)
        return await self._store.read(notebook_id, after, **options)

    async def fold(self, notebook_id, until, limit):
        before = await self._store.first_seq(notebook_id)
        await self._type(notebook_id)
        after = await self._store.fold(notebook_id, until, limit)
        self.folded.append(after - before)
        return after

    async def _type(self, notebook_id):
        if self._drafts:
            self.appended += await self._store.append(notebook_id, [self._drafts.pop(0)])


@pytest.mark.rule("EL3", "EL4")
@pytest.mark.asyncio
async def test_people_type_while_a_log_is_folded_in_slices(place):
    async with place.store() as store:
        notebook_id = await registered(store)
        author = Author()
        await store.append(notebook_id, author.work([n % 3 + 7 * (n // 3) for n in range(1200)]))
        head = await store.head(notebook_id)
        await checkpoint(store, notebook_id, head)
        slow = Slow(store, [draft for n in range(4) for draft in author.do(n)])
        done = await compact(slow, notebook_id, Retention(events=10))
        assert done.folded == sum(slow.folded) == head - 10
        assert max(slow.folded) == SLICE
        assert [event.seq for event in slow.appended] == [head + n for n in range(1, 5)]
        now = await reopened(store, notebook_id)
        assert now.notebook == author.doc.notebook(always_ids=True)


class Folding:
    """A store that is compacted between a look for a snapshot and the events after it."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._folded = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def read(self, notebook_id, after, **options):
        if not self._folded:
            self._folded = True
            await compact(self._store, notebook_id, FEW)
        return await self._store.read(notebook_id, after, **options)


@pytest.mark.rule("EL4")
@pytest.mark.asyncio
async def test_whoever_opens_a_notebook_in_the_middle_of_a_compaction_gets_it_whole(place):
    async with place.store() as store:
        notebook_id, head = await recorded(store, range(60))
        expected = await replayed(store, notebook_id)
        then = await notebook_at(Folding(store), notebook_id, head, always_ids=True)
        assert then == expected.notebook
    async with place.store() as store:
        notebook_id, _ = await recorded(store, range(60), "b.ipynb")
        expected = await replayed(store, notebook_id)
        async with Writer(notebook_id, Folding(store)) as writer:
            assert writer.state == expected.runtime


things = st.lists(st.integers(0, 200), min_size=1, max_size=40)


@pytest.mark.rule("EL2", "EL4")
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@given(
    rounds=st.lists(st.tuples(things, st.floats(0, 1), st.integers(0, 30)), max_size=3, min_size=1)
)
def test_what_is_kept_says_the_same_before_and_after(kind, rounds):
    async def run(store: Any) -> None:
        async with store:
            notebook_id = await registered(store)
            author = Author()
            for work, saved, keep in rounds:
                await store.append(notebook_id, author.work(work))
                head = await store.head(notebook_id)
                first = await store.first_seq(notebook_id)
                saved_at = max(
                    first - 1, await store.checkpoint_seq(notebook_id), int(saved * head)
                )
                await checkpoint(store, notebook_id, saved_at)
                before = await replayed(store, notebook_id)
                moments = await every_moment(store, notebook_id, first - 1)
                done = await compact(store, notebook_id, Retention(events=keep))
                assert done.first_seq == max(first, 1 + min(saved_at, head - keep))
                assert await replayed(store, notebook_id) == before
                assert await reopened(store, notebook_id) == before
                kept = await every_moment(store, notebook_id, done.first_seq - 1)
                assert kept == {seq: moments[seq] for seq in kept}

    if kind == "memory":
        asyncio.run(run(MemoryStore()))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        asyncio.run(run(SqliteStore(path, server_id="one", exists=lambda _path: True)))


def compactor(path: Path, notebook_id: str, keep: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(COMPACTOR), str(path), notebook_id, str(keep)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.rule("EL1", "EL4", "EL5")
@pytest.mark.asyncio
async def test_a_compaction_that_is_killed_anywhere_leaves_a_log_that_replays_the_same(tmp_path):
    path = tmp_path / "store.db"
    store = SqliteStore(path, server_id="one", exists=lambda _path: True)
    async with store:
        notebook_id, head = await recorded(store, range(60))
        expected = await replayed(store, notebook_id)
        moments = await every_moment(store, notebook_id, head - 10)
    steps = []
    for step in range(100):
        with compactor(path, notebook_id, keep=10) as child:
            # It asks before and after each thing that it writes; it dies at the step-th question.
            said = [line for _ in range(step + 1) if (line := await answered(child))]
            child.send_signal(signal.SIGKILL)
        async with SqliteStore(path, server_id="two", exists=lambda _path: True) as store:
            assert await replayed(store, notebook_id) == expected
            assert await reopened(store, notebook_id) == expected
            assert await every_moment(store, notebook_id, head - 10) == moments
            steps.append(said[-1])
            if await store.first_seq(notebook_id) == head - 9:
                break
    assert {step.split()[0] for step in steps} >= {"snapshot", "fold"}
    assert len(steps) > 5


async def answered(child: subprocess.Popen[str]) -> str:
    line = await asyncio.to_thread(child.stdout.readline)
    if line:
        child.stdin.write("\n")
        child.stdin.flush()
    return line


@pytest.mark.rule("EL2")
@pytest.mark.asyncio
async def test_a_verification_is_not_confused_by_a_file_that_is_saved_meanwhile() -> None:
    class Saving(MemoryStore):
        async def first_seq(self, notebook_id: NotebookId) -> Seq:
            first = await super().first_seq(notebook_id)
            await save(self, notebook_id)
            return first

        async def head(self, notebook_id: NotebookId) -> Seq:
            head = await super().head(notebook_id)
            await save(self, notebook_id)
            return head

    author = Author()

    async def save(store: MemoryStore, notebook_id: NotebookId) -> None:
        events = await store.append(notebook_id, author.work([1]))
        await checkpoint(store, notebook_id, events[-1].seq)

    async with Saving() as store:
        notebook_id = await registered(store)
        await store.append(notebook_id, author.work([1, 2, 4]))
        assert (await verify(store, notebook_id)).problems == ()
