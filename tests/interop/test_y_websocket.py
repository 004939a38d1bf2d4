"""The stock y-websocket provider, in Node, in rooms of a real Jupyter server."""

from collections.abc import Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace

import pytest
from jupyter_server.utils import url_path_join

from jupyter_runt.document.text import TextDoc
from jupyter_runt.events.base import Draft
from jupyter_runt.handlers.room_socket import RoomSocket
from jupyter_runt.ids import ActorId, NotebookId
from jupyter_runt.rooms.foreign import read_holdings
from jupyter_runt.rooms.room import Room
from jupyter_runt.session.registry import UnknownSession
from jupyter_runt.storage.memory import MemoryStore
from tests.interop.node import NodeTab, is_installed, node_tab

ROOM = "text:file:note"
NOTE = NotebookId("note")

pytest_plugins = ["pytest_jupyter.jupyter_server"]


@pytest.fixture(scope="module", autouse=True)
def y_websocket() -> None:
    if not is_installed():
        pytest.fail("needs Node, and `npm ci` in tests/interop")


class Rooms:
    """One room, whatever it is asked for."""

    def __init__(self, room: Room[TextDoc]) -> None:
        self.joined = SimpleNamespace(room=room, writable=True)
        self.error: Exception | None = None
        self.rescued: list[bytes] = []

    @asynccontextmanager
    async def room(self, room_id: str, session_id: str | None, username: str):
        if self.error is not None:
            raise self.error
        yield self.joined

    def is_document(self, room_id: str) -> bool:
        return True

    async def rescue(self, room_id: str, update: bytes, actor: ActorId) -> None:
        self.rescued.append(update)


@pytest.fixture
def meeting(jp_serverapp, http_server):
    """Open a room on a server, with a way to open tabs."""
    return lambda: serving(jp_serverapp)


@asynccontextmanager
async def serving(jp_serverapp):
    store = MemoryStore()

    async def load() -> TextDoc:
        document = TextDoc(client_id=1)
        document.apply(event.payload.update for event in await store.read(NOTE, 0))
        return document

    async def commit(drafts: Sequence[Draft]):
        return await store.append(NOTE, drafts)

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(store)
        room = await stack.enter_async_context(Room(ROOM, load=load, commit=commit))
        rooms = Rooms(room)
        app = jp_serverapp.web_app
        app.settings["runt_sessions"] = rooms
        path = url_path_join(jp_serverapp.base_url, r"/api/collaboration/room/(.+)")
        app.add_handlers(".*$", [(path, RoomSocket)])
        url = url_path_join(jp_serverapp.connection_url, "api/collaboration/room")

        async def open_tab() -> NodeTab:
            url_of_rooms = url.replace("http", "ws", 1)
            return await stack.enter_async_context(
                node_tab(url_of_rooms, ROOM, jp_serverapp.identity_provider.token)
            )

        yield SimpleNamespace(room=room, store=store, open_tab=open_tab, rooms=rooms, load=load)


def content(document: TextDoc) -> str:
    return document.content()


