"""Forks and the timeline, as jupyter-collaboration's front end uses them."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from jupyter_ydoc import YNotebook
from pycrdt import Doc
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from websockets.asyncio.client import connect

from jupyter_runt.rooms.protocol import update_frame
from jupyter_runt.rooms.updates import writes_as
from tests.integration.doorkeeper import DENY, NAME
from tests.integration.peers import Tab, TextTab, tab, tabs
from tests.integration.server import TOKEN, Answer, Notebook, Server, eventually

pytestmark = pytest.mark.asyncio

NOWHERE = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that knows people by name, and frees what nobody needs at once."""
    config = {
        "ServerApp": {
            "authorizer_class": "tests.integration.doorkeeper.Doorkeeper",
            "identity_provider_class": "tests.integration.doorkeeper.NamedPeople",
        },
        "RuntApp": {"save_delay": 0.1, "free_after": 0.1},
    }
    with Server(tmp_path_factory.mktemp("forks"), config).running() as server:
        yield server


@pytest_asyncio.fixture
async def notebook(server: Server) -> Notebook:
    """A notebook of three versions: opened, `one`, `two`."""
    notebook = await server.notebook("zero", "print('ran')")
    for source in ("one", "two"):
        await notebook.do("edit_cell", cell_id="c0", source=source)
    return notebook


class Slider:
    """The stock timeline of a tab, which joins the copy with the document that it has."""

    def __init__(self, tab: Tab, notebook: Notebook, opened: dict[str, Any]) -> None:
        self.tab = tab
        self.notebook = notebook
        self.opened = opened
        self.fork_id: str = opened["forkRoom"]

    async def do(self, action: str, steps: int = 0, **headers: str) -> Answer:
        query = {"action": action, "steps": steps, "forkRoom": self.fork_id}
        url = f"/api/collaboration/undo_redo/{self.notebook.room_id}"
        return await self.notebook.server.call("PUT", url, headers=headers, **query)

    async def shows(self, *sources: str) -> None:
        await self.tab.until(lambda: self.tab.sources == list(sources))

    async def leave(self) -> None:
        """Return to the notebook's own room."""
        await join(self.tab, self.notebook.room_id)


async def join(tab: Tab, room_id: str) -> None:
    """Connect a tab's document to another room."""
    await tab.leave()
    tab.room_id = room_id
    await tab.connect()
    await tab.synced()


async def timeline(notebook: Notebook, **headers: str) -> Answer:
    url = f"/api/collaboration/timeline/{notebook.path}"
    return await notebook.server.call("GET", url, headers=headers, format="json", type="notebook")


@asynccontextmanager
async def slider(notebook: Notebook, **headers: str) -> AsyncIterator[Slider]:
    async with await tab(notebook, headers=headers) as shown:
        await shown.synced()
        answer = await timeline(notebook, **headers)
        assert answer.status == 200, answer
        opened = Slider(shown, notebook, answer.body)
        await join(shown, opened.fork_id)
        yield opened


async def rooms(server: Server) -> int:
    count: int = (await server.get("/api/runt/status"))["rooms"]
    return count


# the timeline


@pytest.mark.rule("EL2")
async def test_the_slider_shows_each_version_and_changes_nothing(notebook: Notebook) -> None:
    seq = await notebook.seq()
    async with slider(notebook) as shown:
        assert shown.opened["roomId"] == notebook.room_id
        assert shown.opened["timestamps"] == sorted(shown.opened["timestamps"])
        assert len(shown.opened["timestamps"]) == 3
        await shown.shows("two", "print('ran')")
        assert (await shown.do("undo", 1)).body == {"status": "undone"}
        await shown.shows("one", "print('ran')")
        assert (await shown.do("undo", 5)).body == {"status": "undone"}
        await shown.shows("zero", "print('ran')")
        assert "error" in (await shown.do("undo", 1)).body
        assert (await shown.do("redo", 2)).body == {"status": "redone"}
        await shown.shows("two", "print('ran')")
        assert "error" in (await shown.do("redo", 1)).body
    assert await notebook.sources() == ["two", "print('ran')"]
    assert [e["name"] for e in await notebook.events(after=seq) if e["actor"] != "file"] == []


