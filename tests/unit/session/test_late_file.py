"""A notebook that was opened before is read when it is saved, not when it is opened."""

import gc
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from weakref import ref

import pytest

from jupyter_runt.document import ipynb
from jupyter_runt.document.ai_cells import without_answers
from jupyter_runt.events.document import CellDeleted, Change, SourceChanged, StateChanged
from jupyter_runt.ids import CellId, Seq
from jupyter_runt.rooms.protocol import read_state_vector
from jupyter_runt.session import content, digests, file_content, projection, signatures
from jupyter_runt.session.file_content import FileContent
from jupyter_runt.session.projection import LateProjection, NotebookProjection
from jupyter_runt.session.reading import Reading
from tests.unit.session.workspace import Workspace

pytestmark = pytest.mark.asyncio

PATH = "nb.ipynb"


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return what was parsed until now."""
    seen: list[bytes] = []

    def read_notebook(data: bytes) -> ipynb.NotebookFile:
        seen.append(data)
        return ipynb.read_notebook(data)

    monkeypatch.setattr(content, "read_notebook", read_notebook)
    monkeypatch.setattr(content, "BLANK_BYTES", 0)  # small ones are looked into
    return seen


def write(workspace: Workspace, cells: Sequence[dict[str, Any]], *, minor: int) -> bytes:
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": minor}
    text = json.dumps(notebook, indent=3)
    (workspace.root / PATH).write_text(text, encoding="utf-8")
    return text.encode()


async def opened_before(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.sources()


@pytest.mark.rule("EL4", "FB4")
async def test_to_open_a_notebook_again_reads_nothing_of_its_content(
    workspace: Workspace, parsed: list[bytes]
) -> None:
    workspace.write(PATH, "one", "two")
    before = (workspace.root / PATH).read_bytes()
    await opened_before(workspace)
    parsed.clear()
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert await notebook.sources() == ["one", "two"]
        assert await notebook.save() is False
    assert parsed == []
    assert (workspace.root / PATH).read_bytes() == before


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every file for a large one that nobody has touched for long."""
    monkeypatch.setattr(digests, "LARGE", 0)
    monkeypatch.setattr(digests, "SETTLED", 0.0)


def touched_since(file: Path, before: os.stat_result) -> None:
    """Put back the time of the last write, as often as it takes for the clock to move on."""
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    while file.stat().st_ctime_ns == before.st_ctime_ns:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("written", ["by others", "by us"])
@pytest.mark.rule("EL4")
async def test_a_large_file_that_nobody_touched_is_not_read_to_open_it_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    workspace.write(PATH, "one", "two")
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.sources()
        if written == "by us":
            await notebook.send("edit_cell", cell_id="c0", source="ours")
            await notebook.save()
    monkeypatch.setattr(file_content, "BLOCK", 0)  # there is nothing in it
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert (await notebook.sources())[1] == "two"
        assert notebook.session.path == PATH


@pytest.mark.usefixtures("large")
@pytest.mark.rule("FB2")
async def test_a_change_in_place_with_the_same_size_and_time_is_merged_when_it_is_opened_again(
    workspace: Workspace,
) -> None:
    workspace.write(PATH, "one", "two")
    await opened_before(workspace)
    file = workspace.root / PATH
    before = file.stat()
    file.write_bytes(file.read_bytes().replace(b"two", b"TWO"))
    touched_since(file, before)
    after = file.stat()
    assert (after.st_ino, after.st_size, after.st_mtime_ns) == (
        (before.st_ino, before.st_size, before.st_mtime_ns)
    )
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert await notebook.sources() == ["one", "TWO"]


@pytest.mark.usefixtures("large")
@pytest.mark.rule("FB1")
async def test_a_large_file_is_saved_if_somebody_had_changed_who_may_read_it(
    workspace: Workspace,
) -> None:
    workspace.write(PATH, "one", "two")
    await opened_before(workspace)
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert await notebook.sources() == ["one", "two"]
        (workspace.root / PATH).chmod(0o600)
        await notebook.send("edit_cell", cell_id="c0", source="ours")
        await notebook.save()
    assert workspace.sources(PATH) == ["ours", "two"]


