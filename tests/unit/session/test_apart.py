"""Edits that are made on a copy while others write: nothing is doubled, nothing lost."""

import asyncio
from typing import Any

import pytest

from jupyter_runt.ids import CellId
from jupyter_runt.session import apart
from tests.unit.session.workspace import ADA, OpenNotebook, Workspace

pytestmark = [pytest.mark.asyncio, pytest.mark.rule("RM3")]


async def cell_ids(notebook: OpenNotebook) -> list[str]:
    document = await notebook.session.document()
    return [str(each) for each in await document.room.read(lambda doc: list(doc.cell_ids))]


async def test_cells_that_are_moved_and_brought_back_at_once_are_there_once(
    workspace: Workspace,
) -> None:
    workspace.write("nb.ipynb", "one", "two", "three")
    async with workspace.running(), workspace.open("nb.ipynb") as notebook:
        moves = [notebook.send("move_cell", cell_id="c0", after=f"c{1 + n % 2}") for n in range(10)]
        await asyncio.gather(*moves)
        assert sorted(await cell_ids(notebook)) == ["c0", "c1", "c2"]
        await notebook.send("delete_cells", cell_ids=["c0", "c1"])
        await asyncio.gather(*(notebook.send("restore_version", seq=1) for _ in range(5)))
        assert await cell_ids(notebook) == ["c0", "c1", "c2"]


@pytest.mark.parametrize("late", [1, apart.TRIES + 1])
async def test_what_is_typed_while_an_edit_is_made_has_it_made_anew(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, late: int
) -> None:
    workspace.write("nb.ipynb", "one", "two")
    async with workspace.running(), workspace.open("nb.ipynb") as notebook:
        document = await notebook.session.document()
        make, texts = apart.make_apart, [f"typed {n}" for n in range(late)]

        async def slowly(*args: Any) -> Any:
            made = await make(*args)
            if texts:
                text = texts.pop(0)
                await document.room.edit(
                    lambda doc: doc.replace_source(CellId("c0"), text), actor=ADA
                )
            return made

        monkeypatch.setattr(apart, "make_apart", slowly)
        await notebook.send("move_cell", cell_id="c0", after="c1")
        assert await cell_ids(notebook) == ["c1", "c0"]
        if late == 1:
            assert await notebook.sources() == ["two", "typed 0"]
