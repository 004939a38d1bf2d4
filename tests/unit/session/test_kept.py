"""Versions that are kept beside a document's history: nothing that somebody wrote goes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Array, Map

from jupyter_runt.document.ipynb import import_update
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.text import TextDoc
from jupyter_runt.errors import StoreUnavailable
from jupyter_runt.events.base import Event
from jupyter_runt.events.document import DocumentUpdated, VersionKept
from jupyter_runt.ids import FILE_ACTOR, NotebookId, Seq
from jupyter_runt.rooms.protocol import BadFrame
from jupyter_runt.session import kept
from jupyter_runt.session.registry import UnknownSession
from jupyter_runt.session.rescue import rescue
from jupyter_runt.session.version_pages import version_page
from tests.unit.session.workspace import ADA, OpenNotebook, Workspace

pytestmark = pytest.mark.asyncio

PATH = "a.ipynb"
STREAM = {"output_type": "stream", "name": "stdout", "text": "1\n"}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path)
    workspace.write(PATH, "one", "two")
    return workspace


def write_outside(workspace: Workspace, **sources: str) -> None:
    """Write sources of cells into the file, as another program does."""
    file = workspace.root / PATH
    content = json.loads(file.read_bytes())
    for cell in content["cells"]:
        cell["source"] = sources.get(cell["id"], cell["source"])
    file.write_text(json.dumps(content), encoding="utf-8")


async def look(notebook: OpenNotebook) -> None:
    """Have the file looked at."""
    async with (await notebook.session.document()).file_access():
        pass


async def kept_events(workspace: Workspace, notebook_id: NotebookId) -> list[tuple[Event, Any]]:
    """Return what was kept."""
    events = await workspace.store.read(notebook_id, Seq(0))
    return [(event, event.payload) for event in events if isinstance(event.payload, VersionKept)]


def sources(content: Any) -> list[str]:
    return [cell["source"] for cell in content["cells"]]


# a change of the file that overlaps


@pytest.mark.rule("FB2")
async def test_where_both_changed_the_same_text_the_file_s_version_is_kept_first(
    workspace: Workspace,
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="c0", source="by ada")
        write_outside(workspace, c0="outside", c1="two, outside")
        await look(notebook)
        assert await notebook.sources() == ["by ada", "two, outside"]
        [(event, payload)] = await kept_events(workspace, notebook.id)
        assert (event.actor, payload.reason) == (FILE_ACTOR, "merge_overlap")
        assert PATH in payload.message
        assert sources(payload.content) == ["outside", "two, outside"]
        [merged] = await workspace.store.read(notebook.id, event.seq)
        assert isinstance(merged.payload, DocumentUpdated)


@pytest.mark.rule("FB2")
async def test_without_an_overlap_nothing_is_kept(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="c0", source="by ada")
        write_outside(workspace, c1="outside")
        await look(notebook)
        assert await kept_events(workspace, notebook.id) == []


@pytest.mark.rule("FB2")
async def test_a_second_write_before_the_first_was_saved_is_told_from_the_first(
    workspace: Workspace,
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="c0", source="by ada")
        write_outside(workspace, c1="outside")
        await look(notebook)
        write_outside(workspace, c1="outside again")
        await look(notebook)
        assert await notebook.sources() == ["by ada", "outside again"]
        assert await kept_events(workspace, notebook.id) == []
        write_outside(workspace, c1="two")
        await look(notebook)
        assert await notebook.sources() == ["by ada", "two"]


@pytest.mark.rule("FB2")
async def test_each_overlap_of_two_writes_is_kept_and_no_more(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="c0", source="by ada")
        write_outside(workspace, c0="outside")
        await look(notebook)
        write_outside(workspace, c1="only here")
        await look(notebook)
        assert await notebook.sources() == ["by ada", "only here"]
        assert len(await kept_events(workspace, notebook.id)) == 1
        write_outside(workspace, c0="outside again")
        await look(notebook)
        assert await notebook.sources() == ["by ada", "only here"]
        found = [sources(each.content) for _, each in await kept_events(workspace, notebook.id)]
        assert found == [["outside", "two"], ["outside again", "only here"]]


@pytest.mark.rule("FB2")
async def test_after_a_save_the_file_is_the_base_again(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="c0", source="by ada")
        write_outside(workspace, c0="outside")
        await look(notebook)
        await notebook.save()
        assert workspace.sources(PATH) == ["by ada", "two"]
        write_outside(workspace, c0="outside")
        await look(notebook)
        assert await notebook.sources() == ["outside", "two"]


@pytest.mark.rule("FB2")
async def test_a_crash_after_the_merge_keeps_the_file_s_version_once(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="c0", source="by ada")
        write_outside(workspace, c0="outside")
        await look(notebook)
        workspace.crash()
        file = (workspace.root / PATH).read_bytes()
    (workspace.root / PATH).write_bytes(file)
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert await notebook.sources() == ["by ada", "two"]
        assert len(await kept_events(workspace, notebook.id)) == 1


@pytest.mark.rule("FB2", "EL5")
async def test_an_overlap_that_cannot_be_kept_is_not_merged(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="c0", source="by ada")
        write_outside(workspace, c0="outside", c1="outside")
        workspace.disk.failure = StoreUnavailable("full")
        with pytest.raises(StoreUnavailable):
            await look(notebook)
        workspace.disk.failure = None
        assert await notebook.sources() == ["by ada", "two"]
        await look(notebook)
        assert await notebook.sources() == ["by ada", "outside"]
        assert len(await kept_events(workspace, notebook.id)) == 1


@pytest.mark.rule("FB2")
async def test_a_text_file_s_version_is_kept_too(workspace: Workspace) -> None:
    file = workspace.root / "notes.txt"
    file.write_text("one\n", encoding="utf-8")
    async with workspace.running():
        registration, _ = await workspace.sessions.register("notes.txt")
        room_id = f"text:file:{registration.notebook_id}"
        async with workspace.sessions.use_document(room_id) as document:
            await document.room.edit(lambda doc: doc.replace("by ada\n"), actor=ADA)
            file.write_text("outside\n", encoding="utf-8")
            async with document.file_access():
                pass
            [(_, payload)] = await kept_events(workspace, registration.notebook_id)
            assert payload.content == "outside\n"


@pytest.mark.rule("FB2")
async def test_a_kept_version_is_told_in_the_runtime_room(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="c0", source="by ada")
        assert notebook.session.kept is None
        write_outside(workspace, c0="outside")
        await look(notebook)
        [(event, payload)] = await kept_events(workspace, notebook.id)
        assert notebook.session.kept == {
            "seq": event.seq,
            "reason": "merge_overlap",
            "message": payload.message,
            "at": event.recorded_at,
        }


# what a tab of another history holds


def holding(*cells: Any, edit: Callable[[NotebookDoc], Any] = lambda doc: None) -> bytes:
    """Return all that a tab holds."""
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    content = {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    doc = NotebookDoc()
    doc.apply([import_update(content, 7)])
    doc.transact(lambda: edit(doc))
    return doc.doc.get_update()


def code(source: str, cell_id: str, *outputs: Any) -> dict[str, Any]:
    return {
        "id": cell_id,
        "cell_type": "code",
        "source": source,
        "metadata": {},
        "outputs": list(outputs),
        "execution_count": None,
    }


async def rescued(notebook: OpenNotebook, update: bytes) -> list[Any]:
    """Bring what a tab holds, and return what is kept then."""
    workspace = notebook.workspace
    await rescue(workspace.sessions, f"json:notebook:{notebook.id}", update, ADA)
    return [payload for _, payload in await kept_events(workspace, notebook.id)]


@pytest.mark.rule("RM3")
async def test_what_only_a_tab_of_another_history_holds_is_kept_once(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        held = holding(code("one, typed", "c0"), code("two", "c1"))
        [found] = await rescued(notebook, held)
        assert (found.reason, sources(found.content)) == ("foreign_history", ["one, typed", "two"])
        [(event, _)] = await kept_events(workspace, notebook.id)
        assert event.actor == ADA
        assert len(await rescued(notebook, held)) == 1
        others = holding(code("one, typed", "x"), code("two", "y"))
        assert len(await rescued(notebook, others)) == 1, "ids make no difference"
        assert len(await rescued(notebook, holding(code("more", "c0")))) == 2
        assert await notebook.sources() == ["one", "two"], "nothing was mixed in"
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert len(await rescued(notebook, held)) == 2, "nor after a restart"


@pytest.mark.rule("RM3")
async def test_what_the_document_says_or_said_is_not_kept_again(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="c0", source="by ada")
        await notebook.send("edit_cell", cell_id="c1", source="by ada")
        for now in (["by ada", "by ada"], ["by ada", "two"], ["one", "two"]):
            cells = [code(source, f"other {n}") for n, source in enumerate(now)]
            assert await rescued(notebook, holding(*cells)) == []
        assert await rescued(notebook, holding(code(" \n", "c0"))) == [], "nor what says nothing"
        assert await rescued(notebook, b"\0\0") == []


@pytest.mark.rule("RM3", "EX9")
async def test_what_no_peer_may_write_is_not_kept(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        held = holding(
            code("typed", "c0"),
            edit=lambda doc: doc.update_cell_metadata("c0", {"trusted": True, "tags": ["a"]}),
        )
        [found] = await rescued(notebook, held)
        assert found.content["cells"][0]["metadata"] == {"tags": ["a"]}


@pytest.mark.rule("RM2", "RM3")
async def test_a_cell_that_lacks_what_cells_have_is_kept_and_can_be_restored(
    workspace: Workspace,
) -> None:
    def damage(doc: NotebookDoc) -> None:
        for key in ("source", "metadata", "outputs"):
            del doc.doc.get("cells", type=Array)[1][key]
        doc.doc.get("cells", type=Array)[2]["source"] = 3

    async with workspace.running(), workspace.open(PATH) as notebook:
        held = holding(code("typed", "c0"), code("", "c1"), code("", "c2"), edit=damage)
        [found] = await rescued(notebook, held)
        assert sources(found.content) == ["typed", "", "3"]
        [(event, _)] = await kept_events(workspace, notebook.id)
        await notebook.send("restore_version", seq=event.seq)
        assert await notebook.sources() == ["typed", "", "3"]


@pytest.mark.rule("RM3")
async def test_a_notebook_of_a_version_that_is_no_number_is_kept(workspace: Workspace) -> None:
    def damage(doc: NotebookDoc) -> None:
        doc.doc.get("meta", type=Map)["nbformat"] = "x"

    async with workspace.running(), workspace.open(PATH) as notebook:
        [found] = await rescued(notebook, holding(code("typed", "c0"), edit=damage))
        assert sources(found.content) == ["typed"]


@pytest.mark.rule("RM2")
@pytest.mark.parametrize("update", [b"", b"\1", b"\xff" * 40, b"nonsense"])
async def test_garbage_is_refused(workspace: Workspace, update: bytes) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        with pytest.raises(BadFrame):
            await rescued(notebook, update)
        assert await kept_events(workspace, notebook.id) == []


@pytest.mark.rule("RM3")
async def test_the_text_of_a_file_is_kept(workspace: Workspace) -> None:
    (workspace.root / "notes.txt").write_text("one\n", encoding="utf-8")
    held = TextDoc()
    held.transact(lambda: held.replace("one, typed\n"))
    update = held.doc.get_update()
    async with workspace.running():
        registration, _ = await workspace.sessions.register("notes.txt")
        await rescue(workspace.sessions, f"text:file:{registration.notebook_id}", update, ADA)
        [(_, payload)] = await kept_events(workspace, registration.notebook_id)
        assert payload.content == "one, typed\n"


@pytest.mark.rule("RM3")
async def test_a_tab_whose_room_nobody_knows_is_led_to_the_document_at_its_path(
    workspace: Workspace,
) -> None:
    room_id = "json:notebook:lost-with-its-store"
    held = holding(code("typed", "c0"), edit=lambda doc: doc.set_path(PATH))
    async with workspace.running(), workspace.open(PATH) as notebook:
        with pytest.raises(UnknownSession) as led:
            await rescue(workspace.sessions, room_id, held, ADA)
        document = await notebook.session.document()
        assert led.value.detail == {"session_id": document.registration.history_id}
        [(_, payload)] = await kept_events(workspace, notebook.id)
        assert sources(payload.content) == ["typed"]
        for nowhere in (None, "gone.ipynb"):
            lost = holding(
                code("typed", "c0"), edit=lambda doc, at=nowhere: at and doc.set_path(at)
            )
            assert await rescue(workspace.sessions, room_id, lost, ADA) is False
        assert len(await kept_events(workspace, notebook.id)) == 1


@pytest.mark.rule("RM3")
async def test_a_large_notebook_is_kept_without_its_outputs(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MAX_BYTES", 1000)
    async with workspace.running(), workspace.open(PATH) as notebook:
        large = {**STREAM, "text": "x" * 2000}
        held = holding(code("typed", "c0", large))
        [found] = await rescued(notebook, held)
        assert sources(found.content) == ["typed"]
        assert found.content["cells"][0]["outputs"] == []
        assert found.message.endswith("outputs.")
        assert len(await rescued(notebook, held)) == 1


# among the versions


@pytest.mark.rule("RM3", "EL2")
async def test_a_kept_version_is_listed_and_can_be_restored(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="c1", source="by ada")
        [found] = await rescued(notebook, holding(code("typed", "c0"), code("two", "c1")))
        page = await version_page(workspace.store, notebook.id, None, 10)
        version = page.versions[0].to_json()
        assert (version["kind"], version["reason"], version["message"], version["authors"]) == (
            "kept",
            "foreign_history",
            found.message,
            [ADA],
        )
        assert [each.kind for each in page.versions] == ["kept", "command", "file"]
        await notebook.send("restore_version", seq=version["seq"], cell_ids=["c0"])
        assert await notebook.sources() == ["typed", "by ada"]
        await notebook.send("restore_version", seq=version["seq"])
        assert await notebook.sources() == ["typed", "two"]
        page = await version_page(workspace.store, notebook.id, None, 10)
        assert [each.kind for each in page.versions] == [
            "restore",
            "restore",
            "kept",
            "command",
            "file",
        ]


@pytest.mark.rule("RM3")
async def test_edits_that_fit_no_more_are_kept_once_as_the_cells_read(workspace: Workspace) -> None:
    texts = {"c1": "typed offline", "gone": "in a cell that is not there"}
    async with workspace.running(), workspace.open(PATH) as notebook:
        for _ in range(2):
            await notebook.send("keep_version", texts=texts, actor=ADA)
        [(event, found)] = await kept_events(workspace, notebook.id)
        assert (event.actor, found.reason) == (ADA, "unsent_edits")
        assert sources(found.content) == ["one", *texts.values()]
        assert await notebook.sources() == ["one", "two"]
        await notebook.send("restore_version", seq=event.seq, cell_ids=["c1"])
        assert await notebook.sources() == ["one", "typed offline"]
