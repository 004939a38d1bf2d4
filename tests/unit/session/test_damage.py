import logging
from dataclasses import replace
from typing import Any

import pytest

from jupyter_runt.errors import HistoryDamaged
from jupyter_runt.events.codec import document_updated
from jupyter_runt.events.document import VersionKept
from jupyter_runt.events.execution import ExecutionRequested
from jupyter_runt.ids import NotebookId, Seq
from jupyter_runt.protocols import Registration
from jupyter_runt.session.damage import set_aside
from tests.unit.session.workspace import Workspace

pytestmark = [pytest.mark.asyncio, pytest.mark.rule("EL5")]

PATH = "nb.ipynb"


async def written(workspace: Workspace) -> NotebookId:
    """Make a log of which the file has the first half."""
    workspace.write(PATH, "one", "two")
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="c0", source="saved")
        await notebook.save()
        await notebook.send("edit_cell", cell_id="c0", source="in the log")
        await notebook.send("edit_cell", cell_id="c1", source="damaged")
        await notebook.send("execute_cells", cell_ids=["c1"])
        workspace.crash()
        file = (workspace.root / PATH).read_bytes()
    (workspace.root / PATH).write_bytes(file)
    return notebook.id


async def opened_anew(workspace: Workspace) -> Registration:
    """Find the history damaged, and set it aside."""
    with pytest.raises(HistoryDamaged, match="is damaged") as caught:
        async with workspace.open(PATH) as notebook:
            await notebook.sources()
    new = await set_aside(workspace.sessions, caught.value)
    again = await set_aside(workspace.sessions, caught.value)
    assert again.notebook_id == new.notebook_id, "somebody else did it before"
    return new


async def test_a_notebook_with_an_unreadable_update_opens_from_its_file(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    old = await written(workspace)
    log = workspace.disk.logs[old]
    at = max(n for n, event in enumerate(log) if "damaged" in str(event.payload))
    at = max(n for n in range(at + 1) if log[n].name == "v1.DocumentUpdated")
    log[at] = replace(log[at], payload=document_updated(b"\xff\xff\xff", ()))
    before = list(log)
    async with workspace.running():
        with caplog.at_level(logging.CRITICAL):
            new = await opened_anew(workspace)
        assert new.notebook_id != old
        assert old in caplog.text
        assert await workspace.store.get(old) is None
        assert (await workspace.store.read(old, Seq(0)))[: len(before)] == before
        async with workspace.open(PATH) as notebook:
            assert notebook.id == new.notebook_id
            assert await notebook.sources() == ["saved", "two"]
            (kept,) = [event.payload for event in await notebook.log(VersionKept)]
            assert isinstance(kept, VersionKept)
            assert old in kept.message
            assert isinstance(kept.content, dict)
            assert [cell["source"] for cell in kept.content["cells"]] == ["in the log", "two"]
            assert notebook.session.kept, "people are told"


@pytest.mark.parametrize("name", ["v1.DocumentUpdated", "v1.ExecutionRequested"])
async def test_a_notebook_with_an_unreadable_event_opens_from_its_file(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    old = await written(workspace)
    assert any(isinstance(e.payload, ExecutionRequested) for e in workspace.disk.logs[old])
    damaged = max(event.seq for event in workspace.disk.logs[old] if event.name == name)
    async with workspace.running():
        read = workspace.store.read

        async def decoded(notebook_id: NotebookId, after: Seq, **options: Any) -> Any:
            events = await read(notebook_id, after, **options)
            if notebook_id == old and any(event.seq == damaged for event in events):
                raise ValueError("no event of any release")
            return events

        monkeypatch.setattr(workspace.store, "read", decoded)
        await opened_anew(workspace)
        async with workspace.open(PATH) as notebook:
            assert await notebook.sources() == ["saved", "two"]
            (kept,) = [event.payload for event in await notebook.log(VersionKept)]
            assert isinstance(kept, VersionKept)
            assert isinstance(kept.content, dict)
            sources = [cell["source"] for cell in kept.content["cells"]]
            assert sources[0] == "in the log"
