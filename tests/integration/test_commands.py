"""Commands over HTTP: what they do to document, log and file, and how they are refused."""

import asyncio
import base64
import hashlib
import json
from typing import Any

import pytest
import pytest_asyncio
from pycrdt import Doc, Text
from tornado.httpclient import AsyncHTTPClient

from tests.integration.server import TOKEN, Notebook, Server, eventually

pytestmark = pytest.mark.asyncio

ME = f"user:token-{hashlib.sha256(TOKEN.encode()).hexdigest()[:8]}"
NOWHERE = "00000000-0000-0000-0000-000000000000"


def changes_of(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [change for event in events for change in event["payload"].get("changes", [])]


@pytest_asyncio.fixture
async def notebook(server: Server) -> Notebook:
    """A notebook of three cells in which a test may do what it likes."""
    return await server.notebook("one = 1", "two = 2", "three = 3")


# what is refused


@pytest.mark.rule("EX2")
async def test_what_is_asked_for_in_a_wrong_way_is_an_error_in_json(notebook: Notebook) -> None:
    wrong = {
        "/api/runt/nothing": (404, "not_found"),
        f"{notebook.url}/nothing": (404, "not_found"),
        f"{notebook.url}/at/-1": (400, "invalid_request"),
        f"{notebook.url}/kept/x": (400, "invalid_request"),
        f"{notebook.url}/artifacts/{'A' * 64}": (404, "artifact_not_found"),
        f"{notebook.url}/executions/x": (404, "execution_not_found"),
    }
    for url, expected in wrong.items():
        answer = await notebook.server.call("GET", url)
        assert (answer.status, answer.code) == expected
        assert set(answer.body) == {"code", "message", "detail"}
    for query in ({"follow": "true"}, {"after": "-1"}, {"types": "nothing"}):
        answer = await notebook.server.call("GET", f"{notebook.url}/events", **query)
        assert answer.code == "invalid_request"
        assert answer.body["detail"]["field"] in query
    for wait, status in (("0.1", 404), ("soon", 400), ("-1", 400)):
        answer = await notebook.server.call("GET", f"{notebook.url}/turns/x", wait=wait)
        assert answer.status == status


@pytest.mark.rule("EX2")
@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"format": "\\ud800", "type": "notebook"}', b""]
)
async def test_a_body_that_is_no_json_of_text_is_refused(notebook: Notebook, body: bytes) -> None:
    url = f"/api/collaboration/session/{notebook.path}"
    answer = await notebook.server.call("PUT", url, body)
    assert (answer.status, answer.code) == (400, "invalid_request")


