import asyncio
import json
from typing import Any

import pytest

from jupyter_runt.ai.policy import Policy
from jupyter_runt.events.document import DocumentUpdated
from jupyter_runt.events.execution import ExecutionRequested
from jupyter_runt.ids import agent_actor
from jupyter_runt.session.capabilities import Capability
from jupyter_runt.tools import ToolCall
from tests.unit.session.turn_bench import ALLOW_ALL, finishing_cells, turn_in
from tests.unit.session.workspace import Workspace

pytestmark = pytest.mark.asyncio

PATH = "nb.ipynb"


@pytest.fixture(autouse=True)
def _file(workspace: Workspace) -> None:
    workspace.write(PATH, "What is in the data?", "import pandas as pd", "x = 1\ny = 2\nprint(x)")


async def test_the_notebook_is_listed_by_ids(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await turn_in(notebook)
        listed = await turn.call("get_notebook")
        assert listed.status == "ok"
        assert listed.tainted
        lines = listed.text.splitlines()
        assert lines[2].startswith("3 | code | id=c2 | rev=")
        assert lines[2].endswith("| x = 1 [+2 lines]")
        part = await turn.call("get_notebook", start=2, count=1)
        assert "get_notebook(start=3)" in part.text
        assert "c2" not in part.text


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("read_cells", '{"cell_ids": ["c2"], "outputs": null}', "x = 1\ny = 2"),
        ("read_cells", '{"cell_ids": "c2"}', "x = 1\ny = 2"),
        ("read_cells", '{"cell_ids": "[\\"c1\\", \\"c2\\"]", "outputs": "false"}', "import pandas"),
        ("read_cells", json.dumps('{"cell_ids": ["c2"]}'), "x = 1"),
        ("search_cells", '{"text": "PANDAS"}', "id=c1 line 1: import pandas as pd"),
        ("get_notebook", "", "3 | code | id=c2"),
        ("get_notebook", '{"count": "2"}', "[1 more: get_notebook(start=3)]"),
    ],
)
async def test_what_models_write_is_understood(
    workspace: Workspace, tool: str, arguments: str, told: str
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await turn_in(notebook)
        result = await turn.call_raw(tool, arguments)
        assert (result.status, told in result.text) == ("ok", True), result.text


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("read_cells", "{", "are not JSON"),
        ("read_cells", "[]", "not a JSON object"),
        ("read_cells", "{}", "cell_ids: Field required. The arguments are: cell_ids, outputs."),
        ("read_cells", '{"cell_ids": ["c2"], "why": 1}', "why: Extra inputs are not permitted"),
        ("read_cells", '{"cell_ids": ["nope"]}', "There is no cell nope. There are c0, c1, c2."),
        ("read_cells", '{"cell_ids": ["c"]}', "more than one cell whose id begins with c."),
        ("edit_cell", '{"cell_id": "c1", "old": "numpy", "new": "x"}', "The cell reads (rev="),
        ("edit_cell", '{"cell_id": "c2", "old": "x", "new": "z"}', "there 2 times"),
        ("delete_cells", '{"cell_ids": ["c0"]}', "You answer in that cell"),
        ("replace_cell", '{"cell_id": "c0", "source": "x"}', "You answer in that cell"),
        ("read_output", '{"cell_id": "c1", "index": 3}', "The cell has 0 outputs"),
        ("get_execution", '{"execution_id": "e"}', "read_cells shows"),
        ("inspect_variables", "{}", "running a cell starts one"),
    ],
)
async def test_an_error_says_what_to_do(
    workspace: Workspace, tool: str, arguments: str, told: str
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await turn_in(notebook)
        result = await turn.call_raw(tool, arguments)
        assert (result.status, told in result.text) == ("error", True), result.text
        assert await notebook.sources() == [
            "What is in the data?",
            "import pandas as pd",
            "x = 1\ny = 2\nprint(x)",
        ]


@pytest.mark.rule("AG1")
async def test_what_the_ai_edits_is_its_turn_s_and_says_the_new_revision(
    workspace: Workspace,
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await turn_in(notebook)
        made = await turn.call("create_cell", source="a = 1")
        also = await turn.call("create_cell", source="# Title", cell_type="markdown", after="TOP")
        more = await turn.call("create_cell", source="b = 2")
        edited = await turn.call("edit_cell", cell_id="c2", old="y = 2", new="y = 3")
        assert [r.status for r in (made, also, more, edited)] == ["ok"] * 4
        assert not turn.box.tainted
        assert edited.text.splitlines()[1:] == ["-y = 2", "+y = 3"]
        assert await notebook.sources() == [
            "# Title",
            "What is in the data?",
            "a = 1",
            "b = 2",
            "import pandas as pd",
            "x = 1\ny = 3\nprint(x)",
        ]
        edits = [e for e in await notebook.log(DocumentUpdated) if e.actor != "file"]
        assert {(e.actor, e.caused_by) for e in edits} == {(agent_actor(turn.turn_id), "turn:t1")}


async def test_a_cell_that_somebody_edited_meanwhile_is_not_replaced(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await turn_in(notebook)
        await notebook.send("edit_cell", cell_id="c1", source="import polars")
        replaced = await turn.call("replace_cell", cell_id="c1", source="import numpy")
        deleted = await turn.call("delete_cells", cell_ids=["c1"])
        assert (replaced.status, deleted.status) == ("error", "error")
        assert "was edited meanwhile" in replaced.text
        await turn.call("read_cells", cell_ids=["c1"])
        assert (await turn.call("replace_cell", cell_id="c1", source="import numpy")).status == "ok"
        stale = await turn.call("edit_cell", cell_id="c1", old="numpy", new="np", expected_rev="00")
        assert stale.status == "error"
        assert (await turn.call("delete_cells", cell_ids=["c1"])).status == "ok"
        assert len(await notebook.sources()) == 2


async def test_what_others_wrote_in_a_cell_is_not_replaced_unread(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await turn_in(notebook)
        await notebook.send("edit_cell", cell_id="c2", source="x = 1\ny = 2\nprint(x)\n# mine")
        edited = await turn.call("edit_cell", cell_id="c2", old="y = 2", new="y = 3")
        assert (edited.status, "Others edited it, too" in edited.text) == ("ok", True)
        assert (await turn.call("replace_cell", cell_id="c2", source="z")).status == "error"
        assert (await turn.call("delete_cells", cell_ids=["c2"])).status == "error"
        assert (await notebook.sources())[2] == "x = 1\ny = 3\nprint(x)\n# mine"
        await notebook.send("create_cell", cell_type="code", source="new", after="c2")
        document = await notebook.session.document()
        new = await document.room.read(lambda doc: doc.cell_ids[-1])
        assert (await turn.call("replace_cell", cell_id=new, source="z")).status == "error"
        await turn.call("read_cells", cell_ids=[new, "c2"])
        assert (await turn.call("replace_cell", cell_id=new, source="z")).status == "ok"
        assert (await turn.call("delete_cells", cell_ids=["c2"])).status == "ok"


async def test_edits_of_the_ai_and_of_people_at_once_all_count(workspace: Workspace) -> None:
    workspace.write(PATH, "ask", "\n".join(f"a{n} = 0\nb{n} = 0" for n in range(20)))
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await turn_in(notebook)

        async def people() -> None:
            for n in range(20):
                change = {"old": f"b{n} = 0", "new": f"b{n} = 2"}
                await notebook.send("edit_cell", cell_id="c1", replacements=[change])

        async def ai() -> list[str]:
            calls = [
                await turn.call("edit_cell", cell_id="c1", old=f"a{n} = 0", new=f"a{n} = 1")
                for n in range(20)
            ]
            return [result.status for result in calls]

        statuses, _ = await asyncio.gather(ai(), people())
        assert statuses == ["ok"] * 20
        assert (await notebook.sources())[1] == "\n".join(f"a{n} = 1\nb{n} = 2" for n in range(20))


async def test_cells_are_moved(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await turn_in(notebook)
        for after, order in [("TOP", [2, 0, 1]), ("BOTTOM", [0, 1, 2]), ("c0", [0, 2, 1])]:
            assert (await turn.call("move_cell", cell_id="c2", after=after)).status == "ok"
            firsts = [source[0] for source in await notebook.sources()]
            assert firsts == ["Wix"[index] for index in order]


@pytest.mark.rule("AG6")
async def test_a_hidden_cell_is_never_seen_or_named(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.session.document()
        await notebook.send("set_context_visibility", cell_ids=["c1"], visible=False)
        turn = await turn_in(notebook, policy=ALLOW_ALL)
        results = [
            await turn.call("get_notebook"),
            await turn.call("search_cells", text="pandas"),
            await turn.call("read_cells", cell_ids=["c0", "c2"]),
            await turn.call("read_cells", cell_ids=["c"]),
            await turn.call("create_cell", source="", after="zz"),
        ]
        for result in results:
            assert "c1" not in result.text
            assert "import pandas" not in result.text
        for tool, arguments in [
            ("read_cells", {"cell_ids": ["c1"]}),
            ("edit_cell", {"cell_id": "c1", "old": "pandas", "new": "x"}),
            ("replace_cell", {"cell_id": "c1", "source": ""}),
            ("delete_cells", {"cell_ids": ["c1"]}),
            ("move_cell", {"cell_id": "c1", "after": "TOP"}),
            ("move_cell", {"cell_id": "c2", "after": "c1"}),
            ("run_cells", {"cell_ids": ["c1"]}),
            ("read_output", {"cell_id": "c1"}),
        ]:
            result = await turn.call(tool, **arguments)  # type: ignore[arg-type]
            assert (result.status, "There is no cell c1." in result.text) == ("error", True)
        async with finishing_cells(notebook):
            ran = await turn.call("run_cells")
        assert "c1" not in ran.text
        assert [e.cell_id for e in await notebook.payloads(ExecutionRequested)] == ["c0", "c2"]


@pytest.mark.rule("AG1", "EX9")
async def test_cells_run_for_the_turn_and_tell_what_they_put_out(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await turn_in(notebook, policy=ALLOW_ALL)
        async with finishing_cells(notebook):
            ran = await turn.call("run_cells", cell_ids=["c1", "c2"])
        assert (ran.status, ran.tainted) == ("ok", True)
        assert "Cell c1: ok." in ran.text
        assert "ran import pandas as pd" in ran.text
        asked = await notebook.log(ExecutionRequested)
        assert {(e.actor, e.caused_by, e.payload.requested_by) for e in asked} == {  # type: ignore[attr-defined]
            ("agent:t1", "turn:t1", "agent:t1")
        }


async def test_a_cell_that_goes_on_can_be_waited_for(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await turn_in(notebook, policy=ALLOW_ALL)
        ran = await turn.call("run_cells", cell_ids=["c2"], wait_s=0)
        (asked,) = await notebook.payloads(ExecutionRequested)
        assert f"get_execution(execution_id={asked.execution_id})" in ran.text
        assert not ran.tainted
        busy = await turn.call("inspect_variables")
        assert (busy.status, "get_execution" in busy.text) == ("error", True)
        async with finishing_cells(notebook):
            later = await turn.call("get_execution", execution_id=asked.execution_id)
        assert "ran x = 1" in later.text
        assert (await turn.call("inspect_variables")).status == "ok"


async def test_only_code_runs(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.session.document()
        await notebook.send("set_cell_type", cell_id="c0", cell_type="ai")
        turn = await turn_in(notebook, policy=ALLOW_ALL)
        result = await turn.call("run_cells", cell_ids=["c0"])
        assert (result.status, "is of type ai" in result.text) == ("error", True)
        assert await notebook.log(ExecutionRequested) == []


async def test_a_long_output_is_read_on(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await turn_in(notebook, policy=ALLOW_ALL)
        running = asyncio.create_task(turn.call("run_cells", cell_ids=["c2"]))
        kernel = await notebook.started()
        text = "".join(f"line {number}\n" for number in range(3000))
        kernel.say("stream", kernel.asked[0][0], name="stdout", text=text)
        kernel.finish(kernel.asked[0][0])
        ran = await running
        assert len(ran.text) < 3000
        assert "line 0\n" in ran.text
        assert "line 2999" in ran.text
        assert "read_output(cell_id=c2, index=0" in ran.text
        read, offset = "", 0
        while "that is the end" not in (
            part := (await turn.call("read_output", cell_id="c2", offset=offset)).text
        ):
            read += part.rpartition("\n[characters")[0]
            offset = len(read)
        assert read + part.rpartition("\n[characters")[0] == text.rstrip("\n")


# who may


@pytest.mark.rule("AG1", "AG2")
@pytest.mark.parametrize(
    ("denied", "tool", "arguments"),
    [
        (Capability.EDIT, "create_cell", {"source": "1"}),
        (Capability.EXECUTE, "run_cells", {"cell_ids": ["c2"]}),
        (Capability.EXECUTE, "inspect_variables", {}),
        (Capability.EXECUTE, "interrupt_kernel", {}),
        (Capability.READ, "get_notebook", {}),
    ],
)
async def test_the_ai_may_what_its_asker_may_at_that_moment(
    workspace: Workspace, denied: Capability, tool: str, arguments: dict[str, Any]
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await turn_in(notebook, policy=ALLOW_ALL)
        before = len(await notebook.log(DocumentUpdated, ExecutionRequested))
        workspace.denied.add(denied)
        result = await turn.call(tool, **arguments)
        assert (result.status, "user:ada may not" in result.text) == ("denied", True)
        assert len(await notebook.log(DocumentUpdated, ExecutionRequested)) == before


@pytest.mark.rule("AG2")
async def test_a_tool_that_nobody_knows_is_denied(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await turn_in(notebook, policy=ALLOW_ALL)
        result = await turn.call("rm", path="/")
        assert result.status == "denied"
        assert turn.box.effect(ToolCall("x", "rm", "{}")) == "external"


def _strict(schema: dict[str, Any]) -> bool:
    fields = schema["properties"].values()
    return (
        schema["additionalProperties"] is False
        and schema["required"] == list(schema["properties"])
        and all("description" in field for field in fields)
        and not any("default" in field or "title" in field for field in fields)
    )


async def test_tools_are_told_in_the_subset_that_providers_call_strict(
    workspace: Workspace,
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        box = (await turn_in(notebook)).box
        assert [spec.name for spec in box.specs() if not _strict(spec.parameters)] == []
        assert len({spec.name for spec in box.specs()}) == 15
        assert len(json.dumps([spec.parameters for spec in box.specs()])) < 8000


async def test_what_is_denied_by_configuration_is_not_offered(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await turn_in(notebook, policy=Policy.of({"execute": "deny"}))
        names = [spec.name for spec in turn.box.specs()]
        assert "run_cells" not in names
        assert "edit_cell" in names
        assert (await turn.call("run_cells")).status == "denied"
