"""Who may do what: every route asks, a denial changes nothing, and names come from the request."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import pytest_asyncio
from websockets.exceptions import InvalidStatus

from jupyter_runt.handlers.routes import ROUTES
from tests.integration.command_socket import socket_of
from tests.integration.doorkeeper import DENY, NAME, asked_file
from tests.integration.peers import Peer, RuntimeTab, tab
from tests.integration.server import Notebook, Server, eventually

pytestmark = pytest.mark.asyncio

RESOURCES = {"contents", "kernels"}
ACTIONS = {"read", "write", "execute"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose authorizer and identity provider follow the headers of each request."""
    config = {
        "ServerApp": {
            "authorizer_class": "tests.integration.doorkeeper.Doorkeeper",
            "identity_provider_class": "tests.integration.doorkeeper.NamedPeople",
        }
    }
    with Server(tmp_path_factory.mktemp("guarded"), config).running() as server:
        asked_file(server.folder / "runtime").touch()
        yield server


@pytest_asyncio.fixture
async def notebook(server: Server) -> Notebook:
    return await server.notebook("print('ran')", "two")


def asked(server: Server) -> list[dict[str, Any]]:
    """Return what the authorizer was asked until now."""
    lines = asked_file(server.folder / "runtime").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def verbs() -> Iterator[tuple[str, str]]:
    """Return every verb of every route, with a path that the route matches."""
    for pattern, handler in ROUTES:
        path = re.sub(r"\(\\d\+\)", "1", pattern)
        path = path.replace("([0-9a-f]{64})", "0" * 64)
        path = re.sub(r"\([^)]*\)", "x", path)
        assert re.fullmatch(pattern, path)
        for method in handler.SUPPORTED_METHODS:
            verb = getattr(handler, method.lower())
            if verb.__module__.startswith("jupyter_runt"):
                yield method, path


# every route


@pytest.mark.rule("AU1")
async def test_every_route_has_a_verb_of_its_own() -> None:
    assert len({path for _, path in verbs()}) == len(ROUTES)


@pytest.mark.rule("AU1")
@pytest.mark.parametrize(("method", "path"), list(verbs()))
async def test_every_verb_asks_who_it_is_and_whether_they_may(
    server: Server, method: str, path: str
) -> None:
    body = None if method == "GET" else {}
    stranger = await server.call(method, path, body, token=None)
    assert stranger.status == 403, "without authentication"
    wrong = await server.call(method, path, body, token="wrong")
    assert wrong.status == 403
    before = len(asked(server))
    denied = await server.call(method, path, body, headers={DENY: "*"})
    assert denied.status == 403, "without authorization"
    (question,) = [each for each in asked(server)[before:] if each["path"] == path]
    assert question["method"] == method
    assert question["action"] in ACTIONS
    assert question["resource"] in RESOURCES
    if "/room/" not in path and method != "HEAD":
        assert (stranger.code, denied.code) == ("not_authorized", "not_authorized")


# commands


COMMANDS = [
    ({"type": "execute_cells", "cell_ids": ["c0"]}, "execute", "kernels"),
    ({"type": "run_all"}, "execute", "kernels"),
    ({"type": "restart_and_run_all"}, "execute", "kernels"),
    ({"type": "cancel_executions"}, "execute", "kernels"),
    ({"type": "interrupt_runtime"}, "execute", "kernels"),
    ({"type": "restart_runtime"}, "execute", "kernels"),
    ({"type": "start_runtime"}, "execute", "kernels"),
    ({"type": "stop_runtime"}, "execute", "kernels"),
    ({"type": "reply_input", "execution_id": "x", "value": "v"}, "execute", "kernels"),
    ({"type": "evict_runtime"}, "write", "kernels"),
    ({"type": "clear_outputs"}, "write", "contents"),
    ({"type": "create_cell", "cell_type": "code"}, "write", "contents"),
    ({"type": "edit_cell", "cell_id": "c0", "source": "x"}, "write", "contents"),
    ({"type": "move_cell", "cell_id": "c0", "after": "c1"}, "write", "contents"),
    ({"type": "delete_cells", "cell_ids": ["c0"]}, "write", "contents"),
    ({"type": "set_cell_type", "cell_id": "c0", "cell_type": "raw"}, "write", "contents"),
    (
        {"type": "set_context_visibility", "cell_ids": ["c0"], "visible": False},
        "write",
        "contents",
    ),
    (
        {"type": "set_cell_visibility", "cell_ids": ["c0"], "source_hidden": True},
        "write",
        "contents",
    ),
]


