import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from jupyter_runt.ai.policy import Policy
from jupyter_runt.errors import (
    ApprovalNotFound,
    Conflict,
    InvalidCommand,
    NotAuthorized,
    RuntError,
    StaleRevision,
    StoreUnavailable,
)
from jupyter_runt.events.approvals import ApprovalDecided, ApprovalRequested
from jupyter_runt.events.execution import ExecutionRequested
from jupyter_runt.ids import ActorId, CellId
from jupyter_runt.session.capabilities import Capability
from tests.unit.session.turn_bench import Bench, finishing_cells, turn_in
from tests.unit.session.workspace import ADA, Workspace

pytestmark = [pytest.mark.asyncio, pytest.mark.rule("AG2")]

PATH = "nb.ipynb"
BOB = ActorId("user:bob")


@asynccontextmanager
async def a_turn(workspace: Workspace, **fields: Any) -> AsyncIterator[Bench]:
    workspace.write(PATH, "Do it.", "x = 1", "y = 2")
    async with workspace.running(), workspace.open(PATH) as notebook:
        bench = await turn_in(notebook, **fields)
        async with finishing_cells(notebook):
            yield bench


@pytest_asyncio.fixture
async def turn(workspace: Workspace) -> AsyncIterator[Bench]:
    async with a_turn(workspace) as bench:
        yield bench


async def ran(turn: Bench) -> list[str]:
    return [each.source for each in await turn.notebook.payloads(ExecutionRequested)]


def status(turn: Bench) -> str:
    return turn.notebook.session.writer.state.turns.by_id[turn.turn_id].status


async def test_code_runs_after_who_asked_has_seen_and_allowed_it(turn: Bench) -> None:
    call, shown = await turn.asks("run_cells", cell_ids=["c1", "c2"])
    assert shown["preview"] == "# cell 2\nx = 1\n\n# cell 3\ny = 2"
    assert (shown["tool"], shown["effect"]) == ("run_cells", "execute")
    assert shown["arguments"]["cell_ids"] == ["c1", "c2"]
    assert status(turn) == "waiting"
    assert await ran(turn) == []
    reply = await turn.decide(shown)
    assert (await call).status == "ok"
    assert await ran(turn) == ["x = 1", "y = 2"]
    assert status(turn) == "running"
    (event,) = reply.events
    assert (event.name, event.actor, event.payload.by) == (  # type: ignore[attr-defined]
        "v1.ApprovalDecided",
        "user:ada",
        "user:ada",
    )
    assert await turn.waiting() == []


async def test_what_is_denied_does_not_run_and_the_model_hears_why(turn: Bench) -> None:
    call, shown = await turn.asks("run_cells", cell_ids=["c1"])
    await turn.decide(shown, "deny", reason="Not on my data.")
    result = await call
    assert (result.status, "Not on my data." in result.text) == ("denied", True)
    assert await ran(turn) == []


async def test_everybody_sees_that_it_waits_and_nobody_else_how_to_allow_it(turn: Bench) -> None:
    call, shown = await turn.asks("run_cells", cell_ids=["c1"])
    (theirs,) = await turn.waiting(BOB)
    assert theirs == {**shown, "nonce": None}
    log = json.dumps([event.to_json() for event in await turn.notebook.log()])
    room = turn.notebook.session.writer.room
    seen = json.dumps(await room.read(lambda doc: doc.approvals.to_py()))
    assert shown["call_id"] in seen
    assert shown["nonce"] not in log + seen
    await turn.decide(shown, "deny")
    await call
    assert await room.read(lambda doc: doc.approvals.to_py()) == {}


@pytest.mark.parametrize(
    ("forged", "refusal"),
    [
        ({"actor": BOB}, NotAuthorized),
        ({"nonce": "guessed"}, NotAuthorized),
        ({"nonce": ""}, NotAuthorized),
        ({"arguments_hash": "0" * 64}, Conflict),
        ({"call_id": "another"}, ApprovalNotFound),
    ],
)
async def test_a_decision_that_does_not_fit_decides_nothing(
    turn: Bench, forged: dict[str, Any], refusal: type[RuntError]
) -> None:
    call, shown = await turn.asks("run_cells", cell_ids=["c1"])
    actor = forged.pop("actor", None)
    with pytest.raises(refusal):
        await turn.decide({**shown, **forged}, **({"actor": actor} if actor else {}))
    assert not call.done()
    assert await turn.notebook.log(ApprovalDecided) == []
    await turn.decide(shown, "deny")
    assert (await call).status == "denied"


