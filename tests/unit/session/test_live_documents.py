"""Documents in the hands of other extensions."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from jupyter_ydoc import YFile, YNotebook
from pycrdt import Array

from jupyter_runt.errors import RuntError
from jupyter_runt.events.document import DocumentUpdated
from jupyter_runt.rooms.peer import CLOSE_RESTART
from jupyter_runt.session import live_documents as module
from jupyter_runt.session.live_documents import LiveDocuments
from tests.unit.session.workspace import OpenNotebook, Workspace, until

pytestmark = pytest.mark.asyncio

EXTENSION = "some_extension"


@pytest.fixture(autouse=True)
def _file(workspace: Workspace) -> None:
    workspace.write("nb.ipynb", "one", "two")


@asynccontextmanager
async def live_in(workspace: Workspace, linger: float = 0) -> AsyncIterator[LiveDocuments]:
    async with workspace.running(), LiveDocuments(workspace.sessions, linger=linger) as live:
        yield live


async def room_id(workspace: Workspace, path: str = "nb.ipynb") -> str:
    registration, _ = await workspace.sessions.register(path)
    prefix = "json:notebook" if path.endswith(".ipynb") else "text:file"
    return f"{prefix}:{registration.notebook_id}"


async def has(notebook: OpenNotebook, *sources: str) -> None:
    async with asyncio.timeout(30):
        while await notebook.sources() != list(sources):  # noqa: ASYNC110
            await asyncio.sleep(0.001)


def type_in(cells: Array[Any], text: str) -> None:
    source = cells[0]["source"]
    source.insert(len(source), text)


def sources(ydoc: Any) -> list[str]:
    return [str(cell["source"]) for cell in ydoc.ycells]


async def test_a_copy_is_the_extension_s_own(workspace: Workspace) -> None:
    async with live_in(workspace) as live, workspace.open("nb.ipynb") as notebook:
        copy = await live.copy(await room_id(workspace))
        assert type(copy) is YNotebook
        assert sources(copy) == ["one", "two"]
        copy.set_cell(0, {**copy.get_cell(0), "source": "mine"})
        await notebook.send("edit_cell", cell_id="c1", source="theirs")
        assert await notebook.sources() == ["one", "theirs"]
        assert sources(copy) == ["mine", "two"]


@pytest.mark.rule("EL1", "AU2")
async def test_a_live_document_is_a_peer_like_any_other(workspace: Workspace) -> None:
    async with live_in(workspace) as live, workspace.open("nb.ipynb") as notebook:
        ydoc = await live.live(await room_id(workspace), EXTENSION)
        assert isinstance(ydoc, YNotebook)
        assert sources(ydoc) == ["one", "two"]
        seen: list[str] = []
        ydoc.observe(lambda topic, _event: seen.append(topic))
        ydoc.append_cell({"cell_type": "code", "source": "three", "metadata": {}, "outputs": []})
        await has(notebook, "one", "two", "three")
        last = (await notebook.log(DocumentUpdated))[-1]
        assert last.actor == "server:some_extension"
        seen.clear()
        await notebook.send("edit_cell", cell_id="c1", source="by ada")
        await until(lambda: sources(ydoc) == ["one", "by ada", "three"])
        assert "cells" in seen
        ydoc.unobserve()


async def test_an_extension_gets_the_same_object_as_long_as_it_holds_it(
    workspace: Workspace,
) -> None:
    async with live_in(workspace) as live:
        room = await room_id(workspace)
        both = await asyncio.gather(live.live(room, EXTENSION), live.live(room, EXTENSION))
        assert both[0] is both[1]
        other = await live.live(room, "other")
        assert other is not both[0]
        type_in(other.ycells, "!")
        await until(lambda: sources(both[0]) == ["one!", "two"])


@pytest.mark.rule("RM4")
async def test_the_room_stays_open_until_the_document_is_let_go_of(workspace: Workspace) -> None:
    workspace.free_after = 0
    async with live_in(workspace) as live:
        ydoc = await live.live(await room_id(workspace), EXTENSION)
        (session,) = workspace.sessions.notebooks()
        document = await session.document()
        assert document.room.peer_count == 1
        assert not session.idle
        type_in(ydoc.ycells, " at last")
        del ydoc
        gc.collect()
        await until(lambda: document.room.peer_count == 0)
        assert session.idle
        assert await OpenNotebook(workspace, session).sources() == ["one at last", "two"]


@pytest.mark.rule("RM4")
async def test_parts_of_a_document_may_be_used_for_a_while_without_it(
    workspace: Workspace,
) -> None:
    async with live_in(workspace, linger=3600) as live, workspace.open("nb.ipynb") as notebook:
        cells = (await live.live(await room_id(workspace), EXTENSION)).ycells
        gc.collect()
        type_in(cells, "!")
        await has(notebook, "one!", "two")


@pytest.mark.rule("FB1")
async def test_what_an_extension_changed_last_is_saved_when_the_server_stops(
    workspace: Workspace,
) -> None:
    async with live_in(workspace, linger=3600) as live:
        ydoc = await live.live(await room_id(workspace), EXTENSION)
        type_in(ydoc.ycells, " at last")
    assert workspace.sources("nb.ipynb") == ["one at last", "two"]


@pytest.mark.rule("RM3")
async def test_a_live_document_comes_back_with_what_was_changed_meanwhile(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REJOIN_SECONDS", 0.01)
    async with live_in(workspace) as live, workspace.open("nb.ipynb") as notebook:
        ydoc = await live.live(await room_id(workspace), EXTENSION)
        document = await notebook.session.document()
        document.room.close_peers(CLOSE_RESTART, "again")
        type_in(ydoc.ycells, "!")
        await notebook.send("edit_cell", cell_id="c1", source="2")
        await has(notebook, "one!", "2")
        await until(lambda: sources(ydoc) == ["one!", "2"])


async def test_a_document_that_is_deleted_is_lost_and_not_given_again(
    workspace: Workspace,
) -> None:
    async with live_in(workspace) as live:
        room = await room_id(workspace)
        ydoc = await live.live(room, EXTENSION)
        (workspace.root / "nb.ipynb").unlink()
        await workspace.sessions.deleted("nb.ipynb")
        assert sources(ydoc) == ["one", "two"]
        with pytest.raises(RuntError):
            await live.live(room, "other")


@pytest.mark.rule("RM5")
async def test_a_live_document_keeps_nothing_of_what_was_deleted(workspace: Workspace) -> None:
    async with live_in(workspace) as live, workspace.open("nb.ipynb") as notebook:
        ydoc = await live.live(await room_id(workspace), EXTENSION)
        for number in range(100):
            output = {"output_type": "display_data", "metadata": {}, "data": {"t": "x" * 5000}}
            ydoc.ycells[0]["outputs"].clear()
            ydoc.ycells[0]["outputs"].append({**output, "n": number})
        assert len(ydoc.ydoc.get_update()) < 20_000
        assert not ydoc.undo_manager.can_undo()
        document = await notebook.session.document()
        await document.room.covers(ydoc.ydoc.get_state(), 5)
        size = await document.room.read(lambda doc: len(doc.doc.get_update()))
        assert size < 20_000


async def test_a_live_document_shows_who_is_there(workspace: Workspace) -> None:
    async with live_in(workspace) as live:
        room = await room_id(workspace)
        one, other = [await live.live(room, name) for name in ("one", "other")]
        assert one.awareness is not None
        assert other.awareness is not None
        one.awareness.set_local_state_field("user", {"name": "Zoë"})
        states = other.awareness.states
        await until(lambda: states.get(one.ydoc.client_id) == {"user": {"name": "Zoë"}})


async def test_text_files_are_given_as_well(workspace: Workspace) -> None:
    (workspace.root / "a.txt").write_text("text", encoding="utf-8")
    async with live_in(workspace) as live:
        room = await room_id(workspace, "a.txt")
        assert (await live.copy(room)).get() == "text"
        ydoc = await live.live(room, EXTENSION)
        assert isinstance(ydoc, YFile)
        ydoc.set("other text")
    assert (workspace.root / "a.txt").read_text(encoding="utf-8") == "other text"


@pytest.mark.parametrize("room", ["json:notebook:gone", "json:other:x", "nonsense", "a:b"])
async def test_what_cannot_be_opened_says_why(workspace: Workspace, room: str) -> None:
    async with live_in(workspace) as live:
        with pytest.raises(RuntError):
            await live.copy(room)
        with pytest.raises(RuntError):
            await live.live(room, EXTENSION)