@pytest.mark.rule("EX2")
@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        (b"", 400, "invalid_command", ""),
        (b"x", 400, "invalid_command", ""),
        (b"\xff\xfe", 400, "invalid_command", ""),
        (b"[]", 400, "invalid_command", ""),
        (b"{}", 400, "invalid_command", "type"),
        ({"type": "nope"}, 400, "invalid_command", "type"),
        ({"type": 7}, 400, "invalid_command", "type"),
        ({"type": "execute_cells"}, 400, "invalid_command", "cell_ids"),
        ({"type": "execute_cells", "cell_ids": []}, 400, "invalid_command", "cell_ids"),
        ({"type": "execute_cells", "cell_ids": ["c0", 1]}, 400, "invalid_command", "cell_ids.1"),
        ({"type": "run_all", "actor": "user:eve"}, 400, "invalid_command", "actor"),
        ({"type": "run_all", "command_id": ""}, 400, "invalid_command", "command_id"),
        ({"type": "run_all", "state_vector": "%"}, 400, "invalid_command", "state_vector"),
        ({"type": "run_all", "state_vector": "é"}, 400, "invalid_command", "state_vector"),
        ({"type": "run_all", "state_vector": "/w=="}, 400, "invalid_command", "state_vector"),
        ({"type": "run_all", "state_vector": ""}, 400, "invalid_command", "state_vector"),
        ({"type": "execute_cells", "cell_ids": ["zz"]}, 404, "cell_not_found", None),
        ({"type": "execute_cells", "cell_ids": ["c0", "zz"]}, 404, "cell_not_found", None),
        ({"type": "clear_outputs", "cell_ids": ["zz"]}, 404, "cell_not_found", None),
        ({"type": "edit_cell", "cell_id": "zz", "source": ""}, 404, "cell_not_found", None),
        ({"type": "edit_cell", "cell_id": "c0"}, 400, "invalid_command", "source"),
        (
            {"type": "edit_cell", "cell_id": "c0", "replacements": [{"old": "z", "new": ""}]},
            400,
            "invalid_command",
            "replacements.0.old",
        ),
        (
            {"type": "edit_cell", "cell_id": "c0", "source": "", "expected_revision": "00"},
            409,
            "stale_revision",
            None,
        ),
        (
            {"type": "create_cell", "cell_type": "perl", "source": ""},
            400,
            "invalid_command",
            "cell_type",
        ),
        ({"type": "create_cell", "cell_type": "code", "after": "zz"}, 404, "cell_not_found", None),
        ({"type": "move_cell", "cell_id": "c0", "after": "zz"}, 404, "cell_not_found", None),
        ({"type": "move_cell", "cell_id": "c0", "after": "c0"}, 400, "invalid_command", "after"),
        ({"type": "delete_cells", "cell_ids": ["c0", "zz"]}, 404, "cell_not_found", None),
        (
            {"type": "set_cell_type", "cell_id": "zz", "cell_type": "raw"},
            404,
            "cell_not_found",
            None,
        ),
        (
            {"type": "set_context_visibility", "cell_ids": ["zz"], "visible": True},
            404,
            "cell_not_found",
            None,
        ),
        ({"type": "set_cell_visibility", "cell_ids": ["zz"]}, 404, "cell_not_found", None),
        (
            {"type": "cancel_executions", "execution_ids": [NOWHERE]},
            404,
            "execution_not_found",
            None,
        ),
        (
            {"type": "reply_input", "execution_id": NOWHERE, "value": "x"},
            404,
            "execution_not_found",
            None,
        ),
        ({"type": "interrupt_runtime"}, 409, "runtime_lost", None),
        ({"type": "start_runtime", "kernel_name": "no-such-kernel"}, 409, "runtime_lost", None),
    ],
)
async def test_a_command_that_cannot_be_done_says_why_and_changes_nothing(
    notebook: Notebook, body: Any, status: int, code: str, field: str | None
) -> None:
    before, file = await notebook.seq(), notebook.file.read_bytes()
    answer = await notebook.server.call("POST", f"{notebook.url}/commands", body)
    assert (answer.status, answer.code) == (status, code)
    assert set(answer.body) == {"code", "message", "detail"}
    assert answer.body["message"].strip()
    if field is not None:
        assert field in [problem["field"] for problem in answer.body["detail"]["errors"]]
    assert await notebook.seq() == before
    assert notebook.file.read_bytes() == file


@pytest.mark.rule("EX2")
async def test_a_cell_that_is_not_code_is_not_run(notebook: Notebook) -> None:
    (text,) = await notebook.add("# Words", cell_type="markdown")
    before = await notebook.seq()
    answer = await notebook.send("execute_cells", cell_ids=["c0", text])
    assert (answer.status, answer.code) == (400, "invalid_command")
    assert answer.body["detail"]["errors"][0]["field"] == "cell_ids.1"
    assert {event["actor"] for event in await notebook.events(after=before)} <= {"file"}


@pytest.mark.rule("EX2")
async def test_what_the_sender_saw_and_the_server_never_gets_is_a_stale_revision(
    notebook: Notebook,
) -> None:
    ahead: Doc[Any] = Doc()
    ahead.get("source", type=Text).insert(0, "never sent")
    vector = base64.b64encode(ahead.get_state()).decode()
    before = await notebook.seq()
    answer = await notebook.send("execute_cells", cell_ids=["c0"], state_vector=vector)
    assert (answer.status, answer.code) == (409, "stale_revision")
    assert await notebook.seq() == before


