import json
from collections.abc import Callable
from typing import Any

import pytest

from jupyter_runt.document.ipynb import import_update, read_notebook
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.text import TextDoc
from jupyter_runt.events.document import CellDeleted, Change, StateChanged, TextChanged
from jupyter_runt.ids import CellId, Seq
from jupyter_runt.session import projection as module
from jupyter_runt.session.projection import NotebookProjection, TextProjection

pytestmark = pytest.mark.asyncio

FILE = json.dumps(
    {
        "cells": [
            {"cell_type": "markdown", "id": name, "metadata": {}, "source": name}
            for name in ("a", "b", "c")
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    },
    indent=3,
).encode()


class Document:
    """A document and the projection that its file follows."""

    def __init__(self) -> None:
        parsed = read_notebook(FILE)
        self.doc = NotebookDoc()
        self.doc.apply([import_update(parsed.notebook, 1)])
        self.projection = NotebookProjection(parsed.text)
        self.looks = 0

    def edit(self, edit: Callable[[NotebookDoc], Any]) -> bool:
        return self.projection.changed(self.doc.transact(lambda: edit(self.doc)).changes)

    async def read(self, view: Callable[[NotebookDoc], Any]) -> Any:
        self.looks += 1
        return view(self.doc)

    async def rendered(self) -> bytes:
        assert await self.projection.gather(self.read, lambda: Seq(9)) == 9
        return self.projection.render()


@pytest.mark.rule("FB1")
async def test_a_cell_that_was_moved_with_another_text_than_the_file_s_is_written_again() -> None:
    """As when one person moves a cell while another types in it: the move wins."""
    document = Document()

    def replace(doc: NotebookDoc) -> None:
        cell = {"id": "b", "cell_type": "markdown", "metadata": {}, "source": "moved"}
        doc.delete_cells([CellId("b")])
        doc.insert_cell(cell, None)

    document.edit(replace)
    cells = json.loads(await document.rendered())["cells"]
    assert [(cell["id"], "".join(cell["source"])) for cell in cells] == [
        ("b", "moved"),
        ("a", "a"),
        ("c", "c"),
    ]


@pytest.mark.rule("FB4")
async def test_a_document_that_was_not_edited_is_its_file_byte_for_byte() -> None:
    document = Document()
    assert await document.rendered() == FILE
    document.projection.expect_all()
    assert await document.rendered() == FILE


@pytest.mark.rule("FB4", "FB1")
async def test_an_edit_changes_its_cell_alone() -> None:
    document = Document()
    assert document.edit(lambda doc: doc.replace_source(CellId("b"), "B"))
    assert await document.rendered() == FILE.replace(b'"source": "b"', b'"source": "B"')


async def test_cells_come_go_and_move() -> None:
    document = Document()
    assert document.edit(lambda doc: doc.delete_cells([CellId("a")]))
    assert document.edit(lambda doc: doc.move_cell(CellId("c"), None))
    assert document.edit(lambda doc: doc.create_cell("code", "new", CellId("b")))
    cells = json.loads(await document.rendered())["cells"]
    assert ["".join(cell["source"]) for cell in cells] == ["c", "b", "new"]


async def test_a_cell_that_went_before_it_was_looked_at_is_no_matter() -> None:
    document = Document()
    document.edit(lambda doc: doc.replace_source(CellId("b"), "B"))
    document.edit(lambda doc: doc.delete_cells([CellId("b")]))
    cells = json.loads(await document.rendered())["cells"]
    assert [cell["id"] for cell in cells] == ["a", "c"]


async def test_what_is_only_about_the_file_does_not_make_it_follow() -> None:
    document = Document()
    state: list[Change] = [StateChanged(keys=("dirty",))]
    assert not document.projection.changed(state)
    assert document.projection.changed([CellDeleted(cell_id=CellId("a"), index=0)])


@pytest.mark.rule("FB1")
async def test_a_long_look_is_cut_into_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    document = Document()
    document.projection.expect_all()
    monkeypatch.setattr(module, "SLICE_SECONDS", 0)
    assert await document.rendered() == FILE
    assert document.looks == 3, "one for each cell"


async def test_what_changes_between_two_looks_is_looked_at_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = Document()
    document.projection.expect_all()
    monkeypatch.setattr(module, "SLICE_SECONDS", 0)
    read = document.read

    async def interrupted(view: Callable[[NotebookDoc], Any]) -> Any:
        seen = await read(view)
        if document.looks == 1:
            for name in "abc":
                document.edit(lambda doc, name=name: doc.replace_source(CellId(name), name * 2))
        return seen

    document.read = interrupted  # type: ignore[method-assign]
    cells = json.loads(await document.rendered())["cells"]
    assert ["".join(cell["source"]) for cell in cells] == ["aa", "bb", "cc"]


async def test_a_text_file_is_its_text() -> None:
    doc, projection = TextDoc(), TextProjection()
    done = doc.transact(lambda: doc.replace("ünï\r\n"))
    assert projection.changed(done.changes)
    assert not projection.changed([StateChanged(keys=("path",))])
    assert projection.changed([TextChanged(inserted=1, removed=0)])

    async def read(view: Callable[[TextDoc], Any]) -> Any:
        return view(doc)

    assert await projection.gather(read, lambda: Seq(3)) == 3
    assert projection.render() == "ünï\r\n".encode()
