import asyncio
import json
from typing import Any

import pytest
from jupyter_server.services.contents.filemanager import FileContentsManager
from pycrdt import Map

from jupyter_runt.errors import FileUnreadable, StoreUnavailable
from jupyter_runt.events.document import DocumentUpdated, SourceChanged
from jupyter_runt.ids import FILE_ACTOR, NotebookId, Seq
from jupyter_runt.protocols import FileIdentity
from jupyter_runt.session import digests, files
from jupyter_runt.session.contents import HookedFiles
from jupyter_runt.session.history import notebook_at
from jupyter_runt.session.open_document import OpenDocument
from jupyter_runt.session.registry import SessionRegistry
from tests.unit.session.workspace import OpenNotebook, Workspace, can_exchange

pytestmark = pytest.mark.asyncio

PATH = "nb.ipynb"


@pytest.fixture(autouse=True)
def _file(workspace: Workspace) -> None:
    workspace.write(PATH, "one", "two")


def rewrite(workspace: Workspace, *sources: str, path: str = PATH) -> None:
    """Change sources in the file as another program does."""
    file = workspace.root / path
    content = json.loads(file.read_text(encoding="utf-8"))
    for cell, source in zip(content["cells"], sources, strict=True):
        cell["source"] = source
    file.write_text(json.dumps(content), encoding="utf-8")


async def look(notebook: OpenNotebook) -> None:
    """Look at the file, as the watcher does."""
    async with (await notebook.session.document()).file_access():
        pass


async def checkpoint(workspace: Workspace, notebook_id: NotebookId) -> list[str]:
    """Return what the registry believes that the file holds."""
    known = await workspace.store.get(notebook_id)
    assert known is not None
    content = await notebook_at(workspace.store, notebook_id, known.checkpoint_seq)
    return [cell["source"] for cell in content["cells"]]


@pytest.mark.rule("FB4")
async def test_the_first_open_imports_the_file_and_writes_nothing_to_it(
    workspace: Workspace,
) -> None:
    before = (workspace.root / PATH).read_bytes()
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert await notebook.sources() == ["one", "two"]
        (event,) = await notebook.log()
        assert (event.actor, event.seq) == (FILE_ACTOR, 1)
        assert await notebook.save() is False
        assert await checkpoint(workspace, notebook.id) == ["one", "two"]
    assert (workspace.root / PATH).read_bytes() == before


@pytest.mark.rule("FB1")
async def test_closing_saves(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="c0", source="edited")
        assert workspace.sources(PATH) == ["one", "two"]
    assert workspace.sources(PATH) == ["edited", "two"]


@pytest.mark.rule("EL1", "FB1")
async def test_edits_that_were_never_saved_are_there_after_a_crash_and_saved_then(
    workspace: Workspace,
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="c0", source="edited")
        workspace.crash()
        file = (workspace.root / PATH).read_bytes()
    (workspace.root / PATH).write_bytes(file)
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert await notebook.sources() == ["edited", "two"]
        assert await notebook.save() is True
        assert workspace.sources(PATH) == ["edited", "two"]