@pytest.mark.rule("FB5")
@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("prose.ipynb", b"Dear diary", 422, "not_a_notebook"),
        ("empty.ipynb", b"", 422, "not_a_notebook"),
        ("latin.ipynb", '{"é": 1}'.encode("latin-1"), 422, "not_a_notebook"),
        ("list.ipynb", b"[]", 422, "not_a_notebook"),
        ("object.ipynb", b"{}", 422, "not_a_notebook"),
        (
            "later.ipynb",
            b'{"nbformat": 5, "nbformat_minor": 0, "cells": []}',
            422,
            "not_a_notebook",
        ),
        ("plain.txt", b"text", 422, "not_a_notebook"),
        ("gone.ipynb", None, 404, "notebook_not_found"),
        ("folder/gone.ipynb", None, 404, "notebook_not_found"),
        ("../../etc/passwd", None, 404, "notebook_not_found"),
        ("a\0b.ipynb", None, 404, "notebook_not_found"),
        ("n" * 300 + ".ipynb", None, 422, "file_unreadable"),
        ("", None, 422, "file_unreadable"),
    ],
)
async def test_a_file_that_is_no_notebook_is_not_opened_and_says_why(
    server: Server, name: str, content: bytes | None, status: int, code: str
) -> None:
    if content is not None:
        (server.root / name).write_bytes(content)
    answer = await server.call("GET", "/api/runt/notebooks", path=name)
    assert (answer.status, answer.code) == (status, code)
    assert answer.body["message"].strip()
    if content is not None:
        assert (server.root / name).read_bytes() == content
    listed = await server.get("/api/runt/notebooks")
    assert name not in [each["path"] for each in listed["notebooks"]]


@pytest.mark.rule("FB5")
async def test_a_folder_is_not_opened_as_a_notebook(server: Server) -> None:
    (server.root / "folder.ipynb").mkdir()
    answer = await server.call("GET", "/api/runt/notebooks", path="folder.ipynb")
    assert (answer.status, answer.code) == (422, "file_unreadable")


@pytest.mark.rule("FB5")
async def test_a_hidden_notebook_is_not_there(server: Server) -> None:
    server.write("1", path=".hidden.ipynb")
    answer = await server.call("GET", "/api/runt/notebooks", path=".hidden.ipynb")
    assert (answer.status, answer.code) == (404, "notebook_not_found")


@pytest.mark.rule("FB5")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "commands"),
        ("GET", "events"),
        ("GET", f"executions/{NOWHERE}"),
        ("GET", "at/1"),
    ],
)
@pytest.mark.parametrize("notebook_id", [NOWHERE, "zzz", "../x", "a'b"])
async def test_an_unknown_notebook_is_not_found(
    server: Server, method: str, path: str, notebook_id: str
) -> None:
    body = {"type": "run_all"} if method == "POST" else None
    encoded = notebook_id.replace("/", "%2F")
    answer = await server.call(method, f"/api/runt/notebooks/{encoded}/{path}", body)
    assert (answer.status, answer.code) == (404, "notebook_not_found")


@pytest.mark.rule("EX2")
async def test_an_unknown_execution_is_not_found(notebook: Notebook) -> None:
    answer = await notebook.server.call("GET", f"{notebook.url}/executions/{NOWHERE}", wait=5)
    assert (answer.status, answer.code) == (404, "execution_not_found")


@pytest.mark.rule("EL3")
@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("events", {"after": "-1"}, "after"),
        ("events", {"after": "x"}, "after"),
        ("events", {"after": str(1 << 70)}, "after"),
        ("events", {"types": "v1.Nope"}, "types"),
        (f"executions/{NOWHERE}", {"wait": "soon"}, "wait"),
    ],
)
async def test_a_query_that_is_wrong_names_its_argument(
    notebook: Notebook, path: str, query: dict[str, str], field: str
) -> None:
    answer = await notebook.server.call("GET", f"{notebook.url}/{path}", **query)
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.body["detail"]["field"] == field


@pytest.mark.rule("FB5")
@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"x", ""),
        ([], ""),
        ({"type": "notebook"}, "format"),
        ({"format": "json"}, "type"),
        ({"format": "json", "type": 1}, "type"),
        ({"format": "a:b", "type": "notebook"}, "format"),
    ],
)
async def test_a_request_for_a_room_that_is_wrong_names_the_field(
    notebook: Notebook, body: Any, field: str
) -> None:
    url = f"/api/collaboration/session/{notebook.path}"
    answer = await notebook.server.call("PUT", url, body)
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.body["detail"]["field"] == field


# doing a thing once


@pytest.mark.rule("EX2")
async def test_a_repeated_command_id_returns_the_first_reply_and_does_nothing_twice(
    notebook: Notebook,
) -> None:
    command = {"cell_type": "code", "source": "new", "after": "c2", "command_id": "once"}
    first, second = await asyncio.gather(
        notebook.send("create_cell", **command), notebook.send("create_cell", **command)
    )
    third = await notebook.send("create_cell", **command)
    assert first.status == 200
    assert first.body == second.body == third.body
    assert await notebook.sources() == ["one = 1", "two = 2", "three = 3", "new"]


