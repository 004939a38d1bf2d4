"""Every notebook that there is can be opened without a trace, and edited without a side effect."""

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_runt.document.ipynb_layout import Layout, scan
from jupyter_runt.errors import NotANotebook
from tests.integration.corpus import files
from tests.unit.session.workspace import OpenNotebook, Workspace

pytestmark = pytest.mark.asyncio

ADDED = "# edited é"


def seen_by_people(path: Path) -> tuple[bytes, int, int]:
    info = path.stat()
    return path.read_bytes(), info.st_mtime_ns, info.st_ino


def content_of(data: bytes | Path) -> bytes:
    return data if isinstance(data, bytes) else data.read_bytes()


def written(folder: Path, data: bytes | Path) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "a.ipynb"
    file.write_bytes(content_of(data))
    return file


def layout_of(data: bytes) -> Layout:
    return scan(data.decode("utf-8-sig"))


def members(cell: dict[str, Any]) -> dict[str, Any]:
    """Return what an edit of its source leaves of a cell."""
    return {key: value for key, value in cell.items() if key not in ("source", "id")}


async def edit(notebook: OpenNotebook, place: int) -> None:
    document = await notebook.session.document()
    cell_id = await document.room.read(lambda doc: doc.cell_ids[place])
    source = await document.room.read(lambda doc: doc.source(cell_id))
    await notebook.send("edit_cell", cell_id=cell_id, source=source + ADDED)


def check_only_this_cell_changed(before: bytes, after: bytes, place: int) -> None:
    old, new = layout_of(before), layout_of(after)
    assert before[:3] == after[:3], "the byte order mark"
    assert list(new.members.items()) == list(old.members.items())
    assert (new.tail, new.close) == (old.tail, old.close)
    assert new.cells[:place] == old.cells[:place]
    assert new.cells[place + 1 :] == old.cells[place + 1 :]
    was, now = old.value["cells"][place], new.value["cells"][place]
    assert json.dumps(members(now)) == json.dumps(members(was))
    assert "".join(now["source"]).endswith(ADDED)


@pytest.mark.rule("FB4")
@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in files()])
async def test_a_notebook_of_the_corpus_keeps_every_byte_that_nobody_edits(
    tmp_path: Path, data: bytes | Path
) -> None:
    original, file = content_of(data), written(tmp_path, data)
    untouched = seen_by_people(file)
    space = Workspace(tmp_path)
    try:
        await open_and_close(space)
    except NotANotebook:
        assert isinstance(data, Path), "of the generated ones all can be opened"
        assert seen_by_people(file) == untouched
        return
    assert seen_by_people(file) == untouched
    async with space.running():  # what a rename writes into the document is not the file's
        file.rename(tmp_path / "b.ipynb")
        await space.sessions.moved("a.ipynb", "b.ipynb")
        async with space.open("b.ipynb") as notebook:
            await (await notebook.session.document()).moved("a.ipynb")
        (tmp_path / "b.ipynb").rename(file)
        await space.sessions.moved("b.ipynb", "a.ipynb")
    await open_and_close(space)
    assert seen_by_people(file) == untouched
    layout = layout_of(original)
    if layout.value["nbformat"] >= 4:
        for place in sorted({0, len(layout.cells) // 2, len(layout.cells) - 1}):
            if 0 <= place < len(layout.cells):
                await edit_and_look(tmp_path / str(place), original, place)


async def open_and_close(space: Workspace) -> None:
    async with space.running(), space.open("a.ipynb") as notebook:
        document = await notebook.session.document()
        document.saver.touch()
        assert await document.saver.save() is False


async def edit_and_look(root: Path, original: bytes, place: int) -> None:
    file = written(root, original)
    space = Workspace(root)
    async with space.running(), space.open("a.ipynb") as notebook:
        await edit(notebook, place)
        assert await notebook.save()
    check_only_this_cell_changed(original, file.read_bytes(), place)
    saved = seen_by_people(file)
    await open_and_close(space)
    assert seen_by_people(file) == saved


@pytest.mark.rule("FB4")
async def test_a_notebook_of_format_3_is_upgraded_by_the_first_edit(tmp_path: Path) -> None:
    data = dict(files())["3"]
    assert isinstance(data, bytes)
    (tmp_path / "a.ipynb").write_bytes(data)
    space = Workspace(tmp_path)
    async with space.running(), space.open("a.ipynb") as notebook:
        before = await notebook.sources()
        await edit(notebook, 1)
        assert await notebook.save()
    assert json.loads((tmp_path / "a.ipynb").read_bytes())["nbformat"] == 4
    assert space.sources("a.ipynb") == [before[0], before[1] + ADDED, *before[2:]]
    saved = seen_by_people(tmp_path / "a.ipynb")
    await open_and_close(space)
    assert seen_by_people(tmp_path / "a.ipynb") == saved