@pytest.mark.rule("FB2")
async def test_a_crash_between_the_write_and_its_record_merges_to_the_same(
    workspace: Workspace,
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("create_cell", cell_type="code", source="new", after="c0")
        await notebook.send("edit_cell", cell_id="c0", source="one and more")
        workspace.crash()
        await notebook.save()  # the file has it, and the disk that is read next does not know
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert await notebook.sources() == ["one and more", "new", "two"]
        await notebook.save()
        assert await checkpoint(workspace, notebook.id) == ["one and more", "new", "two"]
    assert workspace.sources(PATH) == ["one and more", "new", "two"]


@pytest.mark.rule("FB2")
async def test_what_others_wrote_while_it_was_closed_is_merged_as_the_file_s_own_edit(
    workspace: Workspace,
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="c0", source="by ada")
    rewrite(workspace, "by ada", "outside")
    before = (workspace.root / PATH).read_bytes()
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert await notebook.sources() == ["by ada", "outside"]
        last = [e for e in await notebook.log(DocumentUpdated) if e.actor == FILE_ACTOR][-1]
        assert isinstance(last.payload, DocumentUpdated)
        assert [type(change) for change in last.payload.changes] == [SourceChanged]
        assert await notebook.save() is False
        assert await checkpoint(workspace, notebook.id) == ["by ada", "outside"]
    assert (workspace.root / PATH).read_bytes() == before


@pytest.mark.rule("FB2")
async def test_a_merge_is_no_checkpoint_of_what_the_file_does_not_hold(
    workspace: Workspace,
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="c0", source="by ada")
        rewrite(workspace, "one", "outside")
        await look(notebook)
        assert await notebook.sources() == ["by ada", "outside"]
        rewrite(workspace, "one", "outside again")
        await look(notebook)
        assert (await notebook.sources())[0] == "by ada", "nobody took it back"
        await notebook.save()
        assert workspace.sources(PATH)[0] == "by ada"


@pytest.mark.rule("FB2", "FB1")
async def test_edits_of_both_sides_of_a_crash_are_in_the_file_after_it(
    workspace: Workspace,
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="c0", source="by ada")
        workspace.crash()
        file = (workspace.root / PATH).read_bytes()
    (workspace.root / PATH).write_bytes(file)
    rewrite(workspace, "one", "outside")
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert await notebook.sources() == ["by ada", "outside"]
        assert await notebook.save() is True
        assert workspace.sources(PATH) == ["by ada", "outside"]
        assert await checkpoint(workspace, notebook.id) == ["by ada", "outside"]


async def merged_then_edited(
    workspace: Workspace, notebook: OpenNotebook, outside: str, typed: str
) -> None:
    """Let the first cell come from outside, and somebody go on where it ends."""
    rewrite(workspace, outside, "two")
    await look(notebook)
    await notebook.send("edit_cell", cell_id="c0", source=outside + typed)


@pytest.mark.rule("FB2")
async def test_what_was_merged_before_a_crash_is_not_merged_again_after_it(
    workspace: Workspace,
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.session.document()
        await merged_then_edited(workspace, notebook, "one\noutside", ", and ada")
        workspace.crash()
        file = (workspace.root / PATH).read_bytes()
    (workspace.root / PATH).write_bytes(file)
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert await notebook.sources() == ["one\noutside, and ada", "two"]
        rewrite(workspace, "one\noutside", "two, outside")
        await look(notebook)
        assert await notebook.sources() == ["one\noutside, and ada", "two, outside"]
        await notebook.save()
    assert workspace.sources(PATH) == ["one\noutside, and ada", "two, outside"]


@pytest.mark.rule("FB2")
async def test_what_both_sides_had_written_before_a_crash_is_not_merged_after_it(
    workspace: Workspace,
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="c0", source="one\nnew")
        await merged_then_edited(workspace, notebook, "one\nnew", ", and ada")
        workspace.crash()
        file = (workspace.root / PATH).read_bytes()
    (workspace.root / PATH).write_bytes(file)
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert await notebook.sources() == ["one\nnew, and ada", "two"]


@pytest.mark.rule("FB2")
async def test_a_second_change_after_a_crash_is_told_from_the_first_one(
    workspace: Workspace,
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.session.document()
        await merged_then_edited(workspace, notebook, "one\noutside", ", and ada")
        workspace.crash()
    rewrite(workspace, "one\noutside", "two, outside")
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert await notebook.sources() == ["one\noutside, and ada", "two, outside"]
        await notebook.save()
        assert await checkpoint(workspace, notebook.id) == await notebook.sources()


@pytest.mark.rule("FB2")
async def test_a_crash_before_it_is_recorded_what_was_imported_imports_nothing_twice(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = json.loads((workspace.root / PATH).read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        del cell["id"]  # else they would be known by it
    (workspace.root / PATH).write_text(json.dumps({**notebook, "nbformat_minor": 4}))
    monkeypatch.setattr(digests, "LARGE", 0)

    async def die(*_: Any) -> None:
        workspace.crash()
        monkeypatch.undo()
        raise StoreUnavailable("too late")

    async with workspace.running(), workspace.open(PATH) as opened:
        monkeypatch.setattr(workspace.store, "checkpointed", die)
        with pytest.raises(StoreUnavailable):
            await opened.sources()
    async with workspace.running(), workspace.open(PATH) as again:
        assert await again.sources() == ["one", "two"]


@pytest.mark.rule("FB1", "FB2")
async def test_what_was_deleted_while_the_file_was_written_does_not_come_back_after_a_crash(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="c0", source="one\nnew")

        async def die(*_: Any) -> None:
            await notebook.send("edit_cell", cell_id="c0", source="one")
            workspace.crash()
            monkeypatch.undo()
            raise StoreUnavailable("too late")

        monkeypatch.setattr(workspace.store, "checkpointed", die)
        with pytest.raises(StoreUnavailable):
            await notebook.save()
        file = (workspace.root / PATH).read_bytes()
    (workspace.root / PATH).write_bytes(file)
    assert workspace.sources(PATH) == ["one\nnew", "two"]
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert await notebook.sources() == ["one", "two"]
        await notebook.save()
    assert workspace.sources(PATH) == ["one", "two"]


@pytest.mark.skipif(not can_exchange(), reason="the disk cannot exchange names")
@pytest.mark.rule("FB2")
async def test_what_another_program_writes_while_a_save_takes_its_place_is_merged(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = files.rename

    def late(*args: Any) -> bool:
        monkeypatch.undo()
        rewrite(workspace, "one", "outside")
        return rename(*args)

    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="c0", source="by ada")
        monkeypatch.setattr(files, "rename", late)
        await notebook.save()
        assert await notebook.sources() == ["by ada", "outside"]
    assert workspace.sources(PATH) == ["by ada", "outside"]


def without_outputs(model: dict[str, Any], **_: Any) -> None:
    for cell in model["content"]["cells"]:
        cell["outputs"] = []


@pytest.mark.rule("FB2")
async def test_what_a_save_hook_left_out_stays_when_the_file_of_a_closed_notebook_is_changed(
    workspace: Workspace,
) -> None:
    content = json.loads((workspace.root / PATH).read_bytes())
    content["cells"][0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "seen"}]
    (workspace.root / PATH).write_text(json.dumps(content), encoding="utf-8")
    manager = FileContentsManager(root_dir=str(workspace.root))
    manager.register_pre_save_hook(without_outputs)
    workspace.files = HookedFiles(workspace.root, manager)
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="c0", source="by ada")
    assert json.loads((workspace.root / PATH).read_bytes())["cells"][0]["outputs"] == []
    rewrite(workspace, "by ada", "outside")
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert await notebook.sources() == ["by ada", "outside"]
        document = await notebook.session.document()
        cells = (await document.room.read(lambda doc: doc.notebook()))["cells"]
        assert [output["text"] for output in cells[0]["outputs"]] == ["seen"]


@pytest.mark.rule("FB2")
async def test_a_merge_that_is_cancelled_at_its_commit_is_not_made_twice(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        document = await notebook.session.document()
        rewrite(workspace, "one\noutside", "two")
        edit = document.room.edit

        async def cut_off(*args: Any, **fields: Any) -> Any:
            monkeypatch.undo()
            await edit(*args, **fields)
            raise asyncio.CancelledError

        monkeypatch.setattr(document.room, "edit", cut_off)
        with pytest.raises(asyncio.CancelledError):
            await look(notebook)
        await notebook.send("edit_cell", cell_id="c0", source="one\noutside, and ada")
        await look(notebook)
        assert await notebook.sources() == ["one\noutside, and ada", "two"]


@pytest.mark.rule("FB4")
async def test_a_file_that_was_only_formatted_anew_stays_as_it_is(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.session.document()
        content = json.loads((workspace.root / PATH).read_text(encoding="utf-8"))
        formatted = json.dumps(content, indent=7)
        (workspace.root / PATH).write_text(formatted, encoding="utf-8")
        before = await workspace.store.head(notebook.id)
        await look(notebook)
        assert await workspace.store.head(notebook.id) == before
        assert await notebook.save() is False
        await notebook.send("edit_cell", cell_id="c1", source="2")
        await notebook.save()
    written = (workspace.root / PATH).read_text(encoding="utf-8")
    assert written == formatted.replace('"two"', '"2"')


@pytest.mark.rule("FB3")
async def test_the_file_is_followed_when_it_moves(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        (workspace.root / "sub").mkdir()
        (workspace.root / PATH).rename(workspace.root / "sub/b.ipynb")
        await workspace.sessions.moved(PATH, "sub/b.ipynb")
        await notebook.send("edit_cell", cell_id="c0", source="moved")
        await notebook.save()
        assert workspace.sources("sub/b.ipynb") == ["moved", "two"]
        assert not (workspace.root / PATH).exists()
        document = await notebook.session.document()
        state = await document.room.read(lambda doc: doc.doc.get("state", type=Map).to_py())
        assert state["path"] == "sub/b.ipynb"
        assert (await workspace.sessions.register("sub/b.ipynb"))[0].notebook_id == notebook.id


@pytest.mark.rule("FB3")
async def test_a_move_during_a_checkpoint_does_not_send_the_document_back(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="c0", source="edited")
        record = workspace.store.checkpointed

        async def moved_meanwhile(*args: Any) -> None:
            await record(*args)
            if (workspace.root / PATH).exists():
                (workspace.root / PATH).rename(workspace.root / "b.ipynb")
                await workspace.sessions.moved(PATH, "b.ipynb")

        monkeypatch.setattr(workspace.store, "checkpointed", moved_meanwhile)
        await notebook.save()
        assert notebook.session.path == "b.ipynb"
        await notebook.send("edit_cell", cell_id="c1", source="later")
        await notebook.save()
        assert workspace.sources("b.ipynb") == ["edited", "later"]
        assert not (workspace.root / PATH).exists()


@pytest.mark.rule("FB3")
async def test_a_move_that_was_seen_before_it_was_told_keeps_the_document(
    workspace: Workspace,
) -> None:
    async with workspace.running():
        registration, _ = await workspace.sessions.register(PATH)
        (workspace.root / PATH).rename(workspace.root / "b.ipynb")
        found, new = await workspace.sessions.register("b.ipynb")
        assert (found.notebook_id, new) == (registration.notebook_id, False)
        await workspace.sessions.moved(PATH, "b.ipynb")
        assert await workspace.store.get(registration.notebook_id) is not None
        async with workspace.open("b.ipynb") as notebook:
            assert notebook.id == registration.notebook_id


@pytest.mark.rule("FB3")
async def test_a_document_whose_place_another_one_takes_is_closed_and_writes_nothing(
    workspace: Workspace,
) -> None:
    async with workspace.running():
        async with workspace.open(PATH) as known:
            await known.send("edit_cell", cell_id="c0", source="changes the digest")
            await known.save()
            await known.send("edit_cell", cell_id="c0", source="known")
        (workspace.root / PATH).rename(workspace.root / "b.ipynb")
        rewrite(workspace, "unlike anything", "known here", path="b.ipynb")
        async with workspace.open("b.ipynb") as stranger:
            await stranger.send("edit_cell", cell_id="c1", source="too early")
        assert stranger.id != known.id
        await workspace.sessions.moved(PATH, "b.ipynb")
        assert workspace.sources("b.ipynb") == ["unlike anything", "known here"]
        async with workspace.open("b.ipynb") as notebook:
            assert notebook.id == known.id
        assert open_ids(workspace.sessions) == [known.id]


def open_ids(sessions: SessionRegistry) -> list[NotebookId]:
    return [session.notebook_id for session in sessions.notebooks()]


@pytest.mark.rule("FB3")
async def test_a_deleted_file_is_not_written_again(workspace: Workspace) -> None:
    async with workspace.running():
        async with workspace.open(PATH) as notebook:
            await notebook.send("edit_cell", cell_id="c0", source="unsaved")
        (workspace.root / PATH).unlink()
        await workspace.sessions.deleted(PATH)
        assert open_ids(workspace.sessions) == []
    assert not (workspace.root / PATH).exists()


@pytest.mark.rule("EL4")
async def test_a_document_is_opened_from_a_snapshot_and_the_rest(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_runt.session.open_document.SNAPSHOT_EVERY", 3)
    async with workspace.running(), workspace.open(PATH) as notebook:
        for text in "abcdef":
            await notebook.send("edit_cell", cell_id="c0", source=text)
            await notebook.save()
        assert await workspace.store.snapshot(notebook.id, "document") is not None
    async with workspace.running(), workspace.open(PATH) as again:
        assert await again.sources() == ["f", "two"]
        assert again.id == notebook.id


@pytest.mark.rule("EX9")
async def test_what_the_server_writes_is_known_by_clients_that_stay_the_same(
    workspace: Workspace,
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        first = (await notebook.session.document()).clients
        assert len(first.all()) == 3
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert (await notebook.session.document()).clients == first


@pytest.mark.rule("FB3")
async def test_a_file_that_was_open_as_text_and_as_a_notebook_is_the_same_in_both(
    workspace: Workspace,
) -> None:
    async with workspace.running():
        async with workspace.open(PATH) as notebook:
            await notebook.send("edit_cell", cell_id="c0", source="one, as a notebook")
        registration, _ = await workspace.sessions.register(PATH)
        text = f"text:file:{registration.notebook_id}"
        async with workspace.sessions.room(text, registration.history_id) as lease:
            shown = await lease.room.read(lambda doc: doc.content())
            assert json.loads(shown)["cells"][0]["source"] == ["one, as a notebook"]

            def edit(doc: Any) -> None:
                doc.replace(doc.content().replace("two", "two, as text"))

            await lease.room.edit(edit, actor=FILE_ACTOR)
        async with workspace.open(PATH) as notebook:
            assert await notebook.sources() == ["one, as a notebook", "two, as text"]
            await notebook.send("edit_cell", cell_id="c0", source="1")
        async with workspace.sessions.room(text, registration.history_id) as lease:
            shown = await lease.room.read(lambda doc: doc.content())
            assert shown == (workspace.root / PATH).read_text(encoding="utf-8")
    assert workspace.sources(PATH) == ["1", "two, as text"]


async def test_a_record_of_the_file_keeps_the_path_that_it_was_given(workspace: Workspace) -> None:
    async with workspace.running():
        registration, _ = await workspace.sessions.register(PATH)
        await workspace.store.checkpointed(registration.notebook_id, FileIdentity("other"), Seq(1))
        known = await workspace.store.get(registration.notebook_id)
        assert known is not None
        assert known.file.path == PATH


class PanicException(BaseException):
    """As the CRDT library's, which cannot be imported."""


@pytest.mark.rule("EL5", "FB5")
@pytest.mark.parametrize("failure", [ValueError("cut off"), PanicException("cut off")])
async def test_a_notebook_whose_log_is_garbage_says_so_and_costs_no_other_one(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    def fail(*_: object) -> None:
        raise failure

    workspace.write("other.ipynb", "fine")
    async with workspace.running():
        async with workspace.open(PATH) as notebook:
            await notebook.sources()
        async with workspace.open("other.ipynb") as other:
            assert await other.sources() == ["fine"]
            await workspace.sessions._notebooks.close_one(notebook.id)
            with monkeypatch.context() as patch:
                patch.setattr("pycrdt.Doc.apply_update", fail)
                async with workspace.open(PATH) as notebook:
                    with pytest.raises(FileUnreadable, match="is damaged"):
                        await notebook.sources()
            assert await other.sources() == ["fine"]


@pytest.mark.rule("RM2")
async def test_a_panic_of_the_crdt_library_while_a_document_opens_costs_no_other_one(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def panic(*_: object) -> None:
        raise PanicException("not in any update")

    workspace.write("other.ipynb", "fine")
    async with workspace.running(), workspace.open("other.ipynb") as other:
        assert await other.sources() == ["fine"]
        async with workspace.open(PATH) as notebook:
            with monkeypatch.context() as patch:
                patch.setattr(OpenDocument, "_meet_file", panic)
                with pytest.raises(RuntimeError, match="PanicException"):
                    await notebook.sources()
            assert await notebook.sources() == ["one", "two"]
        assert await other.sources() == ["fine"]