@pytest.mark.rule("EX2")
async def test_a_command_id_that_failed_may_be_used_again(notebook: Notebook) -> None:
    failed = await notebook.send("edit_cell", cell_id="zz", source="x", command_id="again")
    assert failed.status == 404
    await notebook.do("edit_cell", cell_id="c0", source="x", command_id="again")
    assert (await notebook.sources())[0] == "x"


# the document, its log and its file


@pytest.mark.rule("FB1", "AU2")
async def test_creating_a_cell_is_logged_with_its_author_and_reaches_the_file(
    notebook: Notebook,
) -> None:
    (event,) = await notebook.do(
        "create_cell", cell_type="markdown", source="# Hi", after="c0", command_id="make"
    )
    assert event["name"] == "v1.DocumentUpdated"
    assert event["actor"] == ME
    assert event["caused_by"] == "command:make"
    assert event["notebook_id"] == notebook.id
    (change,) = changes_of([event])
    assert change["type"] == "cell_created"
    assert (change["cell_type"], change["index"]) == ("markdown", 1)
    on_disk = await notebook.saved(lambda file: len(file["cells"]) == 4)
    made = on_disk["cells"][1]
    assert (made["id"], made["cell_type"]) == (change["cell_id"], "markdown")
    assert "".join(made["source"]) == "# Hi"


@pytest.mark.rule("FB1")
async def test_a_cell_is_created_at_the_top_where_after_is_null(notebook: Notebook) -> None:
    await notebook.do("create_cell", cell_type="code", source="first", after=None)
    await notebook.saved(lambda file: "".join(file["cells"][0]["source"]) == "first")


@pytest.mark.rule("FB1")
async def test_editing_a_cell_changes_only_the_text_that_differs(notebook: Notebook) -> None:
    revision = hashlib.sha256(b"one = 1").hexdigest()
    replaced = [{"old": "one", "new": "eins"}, {"old": "1", "new": "11"}]
    events = await notebook.do(
        "edit_cell", cell_id="c0", replacements=replaced, expected_revision=revision
    )
    assert [change["type"] for change in changes_of(events)] == ["source_changed"]
    await notebook.do("edit_cell", cell_id="c1", source="two = 22 # ünï")
    await notebook.saved(
        lambda file: (
            ["".join(cell["source"]) for cell in file["cells"]]
            == ["eins = 11", "two = 22 # ünï", "three = 3"]
        )
    )


@pytest.mark.rule("FB1")
async def test_moving_and_deleting_cells_is_logged_and_reaches_the_file(notebook: Notebook) -> None:
    moved = await notebook.do("move_cell", cell_id="c2", after=None)
    (change,) = changes_of(moved)
    assert (change["type"], change["cell_id"]) == ("cell_moved", "c2")
    assert (change["from_index"], change["index"]) == (2, 0)
    deleted = await notebook.do("delete_cells", cell_ids=["c0", "c1"])
    assert {(c["type"], c["cell_id"]) for c in changes_of(deleted)} == {
        ("cell_deleted", "c0"),
        ("cell_deleted", "c1"),
    }
    await notebook.saved(lambda file: [cell["id"] for cell in file["cells"]] == ["c2"])


@pytest.mark.rule("FB1")
@pytest.mark.parametrize("kind", ["markdown", "raw", "ai", "sql"])
async def test_a_cell_that_becomes_of_another_type_keeps_its_id_and_source(
    notebook: Notebook, kind: str
) -> None:
    events = await notebook.do("set_cell_type", cell_id="c1", cell_type=kind)
    assert events
    cell = (await notebook.at())["cells"][1]
    assert (cell["id"], cell["source"]) == ("c1", "two = 2")
    on_disk = "code" if kind in ("ai", "sql") else kind
    file = await notebook.saved(
        lambda file: (
            file["cells"][1]["metadata"].get("runt", {}).get("type") == kind
            if on_disk == "code"
            else file["cells"][1]["cell_type"] == on_disk
        )
    )
    assert [cell["id"] for cell in file["cells"]] == ["c0", "c1", "c2"]