@pytest.mark.usefixtures("large")
@pytest.mark.rule("FB2", "EX9")
async def test_a_change_that_the_file_system_kept_to_itself_is_merged_by_the_first_save(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "_times", lambda _: "")
    workspace.write(PATH, "one", "two")
    await opened_before(workspace)
    file = workspace.root / PATH
    before = file.stat()
    file.write_bytes(file.read_bytes().replace(b"two", b"TWO"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert await notebook.sources() == ["one", "two"]
        await notebook.send("edit_cell", cell_id="c0", source="ours")
        await notebook.save()
        assert await notebook.sources() == ["ours", "TWO"]
    assert workspace.sources(PATH) == ["ours", "TWO"]


@pytest.mark.rule("FB4")
async def test_cells_without_ids_keep_their_text_where_others_were_edited_after_an_opening(
    workspace: Workspace,
) -> None:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": [f"{name}\n", "same"], "odd": 1.50}
        for name in "abc"
    ]
    before = write(workspace, cells, minor=4)
    await opened_before(workspace)
    async with workspace.running(), workspace.open(PATH) as notebook:
        document = await notebook.session.document()
        ids = await document.room.read(lambda doc: list(doc.cell_ids))
        await notebook.send("delete_cells", cell_ids=[ids[0]])
        await notebook.send("edit_cell", cell_id=ids[1], source="B\nsame")
    after = (workspace.root / PATH).read_bytes()
    untouched = before[before.index(b'"c\\n"') :]
    assert untouched in after
    assert [cell["source"][0] for cell in json.loads(after)["cells"]] == ["B\n", "c\n"]


@pytest.mark.rule("FB2")
async def test_a_change_from_outside_before_the_first_save_is_merged_into_what_was_opened_again(
    workspace: Workspace,
) -> None:
    workspace.write(PATH, "one", "two")
    await opened_before(workspace)
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="c0", source="ours")
        file = workspace.root / PATH
        theirs = json.loads(file.read_text(encoding="utf-8"))
        theirs["cells"][1]["source"] = "theirs"
        file.write_text(json.dumps(theirs), encoding="utf-8")
    assert workspace.sources(PATH) == ["ours", "theirs"]


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.rule("EX9")
async def test_a_notebook_that_was_signed_stays_signed_when_it_is_edited_after_an_opening(
    workspace: Workspace, *, signed: bool
) -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "x"}
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "1", "execution_count": 1}
    data = write(workspace, [{**cell, "outputs": [output]}], minor=5)
    if signed:
        await workspace.trust.sign(ipynb.read_notebook(data).notebook)
    await opened_before(workspace)
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="a", source="2")
    saved = ipynb.read_notebook((workspace.root / PATH).read_bytes()).notebook
    assert saved["cells"][0]["source"] == "2"
    assert await workspace.trust.is_signed(saved) is signed


@pytest.mark.rule("EX9")
async def test_an_answer_is_trusted_by_nobody_and_takes_no_trust_from_what_a_person_ran(
    workspace: Workspace,
) -> None:
    html = {"output_type": "display_data", "metadata": {}, "data": {"text/html": "<b>x</b>"}}
    ran = {"cell_type": "code", "id": "ran", "metadata": {}, "source": "1", "execution_count": 1}
    asked = {**ran, "id": "asked", "metadata": {"runt": {"type": "ai"}}, "execution_count": None}
    cells = [{**ran, "outputs": [html]}, {**asked, "outputs": [html]}]
    data = write(workspace, cells, minor=5)
    whole = ipynb.read_notebook(data).signed
    await workspace.trust.sign(without_answers(whole))
    async with workspace.running(), workspace.open(PATH) as notebook:
        document = await notebook.session.document()
        clients = document.clients
        writers = await document.room.read(lambda doc: read_state_vector(doc.doc.get_state()))
        assert {clients.trusted_file, clients.file} <= set(writers)
        assert writers[clients.file] < writers[clients.trusted_file]
        await notebook.send("edit_cell", cell_id="ran", source="2")
    saved = ipynb.read_notebook((workspace.root / PATH).read_bytes()).signed
    assert await workspace.trust.is_signed(without_answers(saved))
    assert not await workspace.trust.is_signed(saved)
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("set_cell_type", cell_id="asked", cell_type="code")
    saved = ipynb.read_notebook((workspace.root / PATH).read_bytes()).signed
    assert saved["cells"][1]["outputs"]
    assert not await workspace.trust.is_signed(saved)