async def test_a_decision_counts_once(turn: Bench) -> None:
    call, shown = await turn.asks("run_cells", cell_ids=["c1"])
    replies = await asyncio.gather(
        turn.decide(shown), turn.decide(shown), turn.decide(shown, "deny"), return_exceptions=True
    )
    assert [type(reply) for reply in replies].count(Conflict) == 2
    await call
    with pytest.raises(Conflict):
        await turn.decide(shown)
    again, other = await turn.asks("run_cells", cell_ids=["c1"])
    assert other["nonce"] != shown["nonce"]
    with pytest.raises(NotAuthorized):
        await turn.decide({**other, "nonce": shown["nonce"]})
    await turn.decide(other, "deny")
    await again
    assert len(await ran(turn)) <= 1


async def test_code_that_changed_after_it_was_shown_does_not_run(turn: Bench) -> None:
    call, shown = await turn.asks("run_cells", cell_ids=["c1"])
    await turn.notebook.send("edit_cell", cell_id="c1", source="import os")
    with pytest.raises(StaleRevision):
        await turn.decide(shown)
    result = await call
    assert (result.status, "edited between" in result.text) == ("denied", True)
    with pytest.raises(Conflict):
        await turn.decide(shown)
    assert await ran(turn) == []
    (settled,) = await turn.notebook.payloads(ApprovalDecided)
    assert (settled.decision, settled.by) == ("withdrawn", None)


async def test_what_changed_is_withdrawn_although_the_store_cannot_take_it(turn: Bench) -> None:
    call, shown = await turn.asks("run_cells", cell_ids=["c1"])
    await turn.notebook.send("edit_cell", cell_id="c1", source="import os")
    turn.notebook.workspace.disk.failure = StoreUnavailable("full")
    with pytest.raises(RuntError):
        await turn.decide(shown)
    turn.notebook.workspace.disk.failure = None
    assert (await call).status == "denied"
    assert await ran(turn) == []


async def test_nobody_allows_what_they_may_not_do(turn: Bench) -> None:
    call, shown = await turn.asks("run_cells", cell_ids=["c1"])
    turn.notebook.workspace.denied.add(Capability.EXECUTE)
    (seen,) = await turn.waiting()
    assert seen["nonce"] is None
    with pytest.raises(NotAuthorized):
        await turn.decide(shown)
    await turn.decide(shown, "deny")
    assert (await call).status == "denied"


async def test_always_holds_for_the_tool_and_the_person(turn: Bench) -> None:
    call, shown = await turn.asks("run_cells", cell_ids=["c1"])
    assert shown["always"]
    await turn.decide(shown, "always")
    assert (await call).status == "ok"
    await turn.end()
    mine = await turn_in(turn.notebook, turn_id="t2")
    assert (await mine.call("run_cells", cell_ids=["c2"])).status == "ok"
    other, asked = await mine.asks("interrupt_kernel")
    await mine.decide(asked, "deny")
    await other
    theirs = await turn_in(turn.notebook, turn_id="t3", actor=BOB)
    call, shown = await theirs.asks("run_cells", cell_ids=["c2"])
    call.cancel()


