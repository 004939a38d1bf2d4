"""Whose words cells are."""

import pytest

from jupyter_runt.ids import ActorId, CellId
from jupyter_runt.session.turns.cell_authors import OPENING, CellAuthors
from tests.unit.session.workspace import ADA, OpenNotebook, Workspace

pytestmark = [pytest.mark.asyncio, pytest.mark.rule("AG3")]

BOB = ActorId("user:bob")
PATH = "nb.ipynb"


async def others(notebook: OpenNotebook, *cells: str, own: ActorId = ADA) -> bool:
    """Ask anew: what an earlier look knew must make no difference."""
    log, authors = notebook.session.log, CellAuthors(notebook.id)
    return await authors.others(log, [CellId(cell) for cell in cells], {own})


async def test_cells_are_of_who_wrote_in_them(workspace: Workspace) -> None:
    workspace.write(PATH, "x = 1", "")
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.session.document()
        known = CellAuthors(notebook.id)
        log = notebook.session.log
        assert not await others(notebook)
        assert await others(notebook, "c0")  # the file brought it
        assert not await others(notebook, "c1")  # nobody has said anything
        assert await others(notebook, "no such cell")
        assert not await known.others(log, [CellId("c1")], {ADA})
        await notebook.send("edit_cell", cell_id="c1", source="y = 2")
        await notebook.send("move_cell", cell_id="c1", after=None, actor=BOB)
        assert not await known.others(log, [CellId("c1")], {ADA})
        assert await others(notebook, "c1", own=BOB)
        await notebook.send("edit_cell", cell_id="c1", source="y = 3", actor=BOB)
        assert await known.others(log, [CellId("c1")], {ADA})
        assert await others(notebook, "c1")


async def test_what_a_file_held_at_first_is_told_from_what_came_into_it(
    workspace: Workspace,
) -> None:
    workspace.write(PATH, "x = 1", "y = 2")
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.session.document()
        assert not await others(notebook, "c0", "c1", own=OPENING)
    workspace.write(PATH, "x = 1", "y = 2\nimport os", "z = 3")
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.session.document()
        assert not await others(notebook, "c0", own=OPENING)
        assert await others(notebook, "c1", own=OPENING)
        assert await others(notebook, "c2", own=OPENING)
