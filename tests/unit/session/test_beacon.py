import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.errors import StoreUnavailable
from jupyter_runt.ids import CellId
from jupyter_runt.rooms import room
from jupyter_runt.rooms.peer import RoomLimits
from jupyter_runt.session import beacon, open_document, runtime
from jupyter_runt.session.beacon import report
from jupyter_runt.session.notebook_session import NotebookSession
from jupyter_runt.session.open_document import OpenDocument
from tests.unit.session.workspace import ADA, Workspace, until

pytestmark = pytest.mark.asyncio

PATH = "nb.ipynb"


async def write(document: OpenDocument[NotebookDoc], source: str) -> None:
    """Edit as a tab does: who waits until the store can write again."""
    await document.room.edit(lambda doc: doc.replace_source(CellId("c0"), source), actor=ADA)


def said(session: NotebookSession, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return the list to which everything is added that the server says from now on."""
    states: list[dict[str, Any]] = []
    monkeypatch.setattr(session.writer.room, "publish", states.append)
    monkeypatch.setattr(beacon, "INTERVAL", 0)
    monkeypatch.setattr(beacon, "PATIENCE", 0.01)
    return states


def has(states: list[dict[str, Any]], text: str) -> Callable[[], bool]:
    return lambda: any(text in json.dumps(state) for state in states)


@pytest.mark.rule("EL5")
async def test_people_are_told_that_the_store_cannot_write_and_that_it_can_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.write(PATH, "one")
    async with workspace.running(), workspace.open(PATH) as notebook:
        document = await notebook.session.document()
        states = said(notebook.session, monkeypatch)
        workspace.store.disk.failure = StoreUnavailable("no space left")
        edit = asyncio.create_task(write(document, "two"))
        await until(has(states, "no space left"))
        assert report(document)["status"] == "failed"
        states.clear()
        workspace.store.disk.failure = None
        await edit
        await until(lambda: has(states, '"error": null')() and has(states, "state_vector")())
        assert await notebook.sources() == ["two"]


@pytest.mark.rule("EL5", "RM4")
async def test_a_document_whose_store_cannot_write_closes_all_the_same(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.write(PATH, "one")
    monkeypatch.setattr(open_document, "SETTLE", 0.01)
    monkeypatch.setattr(room, "RoomLimits", partial(RoomLimits, shutdown=0.01))
    async with asyncio.timeout(20):
        async with workspace.running(), workspace.open(PATH) as notebook:
            document = await notebook.session.document()
            workspace.store.disk.failure = StoreUnavailable("no space left")
            edit = asyncio.create_task(write(document, "two"))
            await until(lambda: document.room.trouble)
        await asyncio.wait([edit])
    assert edit.exception() is not None
    assert workspace.sources(PATH) == ["one"]


@pytest.mark.rule("EL5")
async def test_a_kernel_whose_store_cannot_write_is_stopped_with_the_server(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.write(PATH, "one")
    monkeypatch.setattr(runtime, "SETTLE", 0.01)
    monkeypatch.setattr(open_document, "SETTLE", 0.01)
    monkeypatch.setattr(room, "RoomLimits", partial(RoomLimits, shutdown=0.01))
    async with asyncio.timeout(20):
        async with workspace.running(), workspace.open(PATH) as notebook:
            (execution_id,) = await notebook.run("c0")
            kernel = await notebook.started()
            document = await notebook.session.document()
            workspace.store.disk.failure = StoreUnavailable("no space left")
            kernel.say("stream", execution_id, name="stdout", text="out")
            await until(lambda: document.room.trouble)
    assert workspace.gateway.did == ["start python3", "stop"]


@pytest.mark.rule("EL5", "EX5")
@pytest.mark.parametrize("kind", ["interrupt_runtime", "cancel_executions"])
async def test_what_runs_is_interrupted_although_the_store_cannot_write(
    workspace: Workspace, kind: str
) -> None:
    workspace.write(PATH, "one")
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.run("c0")
        await notebook.started()
        workspace.store.disk.failure = StoreUnavailable("no space left")
        await notebook.send(kind, command_id="k")
        assert workspace.gateway.did == ["start python3", "interrupt"]
        workspace.store.disk.failure = None


@pytest.mark.rule("EL5")
async def test_a_command_on_a_store_that_cannot_write_is_refused_and_changes_nothing(
    workspace: Workspace,
) -> None:
    async with workspace.running():
        workspace.write(PATH, "one", "two")
        async with workspace.open(PATH) as notebook:
            document = await notebook.session.document()
            workspace.store.disk.failure = StoreUnavailable("no space left")
            with pytest.raises(StoreUnavailable, match="no space left"):
                await notebook.send("edit_cell", cell_id="c0", source="refused")
            waiting = asyncio.create_task(write(document, "by a tab"))
            behind = [
                asyncio.create_task(notebook.send("edit_cell", cell_id="c1", source="behind")),
                asyncio.create_task(notebook.send("execute_cells", cell_ids=["c1"])),
                asyncio.create_task(notebook.send("keep_version", texts={"c1": "behind"})),
                asyncio.create_task(notebook.send("cancel_executions", state_vector="AA==")),
            ]
            for command in behind:
                with pytest.raises(StoreUnavailable, match="no space left"):
                    await command
            with pytest.raises(StoreUnavailable, match="no space left"):
                await notebook.send("clear_outputs", cell_ids=["c1"])
            for kind in ("start_runtime", "stop_runtime", "restart_runtime", "evict_runtime"):
                with pytest.raises(StoreUnavailable, match="no space left"):
                    await notebook.send(kind)
            assert not waiting.done()
            workspace.store.disk.failure = None
            await waiting
            assert await notebook.sources() == ["by a tab", "two"]
