import pytest

from jupyter_runt.errors import Conflict, TurnNotFound
from jupyter_runt.events.agent import TurnUndone
from jupyter_runt.events.document import DocumentUpdated
from tests.unit.session.turn_bench import ALLOW_ALL, finishing_cells, turn_in
from tests.unit.session.workspace import Workspace

pytestmark = [pytest.mark.asyncio, pytest.mark.rule("AG1")]

PATH = "nb.ipynb"


@pytest.fixture(autouse=True)
def _file(workspace: Workspace) -> None:
    workspace.write(PATH, "Do it.", "a = 1\nb = 2\nc = 3", "old()", "last")


async def test_all_that_a_turn_did_goes_back_as_one(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await turn_in(notebook)
        before = await notebook.sources()
        for tool, arguments in [
            ("create_cell", {"source": "new"}),
            ("edit_cell", {"cell_id": "c1", "old": "b = 2", "new": "b = 20"}),
            ("delete_cells", {"cell_ids": ["c2"]}),
            ("move_cell", {"cell_id": "c3", "after": "TOP"}),
            ("edit_cell", {"cell_id": "c1", "old": "c = 3", "new": "c = 30\nd = 4"}),
        ]:
            assert (await turn.call(tool, **arguments)).status == "ok"
        await turn.end()
        assert await notebook.sources() == ["last", "Do it.", "new", "a = 1\nb = 20\nc = 30\nd = 4"]
        reply = await notebook.send("undo_turn", turn_id="t1")
        assert await notebook.sources() == before
        event, undone = reply.events
        assert isinstance(undone.payload, TurnUndone)
        assert isinstance(event.payload, DocumentUpdated)
        assert (event.actor, event.caused_by) == ("user:ada", "undo:t1")


async def test_what_others_wrote_meanwhile_stays(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await turn_in(notebook)
        await turn.call("edit_cell", cell_id="c1", old="a = 1", new="a = 10")
        await notebook.send("edit_cell", cell_id="c1", source="a = 10\nb = 2\nc = 3 # mine")
        await turn.call("edit_cell", cell_id="c1", old="b = 2", new="b = 20")
        await notebook.send("create_cell", cell_type="code", source="mine", after="c3")
        await turn.call("create_cell", source="ai()")
        await turn.end()
        await notebook.send("edit_cell", cell_id="c3", source="last, edited")
        await notebook.send("undo_turn", turn_id="t1")
        assert await notebook.sources() == [
            "Do it.",
            "a = 1\nb = 2\nc = 3 # mine",
            "old()",
            "last, edited",
            "mine",
        ]


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ("x = 1\ny = 2\n# what I think of it", "# what I think of it"),
        ("# mine\nx = 1\n# also mine\ny = 2", "# mine\n# also mine"),
        ("x = 1  # why?\ny = 2", "x = 1  # why?"),
        ("mine alone", "mine alone"),
        ("x = 1", None),
        ("x = 1\ny = 2\n\n", None),
    ],
)
async def test_text_that_a_person_typed_into_a_cell_of_the_ai_stays(
    workspace: Workspace, typed: str, left: str | None
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await turn_in(notebook)
        await turn.call("create_cell", source="x = 1\ny = 2", after="BOTTOM")
        await turn.end()
        (made,) = turn.notebook.session.writer.state.turns.by_id[turn.turn_id].items
        document = await notebook.session.document()
        cell_id = await document.room.read(lambda doc: doc.cell_ids[-1])
        await notebook.send("edit_cell", cell_id=cell_id, source=typed)
        await notebook.send("undo_turn", turn_id="t1")
        sources = await notebook.sources()
        assert sources[4:] == ([] if left is None else [left])
        assert made.tool == "create_cell"


async def test_outputs_of_what_it_ran_stay_and_those_of_what_it_deleted_come_back(
    workspace: Workspace,
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await turn_in(notebook, policy=ALLOW_ALL)
        async with finishing_cells(notebook):
            await notebook.ended((await notebook.run("c2"))[0])
            await turn.call("run_cells", cell_ids=["c1"])
        await turn.call("delete_cells", cell_ids=["c2"])
        await turn.end()
        await notebook.send("undo_turn", turn_id="t1")
        document = await notebook.session.document()
        cells = await document.room.read(lambda doc: doc.notebook()["cells"])
        texts = {cell["id"]: [out["text"] for out in cell["outputs"]] for cell in cells}
        assert texts == {
            "c0": [],
            "c1": ["ran a = 1\nb = 2\nc = 3\n"],
            "c2": ["ran old()\n"],
            "c3": [],
        }


async def test_a_turn_is_taken_back_once_and_when_it_has_ended(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        with pytest.raises(TurnNotFound):
            await notebook.send("undo_turn", turn_id="t1")
        turn = await turn_in(notebook)
        await turn.call("create_cell", source="new")
        with pytest.raises(Conflict):
            await notebook.send("undo_turn", turn_id="t1")
        await turn.end()
        reply = await notebook.send("undo_turn", turn_id="t1", command_id="k")
        assert [event.name for event in reply.events] == ["v1.DocumentUpdated", "v1.TurnUndone"]
        assert await notebook.send("undo_turn", turn_id="t1", command_id="k") == reply
        with pytest.raises(Conflict):
            await notebook.send("undo_turn", turn_id="t1")
        assert len(await notebook.sources()) == 4


async def test_a_turn_that_edited_nothing_has_nothing_to_take_back(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await turn_in(notebook)
        await turn.end()
        before = await notebook.sources()
        (undone,) = (await notebook.send("undo_turn", turn_id="t1")).events
        assert undone.name == "v1.TurnUndone"
        assert await notebook.sources() == before