@pytest.mark.rule("EL2", "AU2")
async def test_restoring_is_an_edit_by_the_person_that_keeps_what_others_did_meanwhile(
    notebook: Notebook,
) -> None:
    async with tabs(notebook) as [other], slider(notebook, **{NAME: "ada"}) as shown:
        await shown.do("undo", 2)
        await shown.do("redo", 1)
        await shown.shows("one", "print('ran')")
        await other.type(" # meanwhile", cell=1)
        seq = await notebook.seq()
        answer = await shown.do("restore", **{NAME: "ada"})
        assert (answer.status, answer.body["code"]) == (200, 200)
        wanted = ["one", "print('ran') # meanwhile"]
        await other.until(lambda: other.sources == wanted)
        (restored,) = [e for e in await notebook.events(after=seq) if e["actor"] != "file"]
        assert (restored["actor"], restored["caused_by"]) == ("user:ada", "restore:2")
        await shown.leave()
        await shown.shows(*wanted)
        assert other.sources == wanted
        assert await notebook.sources() == wanted
    assert (await notebook.server.get(f"{notebook.url}/history"))["versions"][0]["kind"] == (
        "restore"
    )
    assert (await shown.do("undo", 1)).status == 404


@pytest.mark.rule("EL2")
async def test_deleted_cells_come_back_with_their_ids_and_outputs(notebook: Notebook) -> None:
    await notebook.run("c1")
    await notebook.do("delete_cells", cell_ids=["c1"])
    async with slider(notebook) as shown:
        await shown.shows("two")
        await shown.do("undo", 1)
        await shown.shows("two", "print('ran')")
        assert shown.tab.outputs(1)[0]["text"] == "ran\n"
        await shown.do("restore")
    restored = await notebook.server.get(f"{notebook.url}/at/{await notebook.seq()}")
    assert [cell["id"] for cell in restored["cells"]] == ["c0", "c1"]
    assert restored["cells"][1]["outputs"][0]["text"] == "ran\n"


@pytest.mark.rule("EX9")
async def test_outputs_that_come_back_are_not_the_server_s_own(notebook: Notebook) -> None:
    await notebook.run("c1")
    await notebook.do("clear_outputs")
    async with slider(notebook) as shown:
        await shown.do("undo", 1)
        await shown.tab.until(lambda: shown.tab.outputs(1))
        await shown.do("restore")
    events = await notebook.events()
    (restored,) = [e for e in events if str(e["caused_by"]).startswith("restore:")]
    assert {"type": "outputs_changed", "cell_id": "c1"} in restored["payload"]["changes"]
    update = base64.b64decode(restored["payload"]["update"])
    assert not writes_as(update, await trusted_clients(notebook), Doc().get_state())


async def trusted_clients(notebook: Notebook) -> frozenset[int]:
    described = await notebook.server.get("/api/runt/notebooks", path=notebook.path)
    return frozenset(described["server_clients"] + described["trusted_clients"])


@pytest.mark.rule("EX9")
async def test_nobody_writes_as_the_server_into_a_copy(notebook: Notebook) -> None:
    opened = (await timeline(notebook)).body
    async with await tab(notebook) as honest:
        await honest.synced()
        await join(honest, opened["forkRoom"])
        forger = Tab(notebook.server, opened["forkRoom"], opened["sessionId"])
        async with forger:
            await forger.synced()
            forged: Doc[Any] = Doc(client_id=min(await trusted_clients(notebook)))
            forged.apply_update(forger.doc.get_update())
            before = forged.get_state()
            YNotebook(forged).ycells[0]["source"] += "forged"
            await forger.send(update_frame(forged.get_update(before)))
            code, _ = await forger.ended()
        assert code in {4400, 4403}
        await honest.type("!", cell=0)
        assert honest.sources[0] == "two!"