@pytest.mark.rule("AU1")
@pytest.mark.parametrize(("command", "action", "resource"), COMMANDS)
async def test_a_command_without_the_right_to_it_changes_nothing(
    notebook: Notebook, command: dict[str, Any], action: str, resource: str
) -> None:
    before = await notebook.seq()
    noted = len(asked(notebook.server))
    url = f"{notebook.url}/commands"
    answer = await notebook.server.call("POST", url, command, headers={DENY: action})
    assert (answer.status, answer.code) == (403, "not_authorized")
    question = asked(notebook.server)[noted:][-1]
    assert (question["action"], question["resource"]) == (action, resource)
    assert await notebook.seq() == before
    runtimes = await notebook.server.get("/api/runt/runtimes")
    assert notebook.id not in [each["notebook_id"] for each in runtimes["runtimes"]]


@pytest.mark.rule("AU1")
async def test_who_may_not_execute_may_edit_and_who_may_not_edit_may_execute(
    notebook: Notebook,
) -> None:
    edit = await notebook.send(
        "edit_cell", cell_id="c1", source="edited", headers={DENY: "execute"}
    )
    assert edit.status == 200
    run = await notebook.send("execute_cells", cell_ids=["c0"], headers={DENY: "write"})
    assert run.status == 200
    execution = await notebook.execution(run.body["events"][0]["payload"]["execution_id"])
    assert execution["outputs"][0]["text"] == "ran\n"


# names


@pytest.mark.rule("AU2")
async def test_a_person_s_name_is_the_one_that_the_identity_provider_gives(
    notebook: Notebook,
) -> None:
    ada, bob = {NAME: "ada"}, {NAME: "bob"}
    edit = await notebook.send("edit_cell", cell_id="c1", source="by ada", headers=ada)
    assert edit.body["events"][0]["actor"] == "user:ada"
    run = await notebook.send("execute_cells", cell_ids=["c0"], headers=bob)
    requested = run.body["events"][0]
    assert (requested["actor"], requested["payload"]["requested_by"]) == ("user:bob", "user:bob")
    execution = await notebook.execution(requested["payload"]["execution_id"])
    assert execution["requested_by"] == "user:bob"
    runtimes = (await notebook.server.get("/api/runt/runtimes"))["runtimes"]
    mine = [each["owner"] for each in runtimes if each["notebook_id"] == notebook.id]
    assert mine == ["user:bob"]


@pytest.mark.rule("AU2")
async def test_a_command_id_of_somebody_else_is_another_command(notebook: Notebook) -> None:
    ada = await notebook.send(
        "edit_cell", cell_id="c1", source="a", command_id="same", headers={NAME: "ada"}
    )
    bob = await notebook.send(
        "edit_cell", cell_id="c1", source="b", command_id="same", headers={NAME: "bob"}
    )
    assert [ada.body["events"][0]["actor"], bob.body["events"][0]["actor"]] == [
        "user:ada",
        "user:bob",
    ]
    assert (await notebook.sources())[1] == "b"


@pytest.mark.rule("AU2")
async def test_what_is_typed_in_a_tab_is_logged_under_the_name_of_its_person(
    notebook: Notebook,
) -> None:
    start = await notebook.seq()
    async with await tab(notebook, headers={NAME: "eve"}) as eve:
        await eve.synced()
        await eve.type("typed", cell=1)

        async def logged() -> list[dict[str, Any]]:
            edits = await notebook.events(after=start, types="v1.DocumentUpdated")
            return [each for each in edits if each["actor"] != "file"]

        (event,) = await eventually(logged)
    assert event["actor"] == "user:eve"
    assert event["payload"]["changes"] == [
        {"type": "source_changed", "cell_id": "c1", "inserted": 5, "removed": 0}
    ]


