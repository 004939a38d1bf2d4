"""Files that vanish from their place while somebody has them open."""

import json

import pytest
from pycrdt import Map

from jupyter_runt.errors import NotebookNotFound
from jupyter_runt.session.files import FileGone
from jupyter_runt.session.saver import DocumentConfig, SaverConfig
from tests.unit.session.workspace import OpenNotebook, Workspace

pytestmark = [pytest.mark.asyncio, pytest.mark.rule("FB3")]

PATH = "nb.ipynb"
LATER = SaverConfig(delay=3600, retry=3600)
PATIENT = DocumentConfig(LATER, watch_interval=3600, grace=3600)
IMPATIENT = DocumentConfig(LATER, watch_interval=3600, grace=0)


@pytest.fixture(autouse=True)
def _file(workspace: Workspace) -> None:
    workspace.write(PATH, "one", "two")


def move(workspace: Workspace, old: str, new: str) -> None:
    (workspace.root / old).rename(workspace.root / new)


def names(workspace: Workspace) -> list[str]:
    return sorted(path.name for path in workspace.root.iterdir())


async def edit(notebook: OpenNotebook, source: str = "edited") -> None:
    await notebook.send("edit_cell", cell_id="c0", source=source)


async def path_of(notebook: OpenNotebook) -> str:
    """Return the path that tabs follow."""
    document = await notebook.session.document()
    path = await document.room.read(lambda doc: doc.doc.get("state", type=Map)["path"])
    assert path == notebook.session.path
    return path


async def look(notebook: OpenNotebook) -> None:
    async with (await notebook.session.document()).file_access():
        pass


async def test_a_file_that_vanishes_is_not_written_again_at_once(workspace: Workspace) -> None:
    workspace.config = PATIENT
    async with workspace.running(), workspace.open(PATH) as notebook:
        await edit(notebook)
        move(workspace, PATH, "away")
        with pytest.raises(FileGone):
            await notebook.save()
        saver = (await notebook.session.document()).saver
        assert saver.report()["status"] == "failed"
        assert "not where it was" in (saver.error or "")
        assert names(workspace) == ["away"]
        move(workspace, "away", PATH)
        assert await notebook.save()
        assert saver.report()["status"] == "saved"
        assert saver.error is None
    assert workspace.sources(PATH) == ["edited", "two"]


async def test_a_save_between_a_rename_and_its_event_waits_for_the_event(
    workspace: Workspace,
) -> None:
    workspace.config = PATIENT
    async with workspace.running(), workspace.open(PATH) as notebook:
        await edit(notebook)
        move(workspace, PATH, "new.ipynb")
        with pytest.raises(FileGone):
            await notebook.save()
        await workspace.sessions.moved(PATH, "new.ipynb")
        assert await notebook.save()
        assert await path_of(notebook) == "new.ipynb"
    assert names(workspace) == ["new.ipynb"]
    assert workspace.sources("new.ipynb") == ["edited", "two"]


@pytest.mark.parametrize("name", ["NB.ipynb", "other.ipynb"])
async def test_a_file_renamed_in_its_folder_behind_our_back_is_followed(
    workspace: Workspace, name: str
) -> None:
    workspace.config = IMPATIENT
    async with workspace.running(), workspace.open(PATH) as notebook:
        await edit(notebook)
        move(workspace, PATH, name)
        assert await notebook.save()
        assert await path_of(notebook) == name
        found, new = await workspace.sessions.register(name)
        assert (found.notebook_id, new) == (notebook.id, False)
    assert names(workspace) == [name]
    assert workspace.sources(name) == ["edited", "two"]


async def test_a_file_that_nobody_edits_is_followed_too(workspace: Workspace) -> None:
    workspace.config = IMPATIENT
    async with workspace.running(), workspace.open(PATH) as notebook:
        await look(notebook)
        move(workspace, PATH, "new.ipynb")
        await look(notebook)
        assert await path_of(notebook) == "new.ipynb"


@pytest.mark.parametrize("place", ["new.ipynb", "sub/new.ipynb"])
async def test_a_file_that_somebody_opens_where_it_went_is_followed(
    workspace: Workspace, place: str
) -> None:
    workspace.config = PATIENT
    (workspace.root / "sub").mkdir()
    async with workspace.running(), workspace.open(PATH) as notebook:
        await edit(notebook)
        move(workspace, PATH, place)
        async with workspace.open(place) as again:
            assert again.session is notebook.session
        assert await path_of(notebook) == place
        assert await notebook.save()
    assert workspace.sources(place) == ["edited", "two"]
    assert not (workspace.root / PATH).exists()