@pytest.mark.rule("RM3")
async def test_a_tab_that_has_seen_more_than_the_copy_joins_it(notebook: Notebook) -> None:
    opened = (await timeline(notebook)).body
    async with await tab(notebook) as late:
        await late.synced()
        await notebook.run("c1")
        await late.until(lambda: late.outputs(1))
        await join(late, opened["forkRoom"])
        await late.type("!", cell=0)
        async with Tab(notebook.server, opened["forkRoom"], opened["sessionId"]) as fresh:
            await fresh.until(lambda: fresh.client.synced and fresh.sources[0] == "two!")
            assert fresh.outputs(1)[0]["text"] == "ran\n"
        assert late.closed is None


@pytest.mark.rule("AU1", "RM6")
async def test_who_may_only_read_looks_at_the_past_and_changes_nothing(notebook: Notebook) -> None:
    reader = {NAME: "rita", DENY: "write"}
    seq = await notebook.seq()
    async with slider(notebook, **reader) as shown:
        assert (await shown.do("undo", 1, **reader)).status == 200
        await shown.shows("one", "print('ran')")
        denied = await shown.do("restore", **reader)
        assert (denied.status, denied.code) == (403, "not_authorized")
        await shown.tab.type("not allowed")
        code, _ = await shown.tab.ended()
        assert code == 4403
    assert await notebook.sources() == ["two", "print('ran')"]
    assert [e for e in await notebook.events(after=seq) if e["actor"] != "file"] == []


@pytest.mark.rule("RM4")
async def test_a_view_of_the_past_ends_when_its_last_tab_left(notebook: Notebook) -> None:
    before = await rooms(notebook.server)
    async with slider(notebook) as shown:
        assert await rooms(notebook.server) > before

    async def gone() -> bool:
        return (await shown.do("undo", 1)).status == 404

    await eventually(gone)


@pytest.mark.rule("EL2")
async def test_a_text_file_has_a_timeline(server: Server) -> None:
    (server.root / "notes.txt").write_text("first", encoding="utf-8")
    session = (await server.session("notes.txt", "file")).body
    room_id = f"text:file:{session['fileId']}"
    async with TextTab(server, room_id, session["sessionId"]) as typed:
        await typed.synced()
        typed.text += ", then"
        await typed.tell()

        async def opened() -> dict[str, Any]:
            answer = await server.call(
                "GET", "/api/collaboration/timeline/notes.txt", format="text", type="file"
            )
            return answer.body if len(answer.body["timestamps"]) == 2 else {}

        fork_id = (await eventually(opened))["forkRoom"]
        async with TextTab(server, fork_id, session["sessionId"]) as shown:
            url, query = f"/api/collaboration/undo_redo/{room_id}", {"forkRoom": fork_id}
            await server.call("PUT", url, action="undo", steps=1, **query)
            await shown.until(lambda: str(shown.text) == "first")
            await server.call("PUT", url, action="restore", **query)
        await typed.until(lambda: str(typed.text) == "first")


@pytest.mark.rule("FB3")
async def test_the_front_end_s_spellings_of_paths_and_queries_are_understood(
    server: Server,
) -> None:
    notebook = await server.notebook("zero", path="a folder/100% mine.ipynb")
    path = "a%20folder/100%25%20mine.ipynb"
    request = HTTPRequest(
        f"{server.url}/api/collaboration/timeline/{path}?format=json&&type=notebook&1760000000000",
        headers={"Authorization": f"token {TOKEN}"},
    )
    response = await AsyncHTTPClient().fetch(request)
    assert response.code == 200
    twice = await server.session(f"%2F{path.replace('/', '%2F').replace('%', '%25')}")
    assert twice.body["fileId"] == notebook.id


@pytest.mark.rule("EL2")
async def test_what_cannot_be_shown_is_refused_as_every_error_is(notebook: Notebook) -> None:
    server = notebook.server
    url = f"/api/collaboration/undo_redo/{notebook.room_id}"
    opened = (await timeline(notebook)).body
    other = f"/api/collaboration/undo_redo/json:notebook:{NOWHERE}"
    known = {"forkRoom": opened["forkRoom"]}
    for status, code, answer in [
        (400, "invalid_request", await server.call("PUT", url, action="undo")),
        (400, "invalid_request", await server.call("PUT", url, action="leap", **known)),
        (400, "invalid_request", await server.call("PUT", url, action="undo", steps="x", **known)),
        (404, "notebook_not_found", await server.call("PUT", url, action="undo", forkRoom="x")),
        (404, "notebook_not_found", await server.call("PUT", other, action="undo", **known)),
        (400, "invalid_request", await server.call("GET", "/api/collaboration/timeline/x")),
        (
            404,
            "notebook_not_found",
            await server.call(
                "GET", "/api/collaboration/timeline/no.ipynb", format="json", type="notebook"
            ),
        ),
    ]:
        assert (answer.status, answer.code) == (status, code), answer