# rooms


@pytest.mark.rule("RM6")
async def test_who_may_not_write_sees_everything_and_changes_nothing(notebook: Notebook) -> None:
    start = await notebook.seq()
    for name, denied in (("rita", "write"), ("wim", "")):
        headers = {NAME: name, DENY: denied}
        about = await notebook.server.call(
            "GET", "/api/runt/notebooks", headers=headers, path=notebook.path
        )
        assert (about.body["user"], about.body["writable"]) == (f"user:{name}", not denied)
        for path, content in ((notebook.path, 0), (notebook.path, 1), ("", 1)):
            model = await notebook.server.call(
                "GET", f"/api/contents/{path}", headers=headers, content=content
            )
            shown = model.body["content"] if path == "" else []
            assert {each["writable"] for each in (model.body, *shown)} == {not denied}
        checkpoints = await notebook.server.call(
            "GET", f"/api/contents/{notebook.path}/checkpoints", headers=headers
        )
        assert isinstance(checkpoints.body, list)
    reader = await tab(notebook, headers={NAME: "rita", DENY: "write"})
    async with await tab(notebook, headers={NAME: "wim"}) as writer, reader:
        await writer.synced()
        await reader.synced()
        await writer.type(" seen", cell=1)
        await reader.until(lambda: reader.sources[1] == "two seen")
        await writer.be_present({"user": {"name": "wim"}})
        await reader.until(lambda: reader.has_heard_of("wim"))
        await reader.be_present({"user": {"name": "rita"}})
        await writer.until(lambda: writer.has_heard_of("rita"))
        await reader.type("not allowed", cell=1)
        code, _ = await reader.ended()
        assert code == 4403
        await writer.type("!", cell=1)
        await eventually(lambda: _has(notebook, "two seen!"))
        assert writer.sources[1] == "two seen!"
    events = await notebook.events(after=start)
    assert {event["actor"] for event in events if event["actor"] != "file"} == {"user:wim"}


async def _has(notebook: Notebook, source: str) -> bool:
    return source in await notebook.sources()


@pytest.mark.rule("RM6")
async def test_a_socket_without_the_right_to_read_is_not_opened(notebook: Notebook) -> None:
    for headers in ({DENY: "read"}, {"Authorization": "token wrong"}):
        peer = Peer(notebook.server, notebook.room_id, headers=headers)
        with pytest.raises(Exception, match="HTTP 403"):
            await peer.connect()


@pytest.mark.rule("AU1")
async def test_each_command_of_a_socket_needs_its_own_permission(notebook: Notebook) -> None:
    run = {"type": "execute_cells", "cell_ids": ["c0"]}
    create = {"type": "create_cell", "cell_type": "code", "source": "", "after": None}
    async with socket_of(notebook, **{DENY: "execute", NAME: "wim"}) as socket:
        command_id, status, body = await socket.ask({**run, "command_id": "run"})
        assert (command_id, status, body["code"]) == ("run", 403, "not_authorized")
        _, status, body = await socket.ask({**create, "command_id": "create"})
        assert (status, {event["actor"] for event in body["events"]}) == (200, {"user:wim"})
    with pytest.raises(InvalidStatus, match="403"):
        async with socket_of(notebook, **{DENY: "read"}):
            pass


@pytest.mark.rule("RM6")
async def test_nobody_writes_into_the_runtime_room(notebook: Notebook) -> None:
    async with RuntimeTab(notebook.server, notebook.runtime_room_id) as watcher:
        await watcher.synced()
        watcher.forge("forged")
        await watcher.tell()
        code, _ = await watcher.ended()
        assert code == 4403
    async with RuntimeTab(notebook.server, notebook.runtime_room_id) as fresh:
        await fresh.synced()
        assert "forged" not in fresh.executions
