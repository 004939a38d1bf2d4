import asyncio
import base64
from datetime import datetime
from typing import Any

import pytest
from pycrdt import Doc, Text

from jupyter_runt.errors import (
    CellNotFound,
    Compacted,
    ExecutionNotFound,
    InvalidCommand,
    RuntimeLost,
    StaleRevision,
    StoreUnavailable,
)
from jupyter_runt.events.document import DocumentUpdated
from jupyter_runt.events.execution import ExecutionRequested
from jupyter_runt.events.outputs import OutputsCleared
from jupyter_runt.events.runtime import RuntimeCommandPerformed
from jupyter_runt.ids import ActorId, ExecutionId
from jupyter_runt.rooms.work import RoomClosed
from jupyter_runt.session import notebook_session
from jupyter_runt.session import replies as remembering
from jupyter_runt.storage.compaction import compact
from jupyter_runt.storage.retention import Retention
from tests.unit.session.workspace import ADA, Workspace

pytestmark = pytest.mark.asyncio

PATH = "nb.ipynb"
BOB = ActorId("user:bob")


@pytest.fixture(autouse=True)
def _file(workspace: Workspace) -> None:
    workspace.write(PATH, "one", "two")


@pytest.mark.rule("EL1", "AU2")
async def test_an_edit_is_logged_under_its_actor_and_its_command(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        reply = await notebook.send(
            "edit_cell", cell_id="c0", source="1", actor=BOB, command_id="k"
        )
        (event,) = reply.events
        assert (event.actor, event.caused_by) == (BOB, "command:k")
        assert event == (await notebook.log())[-1]
        assert reply.seq == event.seq


async def test_a_command_that_changes_nothing_says_where_the_log_is(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.session.document()
        reply = await notebook.send("edit_cell", cell_id="c0", source="one")
        assert (reply.events, reply.seq) == ((), 1)


@pytest.mark.rule("EX2")
async def test_a_command_id_does_its_thing_once_for_each_actor(workspace: Workspace) -> None:
    command = {"cell_type": "code", "source": "new", "command_id": "k"}
    async with workspace.running(), workspace.open(PATH) as notebook:
        replies = await asyncio.gather(
            *(notebook.send("create_cell", **command) for _ in range(3)),
            notebook.send("create_cell", actor=BOB, **command),
        )
        assert replies[0] == replies[1] == replies[2] != replies[3]
        assert await notebook.sources() == ["new", "new", "one", "two"]
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert await notebook.send("create_cell", **command) == replies[0]
        assert await notebook.sources() == ["new", "new", "one", "two"]


@pytest.mark.rule("EX2", "EL2")
async def test_a_version_is_restored_once_though_the_server_restarts(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.session.document()
        await notebook.send("edit_cell", cell_id="c0", source="edited")
        reply = await notebook.send("restore_version", seq=1, command_id="k")
        assert await notebook.sources() == ["one", "two"]
        await notebook.send("edit_cell", cell_id="c0", source="edited again")
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert await notebook.send("restore_version", seq=1, command_id="k") == reply
        assert await notebook.sources() == ["edited again", "two"]


@pytest.mark.rule("EL4")
async def test_a_version_that_was_folded_away_cannot_be_restored(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        for number in range(5):
            await notebook.send("edit_cell", cell_id="c0", source=f"{number}")
        await notebook.save()
        head = await workspace.store.head(notebook.id)
        done = await compact(workspace.store, notebook.id, Retention(events=2))
        assert done.folded > 1
        with pytest.raises(Compacted) as refused:
            await notebook.send("restore_version", seq=1)
        assert refused.value.detail["first_seq"] == done.first_seq
        assert await workspace.store.head(notebook.id) == head
        await notebook.send("restore_version", seq=done.first_seq)


@pytest.mark.rule("EX2")
async def test_a_command_that_failed_fails_for_who_waits_and_may_be_sent_again(
    workspace: Workspace,
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.session.document()
        workspace.disk.failure = StoreUnavailable("full")
        command = {"cell_ids": ["c0"], "command_id": "k"}
        results = await asyncio.gather(
            *(notebook.send("execute_cells", **command) for _ in range(2)), return_exceptions=True
        )
        assert [type(result) for result in results] == [StoreUnavailable, StoreUnavailable]
        workspace.disk.failure = None
        await notebook.send("execute_cells", **command)
        assert len(await notebook.log(ExecutionRequested)) == 1


@pytest.mark.rule("EX2")
async def test_only_so_many_replies_are_remembered_and_the_log_knows_the_rest(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembering, "REMEMBERED_REPLIES", 2)
    async with workspace.running(), workspace.open(PATH) as notebook:
        replies = [
            await notebook.send("edit_cell", cell_id="c0", source=name, command_id=name)
            for name in "abc"
        ]
        again = await notebook.send("edit_cell", cell_id="c0", source="a", command_id="a")
        assert again == replies[0]
        assert await notebook.sources() == ["c", "two"]


@pytest.mark.rule("EX2")
async def test_what_the_sender_has_not_seen_here_yet_is_waited_for(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        document = await notebook.session.document()
        tab: Doc[Any] = Doc()
        tab.apply_update(await document.room.read(lambda doc: doc.doc.get_update()))
        tab.get("extra", type=Text).insert(0, "typed")
        vector = base64.b64encode(tab.get_state()).decode()
        monkeypatch.setattr(notebook_session, "COVERS_TIMEOUT", 0.01)
        with pytest.raises(StaleRevision):
            await notebook.send("execute_cells", cell_ids=["c0"], state_vector=vector)
        monkeypatch.setattr(notebook_session, "COVERS_TIMEOUT", 5)
        asked = asyncio.create_task(
            notebook.send("execute_cells", cell_ids=["c0"], state_vector=vector)
        )
        await document.room.edit(lambda doc: doc.doc.apply_update(tab.get_update()), actor=BOB)
        assert len((await asked).events) == 1
        for wrong in ("?", "AA", "/w=="):
            with pytest.raises(InvalidCommand):
                await notebook.send("run_all", state_vector=wrong)


@pytest.mark.rule("EX2")
async def test_a_refused_command_changes_nothing(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.session.document()
        before = await workspace.store.head(notebook.id)
        for kind, fields in (
            ("execute_cells", {"cell_ids": ["c0", "z"]}),
            ("delete_cells", {"cell_ids": ["c0", "z"]}),
            ("clear_outputs", {"cell_ids": ["z"]}),
        ):
            with pytest.raises(CellNotFound):
                await notebook.send(kind, **fields)
        assert await workspace.store.head(notebook.id) == before
        assert workspace.gateway.did == []


async def test_cleared_outputs_are_told_as_such(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        (execution_id,) = await notebook.run("c0")
        kernel = await notebook.started()
        kernel.say("stream", execution_id, name="stdout", text="out")
        kernel.finish(execution_id)
        await notebook.ended(execution_id)
        reply = await notebook.send("clear_outputs")
        updated, cleared = (event.payload for event in reply.events)
        assert isinstance(updated, DocumentUpdated)
        assert cleared == OutputsCleared(cell_ids=("c0", "c1"))
        assert (await notebook.ended(execution_id))["outputs"], "those of its end"


async def test_an_execution_that_goes_on_is_told_as_far_as_it_is(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        (execution_id,) = await notebook.run("c0")
        await notebook.started()
        described = await notebook.session.execution(ExecutionId(execution_id), 0.01)
        assert (described["status"], described["completed_at"]) == ("running", None)
        with pytest.raises(ExecutionNotFound):
            await notebook.session.execution(ExecutionId("none"), 1)


@pytest.mark.rule("RM4")
async def test_a_session_is_idle_when_nobody_needs_it(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        assert notebook.session.idle
        await notebook.session.document()
        assert notebook.session.idle
        await notebook.send("start_runtime")
        assert not notebook.session.idle
        await notebook.send("stop_runtime")
        assert notebook.session.idle


@pytest.mark.rule("FB1", "RM4")
async def test_a_server_that_stops_while_a_document_opens_closes_that_too(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, reading, go_on = workspace.files.read, asyncio.Event(), asyncio.Event()

    async def slowly(path: str, **options: Any) -> Any:
        reading.set()
        await go_on.wait()
        return await read(path, **options)

    async with asyncio.timeout(30):
        async with workspace.running():
            session = workspace.sessions.use_path(PATH)
            notebook = await session.__aenter__()
            monkeypatch.setattr(workspace.files, "read", slowly)
            opening = asyncio.create_task(notebook.document())
            await reading.wait()
            asyncio.get_running_loop().call_later(0.01, go_on.set)
        document = await opening
        assert not document.room.peer_count
        with pytest.raises(RoomClosed):
            await notebook.document()
        await session.__aexit__(None, None, None)


async def test_a_notebook_describes_itself(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        described = await notebook.session.describe()
        assert described["path"] == PATH
        assert described["room_id"] == f"json:notebook:{notebook.id}"
        assert (described["seq"], described["checkpoint_seq"]) == (1, 1)
        assert described["runtime"] is None
        assert datetime.fromisoformat(described["now"]).tzinfo is not None
        await notebook.send("start_runtime")
        runtime = (await notebook.session.describe())["runtime"]
        assert (runtime["kernel_name"], runtime["owner"]) == ("python3", ADA)
        assert runtime["kernel"]["state"] in ("starting", "idle")
        assert runtime["queue_length"] == 0


@pytest.mark.rule("EX2")
@pytest.mark.parametrize(
    ("kind", "does"),
    [
        ("start_runtime", None),
        ("restart_runtime", "restart"),
        ("interrupt_runtime", "interrupt"),
        ("cancel_executions", "interrupt"),
        ("stop_runtime", "stop"),
        ("evict_runtime", "stop"),
    ],
)
async def test_what_was_asked_of_a_kernel_is_not_done_again_by_the_next_server(
    workspace: Workspace, kind: str, does: str | None
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.run("c0")
        await notebook.started()
        reply = await notebook.send(kind, command_id="k")
        assert workspace.gateway.did == ["start python3", *([does] if does else [])]
        assert all(not isinstance(each.payload, RuntimeCommandPerformed) for each in reply.events)
        workspace.crash()
    async with workspace.running(), workspace.open(PATH) as notebook:
        again = await notebook.send(kind, command_id="k")
        assert again.events == reply.events
        assert again.seq == reply.seq
        assert workspace.gateway.did == []
        (performed,) = await notebook.log(RuntimeCommandPerformed)
        assert performed.actor == ADA
        assert performed.payload.command == kind
        await notebook.send("start_runtime", command_id="k", actor=BOB)
        assert workspace.gateway.did == ["start python3"], "that is another one's command"


@pytest.mark.rule("EX2")
@pytest.mark.parametrize("acted", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("kind", "does", "again"),
    [
        ("interrupt_runtime", "interrupt", [[], []]),
        ("cancel_executions", "interrupt", [[], []]),
        ("stop_runtime", "stop", [["stop"], []]),
        ("evict_runtime", "stop", [["stop"], []]),
        ("restart_runtime", "restart", [["start python3"], ["start python3"]]),
    ],
)
async def test_a_command_whose_server_died_over_it_is_finished_when_it_is_sent_again_and_acts_once(
    workspace: Workspace, kind: str, does: str, again: list[list[str]], *, acted: bool
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.run("c0")
        kernel = await notebook.started()
        workspace.gateway.on_act[acted] = workspace.crash
        await notebook.send(kind, command_id="k")
        assert workspace.gateway.did == ["start python3", does]
    workspace.survivor = None if acted and does == "stop" else kernel
    async with workspace.running(), workspace.open(PATH) as notebook:
        adopted = list(workspace.gateway.did)
        for _ in range(2):
            await notebook.send(kind, command_id="k")
            assert workspace.gateway.did == adopted + again[acted]


@pytest.mark.rule("EX2")
async def test_what_another_one_started_meanwhile_is_not_stopped_by_an_old_command(
    workspace: Workspace,
) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("start_runtime")
        workspace.gateway.on_act[False] = workspace.crash
        await notebook.send("stop_runtime", command_id="k")
    async with workspace.running(), workspace.open(PATH) as notebook:
        await notebook.send("start_runtime", actor=BOB)
        await notebook.send("stop_runtime", command_id="k")
        assert workspace.gateway.did == ["start python3"]


@pytest.mark.rule("EX2", "EX5")
async def test_what_could_not_be_done_is_tried_when_it_is_sent_again(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        workspace.gateway.failure = "no room"
        with pytest.raises(RuntimeLost):
            await notebook.send("start_runtime", command_id="k")
        workspace.gateway.failure = None
        for _ in range(2):
            await notebook.send("start_runtime", command_id="k")
        assert workspace.gateway.did == ["start python3"] * 2