# forks


async def make_fork(notebook: Notebook, **fields: Any) -> dict[str, Any]:
    url = f"/api/collaboration/fork/{notebook.room_id}"
    answer = await notebook.server.call("PUT", url, fields)
    assert answer.status == 201, answer
    body: dict[str, Any] = answer.body
    return body


async def remove_fork(notebook: Notebook, fork_id: str, **query: Any) -> Answer:
    url = f"/api/collaboration/fork/{fork_id}"
    return await notebook.server.call("DELETE", url, headers={NAME: "ada"}, **query)


async def forks(notebook: Notebook) -> Any:
    return await notebook.server.get(f"/api/collaboration/fork/{notebook.room_id}")


@pytest.mark.rule("EL2", "AU2")
async def test_a_fork_is_apart_until_it_is_merged_as_an_edit_by_the_person(
    notebook: Notebook,
) -> None:
    made = await make_fork(notebook, title="A try", description="to see")
    fork_id = made["fork_roomid"]
    assert made["fork_info"] == {
        "root_roomid": notebook.room_id,
        "synchronize": False,
        "title": "A try",
        "description": "to see",
    }
    assert await forks(notebook) == {fork_id: made["fork_info"]}
    seq = await notebook.seq()
    async with tabs(notebook) as [root], Tab(notebook.server, fork_id, made["sessionId"]) as fork:
        await fork.synced()
        await fork.type(" in the fork")
        await root.type(" in the document", cell=1)
        async with Tab(notebook.server, fork_id, made["sessionId"]) as second:
            await second.until(lambda: second.sources[:1] == ["two in the fork"])
        assert root.sources == ["two", "print('ran') in the document"]
        answer = await remove_fork(notebook, fork_id, merge="true")
        assert (answer.status, answer.body) == (200, None)
        wanted = ["two in the fork", "print('ran') in the document"]
        await root.until(lambda: root.sources == wanted)
    (merged,) = [
        event for event in await notebook.events(after=seq) if event["caused_by"] is not None
    ]
    assert (merged["actor"], merged["caused_by"]) == ("user:ada", f"fork:{fork_id}")
    assert await forks(notebook) == {}
    assert (await remove_fork(notebook, fork_id)).status == 404


@pytest.mark.rule("EL2")
async def test_a_fork_that_is_removed_without_merging_changes_nothing(notebook: Notebook) -> None:
    made = await make_fork(notebook)
    async with Tab(notebook.server, made["fork_roomid"], made["sessionId"]) as fork:
        await fork.synced()
        await fork.type(" in the fork")
        assert (await remove_fork(notebook, made["fork_roomid"], merge="false")).status == 200
        await fork.ended()
    assert await notebook.sources() == ["two", "print('ran')"]


@pytest.mark.rule("EL1")
async def test_a_synchronized_fork_follows_the_document(notebook: Notebook) -> None:
    made = await make_fork(notebook, synchronize=True)
    async with (
        tabs(notebook) as [root],
        Tab(notebook.server, made["fork_roomid"], made["sessionId"]) as fork,
    ):
        await fork.synced()
        await fork.type("fork ", at=0)
        await root.type(" root")
        await fork.until(lambda: fork.sources[0] == "fork two root")
        assert root.sources[0] == "two root"
    await remove_fork(notebook, made["fork_roomid"])