async def test_always_outlives_the_server_and_is_revoked_by_who_said_it(
    workspace: Workspace,
) -> None:
    async with a_turn(workspace) as turn:
        call, shown = await turn.asks("run_cells", cell_ids=["c1"])
        await turn.decide(shown, "always")
        await call
        await turn.end()
    async with workspace.running(), workspace.open(PATH) as notebook, finishing_cells(notebook):
        turn = await turn_in(notebook, turn_id="t2")
        approvals = notebook.session.approvals
        (granted,) = approvals.always(ADA)
        assert (granted["tool"], granted["effect"]) == ("run_cells", "execute")
        assert approvals.always(BOB) == []
        assert (await turn.call("run_cells", cell_ids=["c1"])).status == "ok"
        await notebook.send("revoke_approvals", actor=BOB)
        await notebook.send("revoke_approvals", tools=["interrupt_kernel"])
        assert approvals.always(ADA) == [granted]
        await notebook.send("revoke_approvals")
        assert approvals.always(ADA) == []
        await turn.end()
        call, shown = await (await turn_in(notebook, turn_id="t3")).asks("run_cells")
        call.cancel()


@pytest.mark.rule("AG3")
async def test_always_holds_for_who_reads_own_words_and_is_lost_with_those_of_others(
    turn: Bench,
) -> None:
    made = await turn.notebook.send("create_cell", cell_type="code", source="z = 3", after="c2")
    (cell,) = [change.cell_id for event in made.events for change in event.payload.changes]  # type: ignore[attr-defined]
    read = await turn.call("read_cells", cell_ids=[cell])
    assert (read.status, read.tainted) == ("ok", True)  # it is data, whoever wrote it
    call, shown = await turn.asks("run_cells", cell_ids=["c1"])
    assert shown["always"]
    await turn.decide(shown, "deny")
    await call
    await turn.notebook.send("edit_cell", cell_id=cell, source="z = 4", actor=BOB)
    call, shown = await turn.asks("run_cells", cell_ids=["c1"])
    assert not shown["always"]  # Bob wrote in what was read
    await turn.decide(shown, "deny")
    await call


@pytest.mark.rule("AG3")
async def test_always_holds_for_a_file_s_own_cells_as_far_as_the_question_shows_them(
    turn: Bench,
) -> None:
    turn.box.was_shown([CellId("c1")], tainted=False)
    await turn.call("edit_cell", cell_id="c1", old="x = 1", new="x = 2")
    call, shown = await turn.asks("run_cells", cell_ids=["c1"])
    assert shown["always"]
    await turn.decide(shown, "deny")
    await call
    await turn.call("read_cells", cell_ids=["c2"])  # who knows why the model looked there
    call, shown = await turn.asks("run_cells", cell_ids=["c1"])
    assert not shown["always"]
    await turn.decide(shown, "deny")
    await call
    await turn.end()
    later = await turn_in(turn.notebook, turn_id="t2")
    await turn.notebook.send("edit_cell", cell_id="c1", source="import os", actor=BOB)
    later.box.was_shown([CellId("c1")], tainted=False)
    call, shown = await later.asks("run_cells", cell_ids=["c2"])
    assert not shown["always"]
    call.cancel()


@pytest.mark.rule("AG3")
async def test_always_is_lost_in_a_turn_that_read_what_others_say(turn: Bench) -> None:
    call, shown = await turn.asks("run_cells", cell_ids=["c1"])
    await turn.decide(shown, "always")
    assert (await call).tainted
    again, asked = await turn.asks("run_cells", cell_ids=["c1"])
    assert not asked["always"]
    await turn.decide(asked, "always")
    assert (await again).status == "ok"
    assert [p.decision for p in await turn.notebook.payloads(ApprovalDecided)] == [
        "always",
        "once",
    ]


async def test_a_call_that_nobody_decides_about_expires(workspace: Workspace) -> None:
    workspace.approval_seconds = 0.05
    async with a_turn(workspace) as turn:
        result = await turn.call("run_cells", cell_ids=["c1"])
        assert (result.status, "in time" in result.text) == ("denied", True)
        (settled,) = await turn.notebook.payloads(ApprovalDecided)
        assert (settled.decision, settled.by) == ("expired", None)
        assert turn.notebook.session.writer.state.approvals == {}
        assert status(turn) == "running"


async def test_a_cancelled_call_asks_nobody_any_more(turn: Bench) -> None:
    call, shown = await turn.asks("run_cells", cell_ids=["c1"])
    call.cancel()
    await asyncio.wait([call])
    assert await turn.waiting() == []
    with pytest.raises(ApprovalNotFound):
        await turn.decide(shown)
    await turn.end()
    assert turn.notebook.session.writer.state.approvals == {}
    assert await ran(turn) == []