def _edited(name: str) -> Change:
    return SourceChanged(cell_id=CellId(name), inserted=1, removed=0)


class Made(NotebookProjection):
    """What a late projection makes, and what it told it."""

    def __init__(self) -> None:
        super().__init__(
            ipynb.NotebookText.fresh({"cells": [], "nbformat": 4, "nbformat_minor": 5})
        )
        self.told: list[Change] = []
        self.all_expected = False

    def changed(self, changes: Any) -> bool:
        changes = list(changes)
        self.told += changes
        return super().changed(changes)

    def expect_all(self) -> None:
        self.all_expected = True

    async def gather(self, read: Any, seq: Any) -> Seq:
        return Seq(seq())


@pytest.mark.rule("FB1")
async def test_a_file_is_not_held_as_it_was_once_it_is_another(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.write(PATH, "one", "two")
    await opened_before(workspace)
    readings: list[ref[Reading]] = []

    def reading(*args: Any) -> Reading:
        made = Reading(*args)
        readings.append(ref(made))
        return made

    monkeypatch.setattr(signatures, "Reading", reading)
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("edit_cell", cell_id="c0", source="another")
        assert await notebook.save()
        gc.collect()
        assert [made() for made in readings] == [None]


@pytest.mark.rule("FB1")
async def test_what_changed_before_a_projection_was_made_is_told_to_it() -> None:
    made = Made()

    async def make() -> Made:
        assert late.changed([_edited("b")])  # as somebody does while the file is read
        return made

    async def read(_view: Any) -> Any:
        raise AssertionError

    late = LateProjection(make, NotebookProjection.follows)
    assert not late.changed([StateChanged(keys=("dirty",))])
    assert late.changed([_edited("a"), CellDeleted(cell_id=CellId("c"), index=0)])
    assert await late.gather(read, lambda: Seq(7)) == 7
    assert late.changed([_edited("d")])
    assert [getattr(change, "cell_id", None) for change in made.told] == ["a", "c", "b", "d"]
    assert not made.all_expected


@pytest.mark.rule("FB1")
async def test_many_changes_before_a_projection_was_made_are_remembered_as_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(projection, "MANY", 3)
    made = Made()

    async def make() -> Made:
        return made

    late = LateProjection(make, NotebookProjection.follows)
    for name in "abcde":
        assert late.changed([_edited(name)])

    async def read(_view: Any) -> Any:
        raise AssertionError

    await late.gather(read, lambda: Seq(1))
    assert made.all_expected
    assert len(made.told) <= 3


@pytest.mark.usefixtures("large")
@pytest.mark.rule("FB2")
async def test_a_change_before_an_imported_file_has_a_digest_is_merged(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.write(PATH, "one", "two")
    file, hashed = workspace.root / PATH, FileContent.hashed

    def late(self: FileContent) -> FileContent:
        monkeypatch.undo()
        monkeypatch.setattr(digests, "LARGE", 0)
        file.write_bytes(file.read_bytes().replace(b"two", b"outside"))
        return hashed(self)

    async with workspace.running(), workspace.open(PATH) as notebook:
        monkeypatch.setattr(FileContent, "hashed", late)
        assert await notebook.sources() == ["one", "two"]
        await notebook.send("edit_cell", cell_id="c0", source="ours")
        await notebook.save()
        assert await notebook.sources() == ["ours", "outside"]
    assert workspace.sources(PATH) == ["ours", "outside"]