@pytest.mark.rule("RM1", "EL1")
async def test_two_tabs_and_the_server_write_into_one_text(meeting):
    async with meeting() as desk:
        one, two = await desk.open_tab(), await desk.open_tab()
        await one.connect()
        await one("insert", at=0, value="naïve 🎉 ")
        await two.connect()
        await two.shows("naïve 🎉 ")
        await two("insert", at=len("naïve 🎉 ".encode("utf-16-le")) // 2, value="語")
        await one.shows("naïve 🎉 語")
        await desk.room.edit(lambda note: note.replace("naïve 🎉🎉 語!"), actor=ActorId("agent:1"))
        await one.shows("naïve 🎉🎉 語!")
        await one("remove", at=6, count=4)
        await two.shows("naïve  語!")
        assert await desk.room.read(content) == "naïve  語!"
        assert (await desk.load()).content() == "naïve  語!"


@pytest.mark.rule("RM3")
async def test_a_tab_that_was_away_brings_its_edits_and_gets_the_others(meeting):
    async with meeting() as desk:
        one, two = await desk.open_tab(), await desk.open_tab()
        await one.connect()
        await one("insert", at=0, value="[]")
        await two.connect()
        await two.shows("[]")
        await two("disconnect")
        await two("insert", at=1, value="away 🎉")
        await one("insert", at=2, value=" here")
        await desk.room.edit(lambda note: note.replace("[] here!"), actor=ActorId("agent:1"))
        await one.shows("[] here!")
        await two.connect()
        for tab in (one, two):
            await tab.shows("[away 🎉] here!")
        assert (await desk.load()).content() == "[away 🎉] here!"


@pytest.mark.rule("RM3")
async def test_tabs_reconnect_by_themselves_when_the_room_let_them_go(meeting):
    async with meeting() as desk:
        one, two = await desk.open_tab(), await desk.open_tab()
        for tab in (one, two):
            await tab.connect()
        desk.room.close_peers(1012, "restart")
        await one.until(lambda seen: seen["closes"])
        await one("insert", at=0, value="still here")
        await two.shows("still here")
        assert (await one("look"))["closes"] == [{"code": 1012, "reason": "restart"}]


@pytest.mark.rule("RM8")
async def test_tabs_see_who_is_here_and_who_left(meeting):
    async with meeting() as desk:
        one, two = await desk.open_tab(), await desk.open_tab()
        await one("present", state={"user": {"name": "Ada 🎉"}})
        await two("present", state={"user": {"name": "Bob"}})
        await one.connect()
        await two.connect()
        for tab in (one, two):
            await tab.until(lambda seen: len(seen["people"]) == 2)
        desk.room.publish({"seq": 3})
        await one.until(lambda seen: {"seq": 3} in seen["people"])
        await two("disconnect")
        seen = await one.until(lambda seen: len(seen["people"]) == 2)
        assert {"user": {"name": "Bob"}} not in seen["people"]


@pytest.mark.rule("RM2")
async def test_a_bad_frame_from_node_closes_that_tab_only(meeting):
    async with meeting() as desk:
        one, two = await desk.open_tab(), await desk.open_tab()
        for tab in (one, two):
            await tab.connect()
        await two("send", bytes=[0, 2, 3, 255, 255, 255])
        seen = await two.until(lambda seen: seen["closes"])
        assert seen["closes"][0]["code"] == 4400
        await two.until(lambda seen: seen["synced"])  # it came back
        await one("insert", at=0, value="fine")
        await two.shows("fine")
        assert (await one("look"))["closes"] == []


@pytest.mark.rule("RM6")
async def test_a_tab_that_may_only_read_is_told_once(meeting):
    async with meeting() as desk:
        desk.rooms.joined.writable = False
        one = await desk.open_tab()
        await one.connect()
        await one("insert", at=0, value="mine")
        await one.until(lambda seen: seen["closes"] and seen["synced"])
        await desk.room.edit(lambda note: note.replace("theirs"), actor=ActorId("agent:1"))
        await one.until(lambda seen: "theirs" in seen["text"])
        assert [close["code"] for close in (await one("look"))["closes"]] == [4403]
        assert await desk.room.read(content) == "theirs"


@pytest.mark.rule("RM3")
async def test_a_tab_of_another_history_says_what_it_holds_before_it_is_closed(meeting):
    async with meeting() as desk:
        desk.rooms.error = UnknownSession("Another history.", session_id="ours")
        one = await desk.open_tab()
        await one("insert", at=0, value="typed in vain 🎉")
        await one("connect")
        seen = await one.until(lambda seen: seen["closes"])
        assert (seen["closes"][0]["code"], seen["synced"]) == (1003, False)
        assert read_holdings(TextDoc(), desk.rooms.rescued[0]).content() == "typed in vain 🎉"
        assert await desk.room.read(content) == ""