async def test_a_decision_that_the_store_cannot_take_can_be_sent_again(turn: Bench) -> None:
    call, shown = await turn.asks("run_cells", cell_ids=["c1"])
    turn.notebook.workspace.disk.failure = StoreUnavailable("full")
    with pytest.raises(StoreUnavailable):
        await turn.decide(shown)
    assert await turn.waiting() == [shown]
    turn.notebook.workspace.disk.failure = None
    await turn.decide(shown)
    assert (await call).status == "ok"


async def test_a_question_is_answered_by_who_asked(turn: Bench) -> None:
    call, shown = await turn.asks("ask_user", question="Which one?", choices=["a", "b"])
    assert (shown["preview"], shown["choices"]) == ("Which one?", ["a", "b"])
    with pytest.raises(InvalidCommand):
        await turn.decide(shown)
    await turn.decide(shown, answer="b")
    result = await call
    assert (result.text, result.tainted) == ("They answer: b", False)
    silent, shown = await turn.asks("ask_user", question="And now?")
    await turn.decide(shown, "deny")
    assert (await silent).status == "error"


async def test_two_calls_wait_side_by_side(turn: Bench) -> None:
    one, first = await turn.asks("run_cells", cell_ids=["c1"])
    two, second = await turn.asks("run_cells", cell_ids=["c2"])
    assert first["arguments_hash"] != second["arguments_hash"]
    await turn.decide(second)
    assert status(turn) == "waiting"
    await turn.decide(first, "deny")
    assert [(await one).status, (await two).status] == ["denied", "ok"]
    assert status(turn) == "running"


@pytest.mark.parametrize(
    ("tool", "arguments", "shown"),
    [
        ("create_cell", {"source": "new\ncell"}, "new\ncell"),
        ("edit_cell", {"cell_id": "c1", "old": "1", "new": "7"}, "@@ -1 +1 @@\n-x = 1\n+x = 7"),
        ("replace_cell", {"cell_id": "c1", "source": ""}, "@@ -1 +0,0 @@\n-x = 1"),
        (
            "delete_cells",
            {"cell_ids": ["c1", "c2"]},
            "@@ -1 +0,0 @@\n-x = 1\n\n@@ -1 +0,0 @@\n-y = 2",
        ),
        ("move_cell", {"cell_id": "c1", "after": "TOP"}, "cell_id: c1\nafter: TOP"),
        ("interrupt_kernel", {}, "interrupt_kernel()"),
    ],
)
async def test_what_would_happen_is_shown_where_editing_is_asked_about(
    workspace: Workspace, tool: str, arguments: dict[str, Any], shown: str
) -> None:
    async with a_turn(workspace, policy=Policy.of({"edit": "ask"})) as turn:
        before = await turn.notebook.sources()
        call, asked = await turn.asks(tool, **arguments)
        assert asked["preview"] == shown
        assert await turn.notebook.sources() == before
        await turn.decide(asked, "deny")
        assert (await call).status == "denied"
        assert await turn.notebook.sources() == before


async def test_a_cell_that_changed_after_its_replacement_was_shown_is_not_replaced(
    workspace: Workspace,
) -> None:
    async with a_turn(workspace, policy=Policy.of({"edit": "ask"})) as turn:
        call, asked = await turn.asks("replace_cell", cell_id="c1", source="")
        await turn.notebook.send("edit_cell", cell_id="c1", source="mine")
        await turn.decide(asked)
        assert (await call).status == "error"
        assert "mine" in await turn.notebook.sources()


@pytest.mark.rule("EL2")
async def test_what_waits_is_the_same_after_a_replay(turn: Bench) -> None:
    call, shown = await turn.asks("run_cells", cell_ids=["c1"])
    state = turn.notebook.session.writer.state
    again = type(state).from_json(json.loads(json.dumps(state.to_json())))
    assert dict(again.approvals) == dict(state.approvals)
    assert len(await turn.notebook.log(ApprovalRequested)) == 1
    await turn.decide(shown, "deny")
    await call