async def test_a_link_in_its_old_place_does_not_make_it_two_documents(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await look(notebook)
        move(workspace, PATH, "new.ipynb")
        (workspace.root / PATH).symlink_to("new.ipynb")
        await edit(notebook)
        assert await notebook.save()
        async with workspace.open("new.ipynb") as again:
            assert again.session is notebook.session
    assert (workspace.root / PATH).is_symlink()
    assert workspace.sources("new.ipynb") == ["edited", "two"]


async def test_a_file_that_is_gone_for_good_is_written_anew_when_it_is_edited(
    workspace: Workspace,
) -> None:
    workspace.config = IMPATIENT
    async with workspace.running(), workspace.open(PATH) as notebook:
        await look(notebook)
        (workspace.root / PATH).unlink()
        await look(notebook)
        assert await notebook.save() is False
        assert names(workspace) == []
        await edit(notebook)
        assert await notebook.save()
        assert workspace.sources(PATH) == ["edited", "two"]


async def test_what_is_not_beyond_doubt_the_same_file_is_not_followed(workspace: Workspace) -> None:
    workspace.config = IMPATIENT
    async with workspace.running(), workspace.open(PATH) as notebook:
        await look(notebook)
        move(workspace, PATH, "other.ipynb")
        workspace.write("other.ipynb", "something else")  # into the same inode
        await edit(notebook)
        assert await notebook.save()
        assert await path_of(notebook) == PATH
    assert workspace.sources(PATH) == ["edited", "two"]
    assert workspace.sources("other.ipynb") == ["something else"]


async def test_a_file_moved_onto_another_notebook_stays_that_other_one(
    workspace: Workspace,
) -> None:
    workspace.config = IMPATIENT
    workspace.write("other.ipynb", "other")
    async with workspace.running(), workspace.open(PATH) as notebook:
        other, _ = await workspace.sessions.register("other.ipynb")
        await look(notebook)
        move(workspace, PATH, "other.ipynb")
        await edit(notebook)
        assert await notebook.save()
        assert await path_of(notebook) == PATH
        again, _ = await workspace.sessions.register("other.ipynb")
        assert again.notebook_id == other.notebook_id
    assert names(workspace) == [PATH, "other.ipynb"]


async def test_a_file_that_comes_back_changed_is_merged(workspace: Workspace) -> None:
    workspace.config = PATIENT
    async with workspace.running(), workspace.open(PATH) as notebook:
        await edit(notebook)
        content = json.loads((workspace.root / PATH).read_text(encoding="utf-8"))
        (workspace.root / PATH).unlink()
        with pytest.raises(FileGone):
            await notebook.save()
        content["cells"][1]["source"] = "outside"
        (workspace.root / PATH).write_text(json.dumps(content), encoding="utf-8")
        assert await notebook.save()
        assert await notebook.sources() == ["edited", "outside"]
    assert workspace.sources(PATH) == ["edited", "outside"]


async def test_a_closed_file_that_was_away_keeps_its_history(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await edit(notebook)
    data = (workspace.root / PATH).read_bytes()
    (workspace.root / PATH).unlink()
    async with workspace.running():
        with pytest.raises(NotebookNotFound):
            await workspace.sessions.register(PATH)
        (workspace.root / PATH).write_bytes(data)
        async with workspace.open(PATH) as again:
            assert again.id == notebook.id
            assert await again.sources() == ["edited", "two"]
            assert await again.save() is False


async def test_a_document_deleted_through_the_contents_api_is_never_written_again(
    workspace: Workspace,
) -> None:
    workspace.config = IMPATIENT
    async with workspace.running(), workspace.open(PATH) as notebook:
        await edit(notebook)
        (workspace.root / PATH).unlink()
        await workspace.sessions.deleted(PATH)
    assert names(workspace) == []


async def test_closing_while_the_file_is_missing_keeps_the_edits_in_the_log(
    workspace: Workspace,
) -> None:
    workspace.config = PATIENT
    async with workspace.running(), workspace.open(PATH) as notebook:
        await edit(notebook)
        move(workspace, PATH, "away")
    assert names(workspace) == ["away"]
    move(workspace, "away", PATH)
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert await notebook.sources() == ["edited", "two"]
    assert workspace.sources(PATH) == ["edited", "two"]