@pytest.mark.rule("FB1")
async def test_what_the_ai_sees_and_what_is_folded_is_kept_in_the_metadata(
    notebook: Notebook,
) -> None:
    hidden = await notebook.do("set_context_visibility", cell_ids=["c0", "c1"], visible=False)
    assert {(c["type"], c["cell_id"]) for c in changes_of(hidden)} == {
        ("metadata_changed", "c0"),
        ("metadata_changed", "c1"),
    }
    await notebook.do("set_cell_visibility", cell_ids=["c0"], source_hidden=True)
    await notebook.do("set_cell_visibility", cell_ids=["c0"], outputs_hidden=True)
    await notebook.do("set_context_visibility", cell_ids=["c1"], visible=True)
    wanted = {
        "runt": {"context_hidden": True},
        "jupyter": {"source_hidden": True, "outputs_hidden": True},
    }
    file = await notebook.saved(lambda file: file["cells"][0]["metadata"] == wanted)
    assert file["cells"][1]["metadata"] == {}
    await notebook.do(
        "set_cell_visibility", cell_ids=["c0"], source_hidden=False, outputs_hidden=False
    )
    await notebook.do("set_context_visibility", cell_ids=["c0"], visible=True)
    await notebook.saved(lambda file: file["cells"][0]["metadata"] == {})


@pytest.mark.rule("FB1")
async def test_a_command_that_changes_nothing_has_no_events(notebook: Notebook) -> None:
    before = await notebook.seq()
    answer = await notebook.send("edit_cell", cell_id="c0", source="one = 1")
    assert answer.body == {"seq": before, "events": []}


# the log as it is read


@pytest.mark.rule("EL3")
async def test_events_come_in_order_without_gaps_whoever_writes(notebook: Notebook) -> None:
    await asyncio.gather(
        *(
            notebook.do("create_cell", cell_type="code", source=str(n), after="c0")
            for n in range(20)
        )
    )
    events = await notebook.events()
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    later = await notebook.events(after=5)  # the file may have been saved meanwhile
    assert later[: len(events) - 5] == events[5:]
    assert await notebook.events(after=len(events) + 100) == []
    assert await notebook.events(types="v1.ExecutionRequested,v1.ExecutionStarted") == []
    only = await notebook.events(types="v1.DocumentUpdated")
    assert {event["name"] for event in only} == {"v1.DocumentUpdated"}
    assert all(base64.b64decode(event["payload"]["update"]) for event in only)


@pytest.mark.rule("EL3")
async def test_a_follower_gets_what_is_there_and_then_what_comes(notebook: Notebook) -> None:
    start = await notebook.seq()
    async with notebook.followed(after=start - 1) as events:
        assert (await anext(events))["seq"] == start
        (made,) = await notebook.do("create_cell", cell_type="code", source="x", after=None)
        seen = await anext(events)
        assert (seen["seq"], seen["payload"]["changes"]) == (
            made["seq"],
            made["payload"]["changes"],
        )


@pytest.mark.rule("EL3")
async def test_a_follower_of_some_types_gets_those_alone(notebook: Notebook) -> None:
    async with notebook.followed(types="v1.OutputsCleared") as events:
        await notebook.do("edit_cell", cell_id="c0", source="x")
        await notebook.do("clear_outputs")
        assert (await anext(events))["payload"] == {"cell_ids": ["c0", "c1", "c2"]}


@pytest.mark.rule("EL3")
async def test_a_follower_that_leaves_holds_the_server_no_longer(server: Server) -> None:
    notebook = await server.notebook("1")
    for _ in range(5):
        async with notebook.followed() as events:
            await anext(events)

    async def closed() -> bool:
        return not _established(server.port)

    await eventually(closed)


def _established(port: int) -> list[str]:
    """Return the connections that the server has not closed."""
    wanted = f":{port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line for line in table if line.split()[1].endswith(wanted)]
    return [row for row in rows if row.split()[3] in ("01", "08")]


@pytest.mark.rule("EL2")
async def test_the_notebook_as_it_was_is_there_for_every_moment(notebook: Notebook) -> None:
    start = await notebook.seq()
    (edited,) = await notebook.do("edit_cell", cell_id="c0", source="later")
    await notebook.do("delete_cells", cell_ids=["c1"])
    assert await notebook.sources(start) == ["one = 1", "two = 2", "three = 3"]
    assert await notebook.sources(edited["seq"]) == ["later", "two = 2", "three = 3"]
    assert await notebook.sources() == ["later", "three = 3"]
    as_was = await notebook.at(start)
    assert (as_was["nbformat"], as_was["nbformat_minor"]) == (4, 5)
    assert as_was["metadata"]["kernelspec"]["name"] == "python3"
    assert (await notebook.at(0))["cells"] == []