@pytest.mark.rule("RM4")
async def test_a_fork_waits_for_whoever_comes_back_to_it(notebook: Notebook) -> None:
    made = await make_fork(notebook)
    async with Tab(notebook.server, made["fork_roomid"], made["sessionId"]) as fork:
        await fork.synced()
        await fork.type(" in the fork")
        await fork.type("!")
    throwaway = (await timeline(notebook)).body["forkRoom"]

    async def timeline_gone() -> bool:
        query = {"action": "undo", "forkRoom": throwaway}
        url = f"/api/collaboration/undo_redo/{notebook.room_id}"
        return (await notebook.server.call("PUT", url, **query)).status == 404

    await eventually(timeline_gone)
    async with Tab(notebook.server, made["fork_roomid"], made["sessionId"]) as back:
        await back.until(lambda: back.sources[:1] == ["two in the fork!"])
    await remove_fork(notebook, made["fork_roomid"])


@pytest.mark.rule("RM3")
async def test_a_tab_of_another_history_does_not_join_a_fork(notebook: Notebook) -> None:
    made = await make_fork(notebook)
    async with Tab(notebook.server, made["fork_roomid"], NOWHERE) as stranger:
        code, _ = await stranger.ended()
    assert code == 1003
    async with Tab(notebook.server, "0" * 32, made["sessionId"]) as lost:
        code, _ = await lost.ended()
    assert code == 4404
    await remove_fork(notebook, made["fork_roomid"])


@pytest.mark.rule("FB3")
async def test_the_forks_of_a_deleted_notebook_go_with_it(notebook: Notebook) -> None:
    made = await make_fork(notebook)
    async with Tab(notebook.server, made["fork_roomid"], made["sessionId"]) as fork:
        await fork.synced()
        await notebook.server.call("DELETE", f"/api/contents/{notebook.path}")
        await fork.ended()
    assert await forks(notebook) == {}


@pytest.mark.rule("AU1")
async def test_forks_need_the_right_to_write(notebook: Notebook) -> None:
    made = await make_fork(notebook)
    reader = {DENY: "write"}
    server, url = notebook.server, f"/api/collaboration/fork/{notebook.room_id}"
    assert (await server.call("PUT", url, {}, headers=reader)).status == 403
    gone = f"/api/collaboration/fork/{made['fork_roomid']}"
    assert (await server.call("DELETE", gone, headers=reader, merge="true")).status == 403
    seen = await server.call("GET", url, headers=reader)
    assert list(seen.body) == [made["fork_roomid"]]
    await remove_fork(notebook, made["fork_roomid"])


@pytest.mark.rule("EL2")
@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"x", ""),
        ([], ""),
        ({"synchronize": "yes"}, "synchronize"),
        ({"title": 7}, "title"),
        ({"description": None}, "description"),
    ],
)
async def test_a_wrong_body_makes_no_fork(notebook: Notebook, body: Any, field: str) -> None:
    url = f"/api/collaboration/fork/{notebook.room_id}"
    answer = await notebook.server.call("PUT", url, body)
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.body["detail"]["field"] == field
    assert await forks(notebook) == {}


@pytest.mark.rule("EL2")
@pytest.mark.parametrize(
    "room_id", [f"json:notebook:{NOWHERE}", "0" * 32, "JupyterLab:globalAwareness", "nonsense"]
)
async def test_what_is_no_document_has_no_forks(server: Server, room_id: str) -> None:
    url = f"/api/collaboration/fork/{room_id}"
    assert (await server.call("PUT", url, {})).status == 404
    assert (await server.call("DELETE", url, merge="true")).status == 404
    assert await server.get(url) == {}


@pytest.mark.rule("AU2")
async def test_front_ends_hear_of_forks(notebook: Notebook) -> None:
    server = notebook.server
    async with connect(
        f"ws://127.0.0.1:{server.port}/api/events/subscribe",
        additional_headers={"Authorization": f"token {TOKEN}"},
        proxy=None,
    ) as socket:
        made = await make_fork(notebook, title="heard")
        await remove_fork(notebook, made["fork_roomid"])
        heard: list[dict[str, Any]] = []
        async with asyncio.timeout(30):
            while len(heard) < 2:
                event = json.loads(await socket.recv())
                heard += [event] if event["schema_id"].endswith("/fork/v1") else []
    assert [event["action"] for event in heard] == ["create", "delete"]
    assert {event["fork_roomid"] for event in heard} == {made["fork_roomid"]}
    assert heard[0]["fork_info"] == made["fork_info"]
    assert heard[1]["username"] == "ada"
