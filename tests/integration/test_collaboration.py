"""Rooms over real WebSockets: what one types, the log has, and then the others."""

import asyncio
import base64
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import pytest_asyncio
from pycrdt import Doc, Map

from jupyter_runt.rooms.protocol import read_state_vector
from tests.integration.peers import Peer, RuntimeTab, Tab, TextTab, tab, tabs
from tests.integration.server import Notebook, Server, eventually

pytestmark = pytest.mark.asyncio

HELD = {"id": "h", "cell_type": "code", "source": "typed elsewhere", "metadata": {}, "outputs": []}


@pytest_asyncio.fixture
async def notebook(server: Server) -> Notebook:
    return await server.notebook("one", "two")


@contextmanager
def nothing_is_committed(server: Server) -> Iterator[None]:
    """Hold the right to write to the server's store."""
    connection = sqlite3.connect(server.store, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


def logged(server: Server, notebook: Notebook) -> int:
    """Return the last committed `seq`, as another process sees it."""
    connection = sqlite3.connect(server.store)
    query = "SELECT max(seq) FROM events WHERE notebook_id = ?"
    seq: int = connection.execute(query, (notebook.id,)).fetchone()[0]
    connection.close()
    return seq


# two tabs, and a third that comes later


@pytest.mark.rule("EL1", "RM1")
async def test_two_people_type_and_both_have_what_the_log_has(notebook: Notebook) -> None:
    async with tabs(notebook, 2) as (ada, bob):
        for letter in "abc":
            await ada.type(letter, at=0)
            await bob.type(letter.upper(), cell=1)
        await ada.until(lambda: ada.sources == ["cbaone", "twoABC"])
        await bob.until(lambda: bob.sources == ["cbaone", "twoABC"])
        assert await notebook.sources() == ["cbaone", "twoABC"]

        async def same() -> bool:
            one, other = (read_state_vector(each.doc.get_state()) for each in (ada, bob))
            return one == other

        await eventually(same)  # a save may have been told to one of them alone
    async with tabs(notebook) as (late,):
        assert late.sources == ["cbaone", "twoABC"]


@pytest.mark.rule("EL1")
async def test_a_change_is_in_the_log_before_anybody_else_has_it(notebook: Notebook) -> None:
    async with tabs(notebook, 2) as (ada, bob):
        seen: list[tuple[str, int]] = []
        take = bob.client.hear

        def hear(frame: bytes) -> bytes | None:
            answer = take(frame)
            seen.append((bob.sources[0], logged(notebook.server, notebook)))
            return answer

        bob.client.hear = hear  # type: ignore[method-assign]
        for letter in "typed":
            await ada.type(letter)
        await bob.until(lambda: bob.sources[0] == "onetyped")
    for source, seq in seen:
        assert (await notebook.sources(seq))[0].startswith(source)


@pytest.mark.rule("EL1", "EL5")
async def test_nothing_is_shown_to_anybody_while_the_store_cannot_write(
    notebook: Notebook,
) -> None:
    server = notebook.server
    async with tabs(notebook, 2) as (ada, bob):
        with nothing_is_committed(server):
            await ada.type(" held")
            await ada.be_present({"user": {"name": "ada"}})
            await bob.until(lambda: bob.has_heard_of("ada"))
            assert bob.sources[0] == "one"
            assert (await notebook.sources())[0] == "one"
            assert notebook.sources_on_disk()[0] == "one"
            async with await tab(notebook) as late:
                await late.be_present({"user": {"name": "late"}})
                await bob.until(lambda: bob.has_heard_of("late"))
                assert "one held" not in late.sources
        await bob.until(lambda: bob.sources[0] == "one held")
        assert (await notebook.sources())[0] == "one held"


@pytest.mark.rule("EL1", "AU2")
async def test_what_is_typed_is_logged_with_its_changes(notebook: Notebook) -> None:
    start = await notebook.seq()
    async with tabs(notebook) as (ada,):
        cell = {"id": "new", "cell_type": "markdown", "source": "# Hi", "metadata": {}}
        with ada.doc.transaction():
            ada.notebook.append_cell(cell)
            ada.source(0).insert(0, "é")
        await ada.tell()
        await eventually(lambda: has_grown(notebook, start))

        async def replayed() -> bool:  # a save may have been told to one of them alone
            replay: Doc[Any] = Doc()
            for each in await notebook.events(types="v1.DocumentUpdated"):
                replay.apply_update(base64.b64decode(each["payload"]["update"]))
            return read_state_vector(replay.get_state()) == read_state_vector(ada.doc.get_state())

        await eventually(replayed)
    events = await notebook.events(after=start, types="v1.DocumentUpdated")
    (event,) = [each for each in events if each["actor"] != "file"]
    assert event["actor"].startswith("user:token-")
    assert event["caused_by"] is None
    changes = {change["type"]: change for change in event["payload"]["changes"]}
    assert changes["cell_created"]["cell_id"] == "new"
    assert (changes["cell_created"]["cell_type"], changes["cell_created"]["index"]) == (
        "markdown",
        2,
    )
    assert (changes["source_changed"]["cell_id"], changes["source_changed"]["inserted"]) == (
        "c0",
        2,
    )


async def has_grown(notebook: Notebook, seq: int) -> bool:
    return await notebook.seq() > seq


@pytest.mark.rule("RM6")
async def test_people_see_who_is_there_and_who_left(notebook: Notebook) -> None:
    async with tabs(notebook, 2) as (ada, bob):
        await ada.be_present({"user": {"name": "ada"}, "cursors": []})
        await bob.until(lambda: bob.has_heard_of('"ada"'))
        async with await tab(notebook) as late:
            await late.until(lambda: late.has_heard_of('"ada"'))
        bob.client.awareness.clear()
        await ada.leave()
        await bob.until(lambda: bob.has_heard_of("null"))


@pytest.mark.rule("FB1")
async def test_a_save_by_hand_writes_the_file_at_once(server: Server) -> None:
    notebook = await server.notebook("one")
    async with tabs(notebook) as (ada,):
        assert await ada.save(1) == "success", "nothing to do is no error"
        await ada.type(" more")
        assert await ada.save(2) == "success"
        assert notebook.sources_on_disk() == ["one more"]
        assert await ada.save(3) == "success"
        assert [reply["responseTo"] for reply in ada.replies] == [1, 2, 3]


# what runs


@pytest.mark.rule("EX3")
async def test_what_runs_is_seen_by_every_tab_and_needs_none(server: Server) -> None:
    notebook = await server.notebook("print('begun', flush=True)\ninput('go? ')\nprint('done')")
    async with (
        tabs(notebook, 2) as (ada, bob),
        RuntimeTab(server, notebook.runtime_room_id) as watcher,
    ):
        (execution_id,) = await notebook.start("c0")
        await watcher.until(lambda: execution_id in watcher.executions)
        assert watcher.executions[execution_id]["cell_id"] == "c0"
        await watcher.until(
            lambda: watcher.executions[execution_id].get("status") == "waiting_input"
        )
        assert watcher.queue == [execution_id]
        assert watcher.executions[execution_id]["input"]["prompt"] == "go? "
        assert watcher.runtime["status"] == "ready"
        for each in (ada, bob):
            await each.until(lambda each=each: "begun" in json.dumps(each.outputs()))
    await notebook.do("reply_input", execution_id=execution_id, value="")
    assert (await notebook.execution(execution_id))["status"] == "ok"
    async with tabs(notebook) as (late,):
        (output,) = late.outputs()
        assert output["text"].endswith("done\n")
    async with RuntimeTab(server, notebook.runtime_room_id) as watcher:
        await watcher.synced()
        assert watcher.queue == []
        assert watcher.executions[execution_id]["status"] == "ok"
    await notebook.do("stop_runtime")


@pytest.mark.rule("EX2")
async def test_what_runs_is_what_was_on_the_sender_s_screen(notebook: Notebook) -> None:
    async with tabs(notebook) as (ada,):
        ada.source().insert(0, "seen = ")
        vector = base64.b64encode(ada.doc.get_state()).decode()
        asked = asyncio.create_task(
            notebook.do("execute_cells", cell_ids=["c0"], state_vector=vector)
        )
        async with RuntimeTab(notebook.server, notebook.runtime_room_id) as watcher:
            await watcher.synced()
            assert watcher.queue == []
        await ada.tell()
        (requested,) = await asked
        assert requested["payload"]["source"] == "seen = one"
    await notebook.do("stop_runtime")


@pytest.mark.rule("EL1", "FB1")
async def test_the_server_says_what_is_logged_and_saved(notebook: Notebook) -> None:
    async with (
        tabs(notebook) as (ada,),
        RuntimeTab(notebook.server, notebook.runtime_room_id) as watcher,
    ):
        await ada.type("!")
        vector = base64.b64encode(ada.doc.get_state()).decode()
        await watcher.until(lambda: watcher.has_heard_of('"status": "saved"'))
        await watcher.until(lambda: watcher.has_heard_of('"state_vector"'))
        assert vector


# who is not let in


@pytest.mark.rule("RM3")
async def test_a_tab_with_another_history_is_told_so(notebook: Notebook) -> None:
    for session_id in (None, "00000000-0000-0000-0000-000000000000"):
        async with Peer(notebook.server, notebook.room_id, session_id) as stranger:
            code, reason = await stranger.ended()
        assert code == 1003
        told = json.loads(reason)
        assert told["reason"] == "unknown_session"
        assert told["reloadable"] is True
        assert stranger.doc.get_state() == Doc().get_state(), "nothing was mixed in"


@pytest.mark.rule("RM3", "AU2")
async def test_what_a_tab_of_another_history_holds_is_kept_and_can_be_restored(
    notebook: Notebook,
) -> None:
    async with (
        tabs(notebook) as (ada,),
        RuntimeTab(notebook.server, notebook.runtime_room_id) as watcher,
    ):
        before = await notebook.seq()
        for _ in range(2):
            stranger = Tab(notebook.server, notebook.room_id, "another-history")
            stranger.notebook.set({**await notebook.at(), "cells": [HELD]})
            async with stranger:
                assert (await stranger.ended())[0] == 1003
        [kept] = await notebook.events(before, types="v1.VersionKept")
        assert kept["actor"].startswith("user:token-")
        await watcher.until(lambda: watcher.has_heard_of(f'"kept": {{"seq": {kept["seq"]}, '))

        version = (await notebook.server.get(f"{notebook.url}/history"))["versions"][0]
        assert (version["kind"], version["seq"], version["reason"], version["message"]) == (
            "kept",
            kept["seq"],
            "foreign_history",
            kept["payload"]["message"],
        )
        content = await notebook.server.get(f"{notebook.url}/kept/{kept['seq']}")
        assert content == kept["payload"]["content"]
        assert [cell["source"] for cell in content["cells"]] == ["typed elsewhere"]
        absent = await notebook.server.call("GET", f"{notebook.url}/kept/1")
        assert (absent.status, absent.code) == (404, "version_not_found")
        compared = {"from": kept["seq"], "to": before}
        diff = await notebook.server.get(f"{notebook.url}/diff", **compared)
        assert diff["base"] == content

        query = {"format": "json", "type": "notebook"}
        slider = await notebook.server.get(f"/api/collaboration/timeline/{notebook.path}", **query)
        assert len(slider["timestamps"]) == 1, "what was kept is no moment of the document"

        await notebook.do("restore_version", seq=kept["seq"])
        await ada.until(lambda: ada.sources == ["typed elsewhere"])


@pytest.mark.rule("RM3")
@pytest.mark.parametrize(
    "room_id",
    [
        "json:notebook:00000000-0000-0000-0000-000000000000",
        "text:file:00000000-0000-0000-0000-000000000000",
        "runt:runtime:00000000-0000-0000-0000-000000000000:1",
        "nonsense",
        "json:notebook",
        "json:notebook:a:b",
    ],
)
async def test_a_room_that_is_not_there_says_so(server: Server, room_id: str) -> None:
    async with Peer(server, room_id, "x") as peer:
        code, _ = await peer.ended()
    assert code == 4404


@pytest.mark.rule("RM3")
async def test_a_runtime_room_of_old_is_closed_so_that_the_tab_asks_again(
    notebook: Notebook,
) -> None:
    old = notebook.runtime_room_id.rpartition(":")[0] + ":of-old"
    async with Peer(notebook.server, old) as peer:
        code, _ = await peer.ended()
    assert code == 4410


@pytest.mark.rule("RM2")
@pytest.mark.parametrize("frame", [b"", b"\x00", b"\x00\x02\xff", b"\x09", b"\x00\x02\x02\x01\x02"])
async def test_a_bad_frame_closes_its_sender_alone(notebook: Notebook, frame: bytes) -> None:
    async with tabs(notebook, 3) as (ada, bob, eve):
        await eve.send(frame)
        code, _ = await eve.ended()
        assert code == 4400
        await ada.type(" on")
        await bob.until(lambda: bob.sources[0] == "one on")


@pytest.mark.rule("RM2")
async def test_text_is_no_frame(notebook: Notebook) -> None:
    async with tabs(notebook) as (eve,):
        await eve.send_text("hello")
        code, _ = await eve.ended()
    assert code == 4400


# other files


@pytest.mark.rule("EL1", "FB1")
async def test_a_text_file_is_edited_together_and_saved(server: Server) -> None:
    file = server.root / "script.py"
    file.write_text("x = 1\n", encoding="utf-8")
    session = await server.session("script.py", "file")
    assert session.status == 201
    assert (await server.session("script.py", "file")).status == 200
    room_id, session_id = f"text:file:{session.body['fileId']}", session.body["sessionId"]
    async with (
        TextTab(server, room_id, session_id) as ada,
        TextTab(server, room_id, session_id) as bob,
    ):
        await ada.synced()
        await bob.synced()
        assert str(ada.text) == "x = 1\n"
        ada.text.insert(0, "# Ünï\n")
        await ada.tell()
        await bob.until(lambda: str(bob.text) == "# Ünï\nx = 1\n")
        bob.text += "y = 2\n"
        await bob.tell()
        await ada.until(lambda: str(ada.text) == "# Ünï\nx = 1\ny = 2\n")
        assert await ada.save(1) == "success"
        assert file.read_text(encoding="utf-8") == "# Ünï\nx = 1\ny = 2\n"


@pytest.mark.rule("FB3", "FB5")
async def test_a_notebook_that_is_open_is_not_opened_as_text(notebook: Notebook) -> None:
    server = notebook.server
    async with tabs(notebook):
        answer = await server.session(notebook.path, "file")
        assert (answer.status, answer.code) == (409, "conflict")
        assert notebook.path in answer.body["message"]


@pytest.mark.rule("FB3")
async def test_a_notebook_edited_as_text_and_then_as_a_notebook_loses_nothing(
    server: Server,
) -> None:
    path = server.write("one")
    session = await server.session(path, "file")
    room_id, session_id = f"text:file:{session.body['fileId']}", session.body["sessionId"]
    async with TextTab(server, room_id, session_id) as text:
        await text.synced()
        at = str(text.text).index("one")
        text.text.insert(at, "number ")
        await text.tell()
        assert await text.save(1) == "success"
    assert "number one" in (server.root / path).read_text(encoding="utf-8")
    notebook = await server.opened(path)
    async with tabs(notebook) as (ada,):
        assert ada.sources == ["number one"]
        await ada.type("!")
        await notebook.saved(lambda file: "".join(file["cells"][0]["source"]) == "number one!")
    async with TextTab(server, room_id, session_id) as text:
        await text.synced()
        assert json.loads(str(text.text))["cells"][0]["source"] == ["number one!"]
        assert str(text.text) == (server.root / path).read_text(encoding="utf-8")
        answer = await server.call("GET", "/api/runt/notebooks", path=path)
        assert (answer.status, answer.code) == (409, "conflict")


@pytest.mark.rule("FB5")
@pytest.mark.parametrize(
    ("name", "content"), [("bytes.bin", b"\xff\xfe\x00"), ("latin.txt", "é".encode("latin-1"))]
)
async def test_a_file_that_is_not_text_says_why_in_the_close(
    server: Server, name: str, content: bytes
) -> None:
    (server.root / name).write_bytes(content)
    session = await server.session(name, "file")
    room_id = f"text:file:{session.body['fileId']}"
    async with Peer(server, room_id, session.body["sessionId"]) as peer:
        code, reason = await peer.ended()
    assert code == 4500
    assert name in reason
    assert (server.root / name).read_bytes() == content


@pytest.mark.rule("FB5")
async def test_a_text_file_is_no_notebook(server: Server) -> None:
    (server.root / "plain.txt").write_text("text", encoding="utf-8")
    answer = await server.session("plain.txt")
    assert (answer.status, answer.code) == (422, "not_a_notebook")
    session = await server.session("plain.txt", "file")
    for method, what in (("POST", "commands"), ("GET", "events"), ("GET", "at/1")):
        url = f"/api/runt/notebooks/{session.body['fileId']}/{what}"
        body = {"type": "run_all"} if method == "POST" else None
        answer = await server.call(method, url, body)
        assert (answer.status, answer.code) == (422, "not_a_notebook")
    room_id = f"json:notebook:{session.body['fileId']}"
    async with Peer(server, room_id, session.body["sessionId"]) as peer:
        code, reason = await peer.ended()
    assert code == 4500
    assert "not a notebook" in reason


@pytest.mark.rule("RM6")
async def test_the_room_of_everybody_has_presence_and_no_content(server: Server) -> None:
    async with (
        Peer(server, "JupyterLab:globalAwareness") as ada,
        Peer(server, "JupyterLab:globalAwareness") as bob,
    ):
        await ada.synced()
        await bob.synced()
        await ada.be_present({"user": {"name": "ada"}})
        await bob.until(lambda: bob.has_heard_of("ada"))
        ada.doc.get("notes", type=Map)["a"] = "text that no log has"
        await ada.tell()
        assert await ada.ended() == (4403, "read-only")
        async with Peer(server, "JupyterLab:globalAwareness") as eve:
            await eve.synced()
            assert not eve.doc.get("notes", type=Map).to_py()
