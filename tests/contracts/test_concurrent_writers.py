"""Any number of writers, in any order, on several stores at once."""

import asyncio
import tempfile
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt.errors import StaleFence
from jupyter_runt.events.base import Draft
from jupyter_runt.events.execution import ExecutionStarted
from jupyter_runt.ids import ActorId, ExecutionId, NotebookId, Seq
from jupyter_runt.protocols import Store
from jupyter_runt.storage.memory import MemoryStore
from jupyter_runt.storage.memory_disk import MemoryDisk
from jupyter_runt.storage.sqlite import SqliteStore

NOTEBOOKS = (NotebookId("a"), NotebookId("b"))

# Who appends (of four, two on each store), to which log, how many events, and under which fence.
appends = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(NOTEBOOKS),
        st.integers(1, 3),
        st.sampled_from(["none", "current", "stale"]),
    ),
    max_size=40,
)


async def play(stores: list[Store], plan: list) -> None:
    expected = defaultdict(list)
    fences = {}
    for notebook_id in NOTEBOOKS:
        fences[notebook_id] = (await stores[0].acquire(notebook_id, "runtime", {})).fence

    async def write(writer: int) -> None:
        for number, (who, notebook_id, count, kind) in enumerate(plan):
            if who != writer:
                continue
            actor = ActorId(f"user:{writer}")
            payloads = [
                ExecutionStarted(execution_id=ExecutionId(f"{number}.{part}"))
                for part in range(count)
            ]
            drafts = [Draft(payload=payload, actor=actor) for payload in payloads]
            current = fences[notebook_id]
            fence = {"none": None, "current": current, "stale": current + 1}[kind]
            try:
                written = await stores[writer % 2].append(notebook_id, drafts, fence=fence)
            except StaleFence:
                assert kind == "stale"
            else:
                assert [event.payload for event in written] == payloads
                expected[notebook_id, actor] += written

    async with asyncio.TaskGroup() as group:
        for writer in range(4):
            group.create_task(write(writer))
    for notebook_id in NOTEBOOKS:
        events = await stores[1].read(notebook_id, Seq(0))
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        for writer in range(4):
            actor = ActorId(f"user:{writer}")
            mine = [event for event in events if event.actor == actor]
            assert mine == expected[notebook_id, actor]


@pytest.mark.rule("EL3")
@given(plan=appends)
def test_concurrent_writers_to_memory_leave_no_gap_and_no_duplicate(plan):
    async def run() -> None:
        disk = MemoryDisk()
        async with MemoryStore(disk, server_id="one") as one, MemoryStore(disk) as two:
            await play([one, two], plan)

    asyncio.run(run())


@pytest.mark.rule("EL3", "EL6")
@given(plan=appends)
def test_concurrent_writers_to_sqlite_leave_no_gap_and_no_duplicate(plan):
    async def run(path: Path) -> None:
        async with (
            SqliteStore(path, server_id="one", exists=lambda _path: True) as one,
            SqliteStore(path, server_id="two", exists=lambda _path: True) as two,
        ):
            await play([one, two], plan)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder) / "store.db"))
