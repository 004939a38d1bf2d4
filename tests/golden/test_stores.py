"""Stores that released versions wrote, as SQL dumps: each stays readable for ever."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from jupyter_runt.events.base import Draft
from jupyter_runt.events.codec import document_updated
from jupyter_runt.events.document import DocumentUpdated
from jupyter_runt.events.registry import EVENTS
from jupyter_runt.ids import ActorId, NotebookId, Seq
from jupyter_runt.storage.sqlite import SqliteStore

NOTEBOOK = NotebookId("8f14e45f-ceea-467f-a8d1-0a4f6e9c5b21")


def restore(release: str, folder: Path) -> SqliteStore:
    """Return a store as `release` left it."""
    path = folder / "store.db"
    dump = Path(__file__).with_name(f"{release}.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(dump)
    return SqliteStore(path, server_id="now", exists=lambda _path: True)


@pytest.mark.rule("EL2")
@pytest.mark.asyncio
async def test_every_event_of_v0_1_is_readable(tmp_path):
    async with restore("v0.1", tmp_path) as store:
        events = await store.read(NOTEBOOK, Seq(0))
    assert [(event.seq, event.name, event.actor, event.caused_by) for event in events] == [
        (1, "v1.DocumentUpdated", "file", None),
        (2, "v1.RuntimeSessionStarted", "user:ada", "command:1"),
        (3, "v1.RuntimeStatusChanged", "runtime:s-1", None),
        (4, "v1.ExecutionRequested", "user:ada", "command:2"),
        (5, "v1.ExecutionRequested", "user:ada", "command:2"),
        (6, "v1.ExecutionAssigned", "runtime:s-1", None),
        (7, "v1.ExecutionStarted", "runtime:s-1", None),
        (8, "v1.InputRequested", "runtime:s-1", None),
        (9, "v1.InputReplied", "user:ada", "command:3"),
        (10, "v1.ExecutionCompleted", "runtime:s-1", None),
        (11, "v1.ExecutionCancelled", "runtime:s-1", None),
        (12, "v1.OutputsCleared", "user:ada", "command:4"),
        (13, "v1.RuntimeSessionEnded", "runtime:s-1", None),
        (14, "v1.VersionKept", "user:ada", None),
        (15, "v1.RuntimeSessionAdopted", "runtime:s-1", None),
        (16, "v1.TurnStarted", "user:ada", "command:5"),
        (17, "v1.TurnContextGiven", "agent:t-1", "turn:t-1"),
        (18, "v1.TurnTextAppended", "agent:t-1", "turn:t-1"),
        (19, "v1.ToolCallRequested", "agent:t-1", "turn:t-1"),
        (20, "v1.ApprovalRequested", "agent:t-1", "turn:t-1"),
        (21, "v1.ApprovalDecided", "user:ada", "command:6"),
        (22, "v1.ToolCallCompleted", "agent:t-1", "turn:t-1"),
        (23, "v1.TurnCompleted", "agent:t-1", "turn:t-1"),
        (24, "v1.ApprovalRevoked", "user:ada", "command:7"),
        (25, "v1.TurnUndone", "user:ada", "undo:t-1"),
        (26, "v1.RuntimeCommandPerformed", "user:ada", "command:8"),
    ]


@pytest.mark.rule("EL2")
@pytest.mark.asyncio
async def test_an_update_of_v0_1_keeps_its_bytes_and_every_kind_of_change(tmp_path):
    async with restore("v0.1", tmp_path) as store:
        [event] = await store.read(NOTEBOOK, Seq(0), limit=1)
        snapshot = await store.snapshot(NOTEBOOK, "document")
    assert isinstance(event.payload, DocumentUpdated)
    assert snapshot is not None
    assert event.payload.update == snapshot.data
    assert [change.type for change in event.payload.changes] == [
        "cell_created",
        "cell_deleted",
        "cell_moved",
        "cell_type_changed",
        "source_changed",
        "outputs_changed",
        "execution_state_changed",
        "attachments_changed",
        "metadata_changed",
        "text_changed",
        "state_changed",
    ]


@pytest.mark.rule("EL2")
@pytest.mark.asyncio
async def test_every_event_of_today_is_in_the_log_of_some_release(tmp_path):
    async with restore("v0.1", tmp_path) as store:
        names = {event.name for event in await store.read(NOTEBOOK, Seq(0))}
    assert names == set(EVENTS)


@pytest.mark.rule("EL3", "FB3", "EX1")
@pytest.mark.asyncio
async def test_a_store_of_v0_1_goes_on(tmp_path):
    async with restore("v0.1", tmp_path) as store:
        registration = await store.get(NOTEBOOK)
        assert registration is not None
        assert (registration.file.path, registration.checkpoint_seq) == ("sales.ipynb", 1)
        draft = Draft(payload=document_updated(b"", ()), actor=ActorId("user:ada"))
        [event] = await store.append(NOTEBOOK, [draft])
        assert event.seq == 27
        assert (await store.acquire(NOTEBOOK, "documents", {})).fence == 2
