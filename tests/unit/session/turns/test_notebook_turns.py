import asyncio
import base64
import io
import json
from collections.abc import Callable
from typing import Any

import nbformat
import pytest
from PIL import Image as Pillow

from jupyter_runt.ai.failures import ProviderFailure
from jupyter_runt.ai.limits import Limits
from jupyter_runt.ai.messages import Assistant, Returned, User
from jupyter_runt.ai.providers import AiConfig, ModelPrice
from jupyter_runt.document.ai_cells import ANSWER_MIME
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.errors import (
    CellNotFound,
    Conflict,
    InvalidCommand,
    StoreUnavailable,
    TurnNotFound,
)
from jupyter_runt.events.agent import TurnCompleted, TurnStarted, TurnTextAppended
from jupyter_runt.events.document import DocumentUpdated
from jupyter_runt.ids import CellId
from jupyter_runt.session.turns import answering
from jupyter_runt.tools import Image, ToolResult
from tests.unit.session.scripted import says
from tests.unit.session.workspace import ADA, OpenNotebook, Workspace, until

pytestmark = pytest.mark.asyncio

PATH = "nb.ipynb"
ASKED = "What is x?"


@pytest.fixture(autouse=True)
def _file(workspace: Workspace) -> None:
    """A code cell c0 with an output, an AI cell ai, and a code cell below."""
    stream = nbformat.v4.new_output("stream", text="it put out 42\n")
    cells = [
        nbformat.v4.new_code_cell("x = 42\nprint(x)", id="c0", outputs=[stream]),
        nbformat.v4.new_code_cell(ASKED, id="ai", metadata={"runt": {"type": "ai"}}),
        nbformat.v4.new_code_cell("below = 1", id="c1"),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbformat.write(notebook, workspace.root / PATH)


async def cell(notebook: OpenNotebook, cell_id: str = "ai") -> dict[str, Any]:
    document = await notebook.session.document()
    return await document.room.read(lambda doc: doc.cell(cell_id))  # type: ignore[arg-type]


async def shown(notebook: OpenNotebook, turn_id: str) -> dict[str, Any]:
    """Return a turn as browsers have it, while it goes on or after."""
    room = notebook.session.writer.room
    turn: dict[str, Any] = await room.read(lambda doc: doc.turns.to_py()[turn_id])
    return turn


async def bundle(notebook: OpenNotebook) -> dict[str, Any]:
    (output,) = (await cell(notebook))["outputs"]
    found: dict[str, Any] = output["data"][ANSWER_MIME]
    return found


# asking


@pytest.mark.rule("AG5", "EL1", "AU2")
async def test_an_answer_is_told_from_the_question_to_the_cell(workspace: Workspace) -> None:
    workspace.model.replies = [says("It is ", "**42**.")]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn_id = await notebook.ask("ai", command_id="k")
        turn = await notebook.answered(turn_id)
        assert (turn["status"], turn["text"], turn["error"]) == ("ok", "It is **42**.", None)
        assert (turn["cell_id"], turn["model"]) == ("ai", "test/scripted")
        assert turn["usage"] == {"input_tokens": 7, "output_tokens": 3}
        assert (turn["prompt"], turn["requested_by"]) == (ASKED, ADA)
        answered = await cell(notebook)
        assert answered["outputs"][0]["data"]["text/markdown"] == "It is **42**."
        assert answered["outputs"][0]["data"]["text/plain"] == "It is **42**."
        told = await bundle(notebook)
        assert told["items"] == [{"type": "text", "text": "It is **42**."}]
        assert (told["version"], told["turn_id"], told["status"]) == (1, turn_id, "ok")
        assert answered["metadata"]["runt"]["turns"] == [told]
        (started,) = await notebook.log(TurnStarted)
        assert (started.actor, started.caused_by) == (ADA, "command:k")
        (ended,) = await notebook.log(TurnCompleted)
        for event in await notebook.log():
            if event.seq > started.seq and event.actor != "file":
                assert (event.actor, event.caused_by) == (f"agent:{turn_id}", f"turn:{turn_id}")
        written = [e for e in await notebook.log(DocumentUpdated) if e.seq > started.seq]
        assert written[-1].seq < ended.seq, "the answer is in the cell before the turn is over"


@pytest.mark.rule("EX2")
async def test_a_question_that_is_sent_twice_is_asked_once(workspace: Workspace) -> None:
    workspace.model.replies = [says("once")]
    async with workspace.running(), workspace.open(PATH) as notebook:
        first = await notebook.ask("ai", command_id="k")
        assert await notebook.ask("ai", command_id="k") == first
        await notebook.answered(first)
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert await notebook.ask("ai", command_id="k") == first
        assert len(await notebook.log(TurnStarted)) == 1


async def test_only_an_ai_cell_that_says_something_can_be_asked(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        for cell_id, error in [("c0", InvalidCommand), ("none", CellNotFound)]:
            with pytest.raises(error):
                await notebook.ask(cell_id)
        await notebook.send("edit_cell", cell_id="ai", source="  ")
        with pytest.raises(InvalidCommand):
            await notebook.ask("ai")
        assert await notebook.log(TurnStarted) == []


async def test_a_cell_is_answered_once_at_a_time(workspace: Workspace) -> None:
    workspace.model.replies = [says("a", asyncio.Event())]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn_id = await notebook.ask("ai")
        with pytest.raises(Conflict):
            await notebook.ask("ai")
        await notebook.send("cancel_turn", turn_id=turn_id)


async def test_the_cell_s_model_comes_before_the_notebook_s(workspace: Workspace) -> None:
    workspace.model.replies = [says("a"), says("b")]
    async with workspace.running(), workspace.open(PATH) as notebook:
        room = (await notebook.session.document()).room
        named = {"runt": {"type": "ai", "model": "p/of-the-cell"}}
        await notebook.answered(await notebook.ask("ai"))
        await room.edit(lambda doc: doc.update_cell_metadata("ai", named), actor=ADA)
        turn = await notebook.answered(await notebook.ask("ai"))
        assert turn["model"] == "p/of-the-cell"
        assert workspace.model.wanted == [("", ADA), ("p/of-the-cell", ADA)]


# cells that run


async def test_running_an_ai_cell_asks_it_after_the_cells_before_it(workspace: Workspace) -> None:
    workspace.model.replies = [says("a")]
    async with workspace.running(), workspace.open(PATH) as notebook:
        reply = await notebook.send("execute_cells", cell_ids=["c0", "ai", "c1"])
        kinds = [event.name for event in reply.events]
        assert kinds == ["v1.ExecutionRequested", "v1.TurnStarted", "v1.ExecutionRequested"]
        turn_id = reply.events[1].payload.turn_id  # type: ignore[attr-defined]
        kernel = await notebook.started()
        assert workspace.model.heard == []
        (msg_id, _) = kernel.asked[0]
        kernel.say("stream", msg_id, name="stdout", text="fresh from the kernel")
        kernel.finish(msg_id)
        await notebook.answered(turn_id)
        assert "fresh from the kernel" in str(workspace.model.heard)


@pytest.mark.rule("EX5")
async def test_a_cell_that_fails_cancels_the_questions_behind_it(workspace: Workspace) -> None:
    workspace.model.replies = [says("a")]
    async with workspace.running(), workspace.open(PATH) as notebook:
        for count, (stop, status) in enumerate([(True, "cancelled"), (False, "ok")]):
            reply = await notebook.send(
                "execute_cells", cell_ids=["c0", "ai", "ai"], stop_on_error=stop
            )
            (started,) = [e.payload for e in reply.events if isinstance(e.payload, TurnStarted)]
            kernel = await notebook.started(count + 1)
            kernel.finish(kernel.asked[-1][0], "error", ename="E", evalue="v", traceback=[])
            assert (await notebook.answered(started.turn_id))["status"] == status


async def test_running_all_cells_leaves_ai_cells_out(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        reply = await notebook.send("run_all")
        assert [event.payload.cell_id for event in reply.events] == ["c0", "c1"]  # type: ignore[attr-defined]


# the stream


@pytest.mark.rule("EL1")
async def test_what_arrives_is_seen_at_once_and_then_in_batches(workspace: Workspace) -> None:
    first, rest = asyncio.Event(), asyncio.Event()
    workspace.model.replies = [says("one ", first, *["x"] * 500, rest)]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn_id = await notebook.ask("ai")
        await until(lambda: notebook.session.writer.state.turns.by_id[turn_id].text == "one ")
        assert (await shown(notebook, turn_id))["text"] == "one "
        assert (await cell(notebook))["outputs"] == [], "the last answer is gone"
        first.set()
        rest.set()
        assert (await notebook.answered(turn_id))["text"] == "one " + "x" * 500
        assert len(await notebook.log(TurnTextAppended)) < 5
        assert (await shown(notebook, turn_id))["status"] == "ok"


async def test_a_character_in_two_halves_arrives_whole(workspace: Workspace) -> None:
    workspace.model.replies = [says("a\ud83d", asyncio.Event(), "\ude00b")]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn_id = await notebook.ask("ai")
        await until(lambda: notebook.session.writer.state.turns.by_id[turn_id].text == "a")
        held = workspace.model
        assert held.heard
    # The server stopped in the middle of a character: what was whole stays.
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert (await notebook.answered(turn_id))["text"] == "a"
        workspace.model.replies = [says("a\ud83d", "\ude00b\ud83d")]
        assert (await notebook.answered(await notebook.ask("ai")))["text"] == "a😀b"


# ends


@pytest.mark.rule("AG5")
async def test_a_provider_that_fails_ends_the_turn_with_its_reason(workspace: Workspace) -> None:
    workspace.model.replies = [says("The answer ", ProviderFailure("It was cut."))]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await notebook.answered(await notebook.ask("ai"))
        assert (turn["status"], turn["error"]) == ("error", "It was cut.")
        assert turn["text"] == "The answer "
        markdown = (await cell(notebook))["outputs"][0]["data"]["text/markdown"]
        assert "The answer" in markdown
        assert "It was cut." in markdown
        workspace.model.problem = "There is no key."
        turn = await notebook.answered(await notebook.ask("ai"))
        assert (turn["status"], turn["error"]) == ("error", "There is no key.")
        assert turn["shown"] is None
        assert "There is no key." in (await cell(notebook))["outputs"][0]["data"]["text/plain"]


@pytest.mark.rule("AG5")
async def test_cancelling_closes_the_connection_and_keeps_what_had_arrived(
    workspace: Workspace,
) -> None:
    workspace.model.replies = [says("Half an ans", asyncio.Event(), "wer")]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn_id = await notebook.ask("ai")
        await until(lambda: notebook.session.writer.state.turns.by_id[turn_id].text)
        reply = await notebook.send("cancel_turn", turn_id=turn_id)
        assert workspace.model.closed == 1
        assert [event.name for event in reply.events] == ["v1.TurnCompleted"]
        turn = await notebook.answered(turn_id)
        assert (turn["status"], turn["text"]) == ("cancelled", "Half an ans")
        assert reply.events[0].payload.by == ADA  # type: ignore[attr-defined]
        assert (await bundle(notebook))["status"] == "cancelled"
        assert (await notebook.send("cancel_turn", turn_id=turn_id)).events == ()
        with pytest.raises(TurnNotFound):
            await notebook.send("cancel_turn", turn_id="none")


@pytest.mark.rule("AG5")
async def test_cancelling_reaches_a_tool(workspace: Workspace) -> None:
    workspace.model.replies = [says("Let me see.", calls=[("look", "{}"), ("run", "{}")])]
    workspace.tools.results = [asyncio.Event()]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn_id = await notebook.ask("ai")
        await until(lambda: workspace.tools.called)
        await notebook.send("cancel_turn", turn_id=turn_id)
        turn = await notebook.answered(turn_id)
        assert turn["status"] == "cancelled"
        assert [item["status"] for item in turn["items"]] == ["error", "error"]
        assert len(workspace.tools.called) == 1


@pytest.mark.rule("AG5", "EX2")
async def test_a_server_that_stops_ends_the_turn_as_lost(workspace: Workspace) -> None:
    workspace.model.replies = [says("Half an ans", asyncio.Event(), "wer")]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn_id = await notebook.ask("ai")
        await until(lambda: notebook.session.writer.state.turns.by_id[turn_id].text)
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await notebook.answered(turn_id)
        assert (turn["status"], turn["text"]) == ("lost", "Half an ans")
        assert "Half an ans" in (await cell(notebook))["outputs"][0]["data"]["text/plain"]
        assert len(await notebook.log(TurnCompleted)) == 1


@pytest.mark.rule("AG5", "EX2")
async def test_a_server_that_dies_leaves_a_turn_that_the_next_one_ends(
    workspace: Workspace,
) -> None:
    workspace.model.replies = [says("Half an ans", asyncio.Event(), "wer")]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn_id = await notebook.ask("ai")
        await until(lambda: notebook.session.writer.state.turns.by_id[turn_id].text)
        workspace.crash()
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await notebook.answered(turn_id)
        assert (turn["status"], turn["text"]) == ("lost", "Half an ans")
        assert (await bundle(notebook))["status"] == "lost"
        workspace.model.replies = [says("again")]
        assert (await notebook.answered(await notebook.ask("ai")))["status"] == "ok"


@pytest.mark.rule("RM4")
async def test_a_notebook_stays_open_while_the_ai_answers(workspace: Workspace) -> None:
    hold = asyncio.Event()
    workspace.model.replies = [says("a", hold)]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn_id = await notebook.ask("ai")
        assert not notebook.session.idle
        hold.set()
        await notebook.answered(turn_id)
        await until(lambda: notebook.session.idle)


@pytest.mark.rule("EL5")
async def test_what_is_said_while_the_store_cannot_write_is_written_down_later(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "STORE_RETRY", 0.001)
    hold, last = asyncio.Event(), asyncio.Event()
    workspace.model.replies = [says("one ", hold, "two ", last, "three")]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn_id = await notebook.ask("ai")
        await until(lambda: notebook.session.writer.state.turns.by_id[turn_id].text)
        workspace.disk.failure = StoreUnavailable("full")
        hold.set()
        await asyncio.sleep(0)
        assert (await shown(notebook, turn_id))["text"] == "one ", "nobody sees what is not kept"
        workspace.disk.failure = None
        last.set()
        assert (await notebook.answered(turn_id))["text"] == "one two three"


@pytest.mark.rule("EL5")
async def test_a_turn_whose_end_could_not_be_recorded_ends_when_it_can_be(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "STORE_RETRY", 0.001)
    workspace.model.replies = [says("Half", asyncio.Event())]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn_id = await notebook.ask("ai")
        await until(lambda: notebook.session.writer.state.turns.by_id[turn_id].text)
        workspace.crash()
    end = answering.Answering.end
    refusals = iter(range(2))  # to who opens the notebook, and to the first try after that

    async def refuse(self: answering.Answering, *given: Any) -> None:
        for _ in refusals:
            raise StoreUnavailable("full")
        await end(self, *given)

    monkeypatch.setattr(answering.Answering, "end", refuse)
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await notebook.answered(turn_id)
        assert (turn["status"], turn["text"]) == ("error", "Half")
        assert notebook.session.turns.busy is False


async def test_a_turn_whose_words_cannot_be_written_down_ends_all_the_same(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def faulty(_: answering.Answering) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(answering.Answering, "_flush", faulty)
    workspace.model.replies = [says("It is 42.")]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await notebook.answered(await notebook.ask("ai"))
        assert turn["status"] == "error"
        assert "ZeroDivisionError" in turn["error"]
    assert "not recorded whole" in caplog.text


@pytest.mark.rule("AG5")
@pytest.mark.parametrize(
    ("how", "fields", "left"),
    [
        ("delete_cells", {"cell_ids": ["ai"]}, 2),
        ("set_cell_type", {"cell_id": "ai", "cell_type": "code"}, 3),
        ("set_cell_type", {"cell_id": "ai", "cell_type": "markdown"}, 3),
    ],
)
async def test_an_answer_ends_with_its_cell(
    workspace: Workspace, how: str, fields: dict[str, Any], left: int
) -> None:
    workspace.model.replies = [says("a", asyncio.Event())]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn_id = await notebook.ask("ai")
        await until(lambda: notebook.session.writer.state.turns.by_id[turn_id].text)
        await notebook.send("move_cell", cell_id="ai", after=None)
        await notebook.send(how, **fields)
        turn = await notebook.answered(turn_id)
        assert (turn["status"], turn["text"]) == ("cancelled", "a")
        assert "The cell was deleted" in turn["error"]
        assert workspace.model.closed == 1
        assert len(await notebook.sources()) == left


def _becomes_code(doc: NotebookDoc) -> None:
    del doc._cell(CellId("ai"))["metadata"]["runt"]


def _becomes_markdown(doc: NotebookDoc) -> None:
    doc._cell(CellId("ai"))["cell_type"] = "markdown"


@pytest.mark.rule("AG5")
@pytest.mark.parametrize("edit", [_becomes_code, _becomes_markdown])
async def test_an_answer_ends_where_a_tab_makes_its_cell_another_one(
    workspace: Workspace, edit: Callable[[NotebookDoc], None]
) -> None:
    workspace.model.replies = [says("a", asyncio.Event())]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn_id = await notebook.ask("ai")
        await until(lambda: notebook.session.writer.state.turns.by_id[turn_id].text)
        document = await notebook.session.document()
        await document.room.edit(edit, actor=ADA, caused_by="connection:1")
        turn = await notebook.answered(turn_id)
        assert (turn["status"], turn["text"]) == ("cancelled", "a")
        assert workspace.model.closed == 1


# tools


@pytest.mark.rule("AG5", "AG3")
async def test_tools_are_called_in_order_and_their_results_go_back_as_data(
    workspace: Workspace,
) -> None:
    deep = "[" * 4_000  # more than a parser goes into
    calls = [("look", '{"a": 1}'), ("run", "{}"), ("look", deep), ("look", "[1]")]
    workspace.model.replies = [says("Let me see.", calls=calls), says("Done.")]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn_id = await notebook.ask("ai")
        turn = await notebook.answered(turn_id)
        assert turn["text"] == "Let me see.\n\nDone."
        items = turn["items"]
        assert [item["tool"] for item in items] == ["look", "run", "look", "look"]
        assert [item["status"] for item in items] == ["ok", "ok", "error", "error"]
        assert [item["effect"] for item in items] == ["read", "execute", "read", "read"]
        assert {item["at"] for item in items} == {len("Let me see.")}
        assert [call.arguments for call in workspace.tools.called] == ['{"a": 1}', "{}"]
        second = workspace.model.heard[1]
        results = [message.text for message in second if isinstance(message, Returned)]
        assert "<data-" in results[0]
        assert "look did it." in results[0]
        assert "not JSON" in results[2]
        assert "not a JSON object" in results[3]
        (said,) = [m for m in second if isinstance(m, Assistant) and m.calls]
        assert all(isinstance(json.loads(call.arguments), dict) for call in said.calls)
        told = (await bundle(notebook))["items"]
        assert [item["type"] for item in told] == ["text", *["tool"] * 4, "text"]
        last = turn["shown"]["messages"][-1]
        assert (last["role"], "JSON object" in last["text"]) == ("tool", True)
        assert "Done." not in str(turn["shown"])


@pytest.mark.rule("AG5")
async def test_what_tools_take_is_no_time_of_the_model(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.model.config = AiConfig(providers={}, limits=Limits(seconds=60))
    done, more = asyncio.Event(), asyncio.Event()
    workspace.model.replies = [says(calls=[("look", "{}")]), says(more, "Done.")]
    workspace.tools.results = [done]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn_id = await notebook.ask("ai")
        await until(lambda: workspace.tools.called)
        loop = asyncio.get_running_loop()
        now = loop.time
        monkeypatch.setattr(loop, "time", lambda: now() + 100)
        done.set()
        await until(lambda: len(workspace.model.heard) == 2)
        more.set()
        assert (await notebook.answered(turn_id))["status"] == "ok"


@pytest.mark.rule("AG6")
@pytest.mark.parametrize(
    ("capabilities", "budget"), [((), 20_000), (("tools",), 100), (("reasoning",), 20_000)]
)
async def test_tools_are_for_models_that_can_use_them_and_have_room(
    workspace: Workspace, capabilities: tuple[str, ...], budget: int
) -> None:
    workspace.model.capabilities, workspace.model.budget = capabilities, budget
    workspace.model.replies = [says("a")]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await notebook.answered(await notebook.ask("ai"))
        assert turn["shown"]["tools"] == []
        assert workspace.model.offered == [()]


@pytest.mark.rule("AG6")
async def test_pictures_of_tools_are_for_models_that_see(workspace: Workspace) -> None:
    picture = Image("image/png", b"png")
    for capabilities, seen in [(("tools",), ()), (("tools", "vision"), (picture,))]:
        workspace.model.capabilities = capabilities
        workspace.model.heard.clear()
        workspace.model.replies = [says(calls=[("look", "{}")]), says("Done.")]
        workspace.tools.results = [ToolResult("c", "a plot", "ok", True, (picture,))]
        async with workspace.running(), workspace.open(PATH) as notebook:
            await notebook.answered(await notebook.ask("ai"))
        returned = workspace.model.heard[1][-1]
        assert isinstance(returned, Returned)
        assert returned.images == seen
        assert ("cannot see" in returned.text) == (not seen)


@pytest.mark.rule("AG5")
async def test_an_answer_begins_with_its_first_word_and_one_without_any_says_so(
    workspace: Workspace,
) -> None:
    workspace.model.replies = [
        says(calls=[("look", "{}"), ("half \ud800", "{}")]),
        says("Done."),
        says(calls=[("look", "{}")]),
        says(),
        says(),
    ]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turns = [await notebook.answered(await notebook.ask("ai")) for _ in range(3)]
        assert [turn["text"] for turn in turns] == ["Done.", "", ""]
        assert [turn["status"] for turn in turns] == ["ok", "ok", "error"]
        assert "nothing" in turns[2]["error"]
    sent = workspace.model.heard[1]  # the tool of that name, and what is said of it
    assert "half \ufffd" in str(sent)
    assert "\ud800" not in str(sent)


@pytest.mark.rule("AG5")
async def test_a_turn_that_goes_in_circles_is_ended(workspace: Workspace) -> None:
    workspace.model.replies = [says(calls=[("look", '{"a": 1, "b": 2}')])] * 2
    workspace.model.replies += [says(calls=[("look", '{"b":2,"a":1}')])] * 9
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await notebook.answered(await notebook.ask("ai"))
        assert turn["status"] == "limit"
        assert "3 times" in turn["error"]
        assert len(workspace.tools.called) == 3


@pytest.mark.rule("AG5")
async def test_limits_end_a_turn_and_a_notebook_may_only_lower_them(workspace: Workspace) -> None:
    workspace.model.config = AiConfig(providers={}, limits=Limits(rounds=3, tokens=1_000_000))
    workspace.model.replies = [says(str(n), calls=[("look", f'{{"n": {n}}}')]) for n in range(20)]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await notebook.answered(await notebook.ask("ai"))
        assert (turn["status"], turn["text"]) == ("limit", "0\n\n1\n\n2")
        room = (await notebook.session.document()).room
        meta = {"runt": {"ai": {"rounds": 1, "seconds": 99999}}}
        await room.edit(lambda doc: doc._meta["metadata"].update(meta), actor=ADA)
        turn = await notebook.answered(await notebook.ask("ai"))
        assert (turn["status"], "one round" in turn["error"]) == ("limit", True)
        meta = {"runt": {"ai": {"rounds": 99, "tokens": 5}}}
        await room.edit(lambda doc: doc._meta["metadata"].update(meta), actor=ADA)
        turn = await notebook.answered(await notebook.ask("ai"))
        assert (turn["status"], "5 tokens" in turn["error"]) == ("limit", True)


@pytest.mark.rule("AG5")
async def test_a_turn_that_costs_too_much_is_ended(workspace: Workspace) -> None:
    workspace.model.config = AiConfig(providers={}, limits=Limits(cost=0.01))
    workspace.model.price = ModelPrice(input=1_000, output=1_000)  # a cent for each answer
    workspace.model.replies = [says(f"{n}", calls=[("look", f'{{"n": {n}}}')]) for n in range(9)]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await notebook.answered(await notebook.ask("ai"))
        assert (turn["status"], turn["text"]) == ("limit", "0\n\n1")
        assert turn["usage"]["cost"] == pytest.approx(0.02)
        assert "0.01" in turn["error"]


# what is shown


@pytest.mark.rule("AG6", "AG3")
async def test_the_model_sees_what_is_above_and_not_hidden(workspace: Workspace) -> None:
    workspace.model.replies = [says("a"), says("b")]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await notebook.answered(await notebook.ask("ai"))
        given = str(workspace.model.heard[0])
        assert "x = 42" in given
        assert "it put out 42" in given
        assert "below = 1" not in given
        assert workspace.tools.tainted
        assert turn["shown"]["tainted"]
        assert turn["shown"]["messages"][-1] == {"role": "user", "text": ASKED}
        assert turn["shown"]["messages"][1]["cells"] == ["c0"]
        assert turn["shown"]["tools"] == ["look", "run"]
        await notebook.send("set_context_visibility", cell_ids=["c0"], visible=False)
        workspace.tools.tainted = False
        turn = await notebook.answered(await notebook.ask("ai"))
        assert "= 42" not in str(workspace.model.heard[1])
        assert "= 42" not in str(turn["shown"])
        assert not workspace.tools.tainted


@pytest.mark.rule("AG6")
async def test_what_was_asked_before_in_the_cell_is_part_of_the_conversation(
    workspace: Workspace,
) -> None:
    workspace.model.replies = [says("first"), says("again"), says("second")]
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.answered(await notebook.ask("ai"))
        await notebook.answered(await notebook.ask("ai"))
        assert "first" not in str(workspace.model.heard[1]), "it was asked anew"
        await notebook.send("edit_cell", cell_id="ai", source="And y?")
        await notebook.answered(await notebook.ask("ai"))
        *_, asked, answered, now = workspace.model.heard[2]
        assert (asked, answered, now) == (User(ASKED), Assistant("again"), User("And y?"))


@pytest.mark.rule("AG6")
async def test_a_model_that_sees_is_shown_pictures_that_are_kept_beside_the_document(
    workspace: Workspace,
) -> None:
    written = io.BytesIO()
    noise = Pillow.effect_noise((300, 300), 90)
    noise.save(written, "PNG")
    png = base64.b64encode(written.getvalue()).decode()
    output = nbformat.v4.new_output("display_data", {"image/png": png, "text/plain": "<Figure>"})
    cells = [
        nbformat.v4.new_code_cell("plot()", id="c0", outputs=[output]),
        nbformat.v4.new_code_cell(ASKED, id="ai", metadata={"runt": {"type": "ai"}}),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), workspace.root / PATH)
    workspace.model.capabilities = ("tools", "vision")
    workspace.model.replies = [says("A plot.")]
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert png not in str(await cell(notebook, "c0")), "it is beside the document"
        turn = await notebook.answered(await notebook.ask("ai"))
        asked = workspace.model.heard[0][-1]
        assert isinstance(asked, User)
        assert [image.data for image in asked.images] == [written.getvalue()]
        (told,) = turn["shown"]["messages"][-1]["images"]
        assert (told["cell_id"], told["width"], told["height"]) == ("c0", 300, 300)


@pytest.mark.rule("EL2")
async def test_turns_that_ended_long_ago_are_told_from_the_log(workspace: Workspace) -> None:
    workspace.model.replies = [says("first", calls=[("look", "{}")]), says("x"), says("second")]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn_id = await notebook.ask("ai")
        first = await notebook.answered(turn_id)
        await notebook.answered(await notebook.ask("ai"))
        assert turn_id not in notebook.session.writer.state.turns.by_id
        assert await notebook.answered(turn_id) == first
        with pytest.raises(TurnNotFound):
            await notebook.session.turn("none", 0)  # type: ignore[arg-type]


@pytest.mark.rule("EX9")
async def test_no_browser_takes_an_answer_for_the_server_s_own_outputs(
    workspace: Workspace,
) -> None:
    workspace.model.replies = [says("<script>alert(1)</script>")]
    async with workspace.running(), workspace.open(PATH) as notebook:
        document = await notebook.session.document()
        before = set(_clients(await document.room.read(lambda doc: doc.doc.get_state())))
        await notebook.answered(await notebook.ask("ai"))
        after = set(_clients(await document.room.read(lambda doc: doc.doc.get_state())))
        assert len(after - before - document.clients.all()) == 1


def _clients(state: bytes) -> dict[int, int]:
    from jupyter_runt.rooms.protocol import read_state_vector

    return read_state_vector(state)


@pytest.mark.rule("AG5")
async def test_an_answer_that_a_fault_keeps_from_the_log_says_so(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    faults = iter([ZeroDivisionError])
    flush = answering.Answering._flush

    async def faulty(self: answering.Answering) -> None:
        for fault in faults:
            raise fault
        await flush(self)

    monkeypatch.setattr(answering.Answering, "_flush", faulty)
    workspace.model.replies = [says("It is ", asyncio.Event(), "42.")]
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await notebook.answered(await notebook.ask("ai"))
        assert (turn["status"], turn["text"]) == ("error", "It is ")
        assert "ZeroDivisionError" in turn["error"]
    assert "A turn failed" in caplog.text
