"""What opening a notebook reads, by how long its history is."""

from pathlib import Path

import pytest

from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.errors import StoreUnavailable
from jupyter_runt.events.base import Draft, Event
from jupyter_runt.events.runtime import RuntimeStatusChanged
from jupyter_runt.ids import CellId, NotebookId, RuntimeSessionId
from jupyter_runt.session import open_document, writer
from jupyter_runt.storage.memory import MemoryStore
from tests.unit.session.workspace import ADA, OpenNotebook, Workspace

STEP = 300


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """Every event that anybody reads from a log from now on."""
    events: list[Event] = []
    plain = MemoryStore.read

    async def counted(self, *arguments, **options):
        found = await plain(self, *arguments, **options)
        events.extend(found)
        return found

    monkeypatch.setattr(MemoryStore, "read", counted)
    return events


async def type_on(notebook: OpenNotebook, edits: int) -> None:
    """Type letters, save now and then, and have a kernel that is sometimes busy."""
    document = await notebook.session.document()

    def letter(doc: NotebookDoc) -> None:
        doc.replace_source(CellId("c0"), doc.source(CellId("c0")) + "x")

    for _ in range(edits // STEP):
        for _ in range(STEP):
            await document.room.edit(letter, actor=ADA)
        await notebook.save()
        changed = RuntimeStatusChanged(
            runtime_session_id=RuntimeSessionId("s"), status="busy", reason=None
        )
        await notebook.session.writer.append(*[Draft(payload=changed, actor=ADA)] * STEP)


async def opened_cold(space: Workspace, notebook_id: NotebookId, read: list[Event]) -> int:
    """Return how many events a new server reads to open the notebook."""
    async with space.running():
        read.clear()
        async with space.open("a.ipynb") as notebook:
            assert notebook.id == notebook_id
            await notebook.session.document()
            return len(read)


@pytest.mark.rule("EL4")
@pytest.mark.parametrize("edits", [1500, 4500])
@pytest.mark.asyncio
async def test_opening_after_a_crash_reads_no_more_for_a_longer_history(
    tmp_path: Path, read: list[Event], edits: int
) -> None:
    space = Workspace(tmp_path)
    space.write("a.ipynb", "")
    async with space.running(), space.open("a.ipynb") as notebook:
        await type_on(notebook, edits)
        assert await space.store.head(notebook.id) > 2 * edits
        space.crash()
        notebook_id = notebook.id
    bound = open_document.SNAPSHOT_EVERY + STEP + writer.SNAPSHOT_EVERY + STEP
    assert await opened_cold(space, notebook_id, read) <= bound


@pytest.mark.rule("EL4")
@pytest.mark.asyncio
async def test_opening_after_a_close_reads_next_to_nothing(
    tmp_path: Path, read: list[Event]
) -> None:
    space = Workspace(tmp_path)
    space.write("a.ipynb", "")
    async with space.running(), space.open("a.ipynb") as notebook:
        await type_on(notebook, 900)
        notebook_id = notebook.id
    assert await opened_cold(space, notebook_id, read) <= writer.SNAPSHOT_EVERY + 110


@pytest.mark.rule("EL4", "EL5")
@pytest.mark.asyncio
async def test_a_snapshot_that_the_store_refuses_costs_no_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refused(*_: object) -> None:
        raise StoreUnavailable("The disk is full.")

    monkeypatch.setattr(writer, "SNAPSHOT_EVERY", 3)
    status = RuntimeStatusChanged(
        runtime_session_id=RuntimeSessionId("s"), status="busy", reason=None
    )
    async with MemoryStore() as store, writer.Writer(NotebookId("n"), store) as opened:
        with monkeypatch.context() as full:
            full.setattr(store, "put_snapshot", refused)
            assert len(await opened.append(*[Draft(payload=status, actor=ADA)] * 4)) == 4
        await opened.append(*[Draft(payload=status, actor=ADA)] * 3)
        assert await store.snapshot_seqs(NotebookId("n"), "runtime") == [7]