@pytest.mark.rule("EL2")
async def test_a_notebook_says_where_it_is_and_how_far(notebook: Notebook) -> None:
    described = await notebook.server.get("/api/runt/notebooks", path=notebook.path)
    assert described["path"] == notebook.path
    assert described["room_id"] == f"json:notebook:{notebook.id}"
    assert described["runtime_room_id"].startswith(f"runt:runtime:{notebook.id}:")
    assert described["seq"] >= described["checkpoint_seq"] >= 1
    assert described["runtime"] is None
    listed = (await notebook.server.get("/api/runt/notebooks"))["notebooks"]
    assert notebook.id in [each["notebook_id"] for each in listed]


@pytest.mark.rule("FB3")
async def test_every_spelling_of_a_path_is_one_notebook(notebook: Notebook) -> None:
    link = notebook.server.root / f"link-to-{notebook.path}"
    link.symlink_to(notebook.path)
    for path in (f"/{notebook.path}", f"./{notebook.path}", f"x/../{notebook.path}", link.name):
        assert (await notebook.server.opened(path)).id == notebook.id


@pytest.mark.rule("FB3")
async def test_a_path_is_taken_as_it_is_spelled(server: Server) -> None:
    plain = await server.notebook("1", path="a b.ipynb")
    for path in (" a b.ipynb", "a\x1bb.ipynb"):
        other = await server.notebook("2", path=path)
        assert (other.path, other.id != plain.id) == (path, True)
    assert (await server.call("GET", "/api/runt/notebooks", path="a\0b.ipynb")).status == 404


@pytest.mark.rule("AU2")
async def test_the_status_says_what_this_is_and_who_asks(server: Server) -> None:
    await server.notebook("1")
    status = await server.get("/api/runt/status")
    assert status["user"] == ME
    assert status["protocol_version"] == 1
    assert status["store"] == "sqlite"
    assert status["notebooks"] >= 1
    assert status["rooms"] > status["notebooks"]
    assert "version" in status
    assert "runtimes" in status


# who it was


@pytest.mark.rule("AU2")
async def test_who_logs_in_with_a_cookie_is_the_local_user(notebook: Notebook) -> None:
    cookie = await logged_in(notebook.server)
    body = {"type": "edit_cell", "cell_id": "c0", "source": "by cookie"}
    answer = await notebook.server.call(
        "POST", f"{notebook.url}/commands", body, token=None, headers=cookie
    )
    assert answer.status == 200, answer
    assert answer.body["events"][0]["actor"] == "user:local"


@pytest.mark.rule("AU2")
@pytest.mark.parametrize(
    "claim", [{"actor": "user:eve"}, {"requested_by": "user:eve"}, {"user": "eve"}]
)
async def test_nobody_says_who_they_are(notebook: Notebook, claim: dict[str, str]) -> None:
    answer = await notebook.send("edit_cell", cell_id="c0", source="x", **claim)
    assert (answer.status, answer.code) == (400, "invalid_command")
    answer = await notebook.send("edit_cell", cell_id="c0", source="x", headers={"X-User": "eve"})
    assert answer.body["events"][0]["actor"] == ME


async def logged_in(server: Server) -> dict[str, str]:
    """Log in as a browser does, and return the headers of its next requests."""
    page = await AsyncHTTPClient().fetch(f"{server.url}/login", raise_error=False)
    cookies = _cookies(page.headers)
    answer = await AsyncHTTPClient().fetch(
        f"{server.url}/login",
        method="POST",
        body=f"password={TOKEN}&_xsrf={cookies['_xsrf']}",
        headers={"Cookie": f"_xsrf={cookies['_xsrf']}"},
        follow_redirects=False,
        raise_error=False,
    )
    cookies |= _cookies(answer.headers)
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return {"Cookie": header, "X-XSRFToken": cookies["_xsrf"]}


def _cookies(headers: Any) -> dict[str, str]:
    pairs = (cookie.split(";")[0].split("=", 1) for cookie in headers.get_list("Set-Cookie"))
    return {name: value.strip('"') if name == "_xsrf" else value for name, value in pairs}


@pytest.mark.rule("EX2")
async def test_errors_of_unknown_verbs_are_json_too(notebook: Notebook) -> None:
    answer = await notebook.server.call("DELETE", f"{notebook.url}/commands")
    assert (answer.status, answer.code) == (405, "bad_method")
    assert json.dumps(answer.body)
