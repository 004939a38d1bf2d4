"""Who may open a room's socket, what closes it, and how a client is told why."""

import asyncio
import json
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from jupyter_server.auth import Authorizer
from jupyter_server.utils import url_path_join
from tornado.httpclient import HTTPClientError

from jupyter_runt.document.text import TextDoc
from jupyter_runt.errors import LeaseHeld, NotAuthorized, NotebookNotFound, StoreUnavailable
from jupyter_runt.handlers.room_socket import KEPT, RoomSocket
from jupyter_runt.rooms.peer import RoomLimits
from jupyter_runt.rooms.protocol import (
    BadFrame,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
    parse,
    step1_frame,
    step2_frame,
    update_frame,
)
from jupyter_runt.rooms.room import Room
from jupyter_runt.session.registry import StaleEpoch, UnknownSession

pytest_plugins = ["pytest_jupyter.jupyter_server"]

RECHECK = 0.02


class Doorkeeper(Authorizer):
    """Allows what it is told to; `asked` is what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.allowed = {"read", "write"}
        self.asked = set()

    def is_authorized(self, handler, user, action, resource):
        self.asked.add((action, resource))
        return action in self.allowed


class Rooms:
    """One room, or one error, whatever it is asked for."""

    def __init__(self, room):
        self.joined = SimpleNamespace(room=room, writable=True)
        self.error = None
        self.asked = []
        self.rescued = []
        self.rescue_error = None

    def is_document(self, room_id):
        return isinstance(self.error, UnknownSession)

    async def rescue(self, room_id, update, actor):
        if self.rescue_error is not None:
            raise self.rescue_error
        self.rescued.append((room_id, update, actor))

    @asynccontextmanager
    async def room(self, room_id, session_id, username):
        self.asked.append((room_id, session_id))
        if self.error is not None:
            raise self.error
        yield self.joined


async def load():
    return TextDoc(client_id=1)


@pytest.fixture
def serving(jp_serverapp, jp_ws_fetch):
    """Serve one room; `open` connects to it."""

    @asynccontextmanager
    async def serve(limits=None):
        app = jp_serverapp.web_app
        sockets = []
        async with Room("room", load=load, limits=limits) as room:
            rooms, doorkeeper = Rooms(room), Doorkeeper()
            app.settings.update(runt_sessions=rooms, authorizer=doorkeeper)
            path = url_path_join(jp_serverapp.base_url, r"/api/collaboration/room/(.+)")
            app.add_handlers(
                ".*$", [(path, RoomSocket, {"recheck_every": RECHECK, "leave_within": 0.05})]
            )

            async def connect(session_id="s", **options):
                params = {"sessionId": session_id}
                where = ("api", "collaboration", "room", "text:file:n")
                sockets.append(await jp_ws_fetch(*where, params=params, **options))
                return sockets[-1]

            yield SimpleNamespace(room=room, rooms=rooms, doorkeeper=doorkeeper, connect=connect)
            for socket in sockets:
                socket.close()

    return serve


async def closing(socket):
    """Read until the socket is closed; return its code and reason."""
    async with asyncio.timeout(30):
        while await socket.read_message() is not None:
            pass
    return socket.close_code, socket.close_reason


async def text(room):
    return await room.read(lambda document: document.content())


def typed(words):
    document = TextDoc()
    document.transact(lambda: document.replace(words))
    return update_frame(document.doc.get_update())


async def test_a_socket_is_a_peer_of_the_room_it_names(serving):
    async with serving() as here:
        socket = await here.connect("history-1")
        assert isinstance(parse(await socket.read_message()), SyncStep1)
        await socket.write_message(step1_frame(b"\0"), binary=True)
        assert isinstance(parse(await socket.read_message()), SyncStep2)
        await socket.write_message(typed("hello"), binary=True)
        await socket.write_message(step1_frame(b"\0"), binary=True)
        await socket.read_message()
        assert await text(here.room) == "hello"
        assert here.rooms.asked == [("text:file:n", "history-1")]


@pytest.mark.rule("AU1")
async def test_it_asks_for_contents_and_nothing_else(serving):
    async with serving() as here:
        socket = await here.connect()
        await socket.read_message()
        assert here.doorkeeper.asked == {("read", "contents"), ("write", "contents")}


@pytest.mark.rule("AU1")
async def test_without_permission_to_read_there_is_no_socket(serving):
    async with serving() as here:
        here.doorkeeper.allowed = set()
        with pytest.raises(HTTPClientError) as refused:
            await here.connect()
        assert refused.value.code == 403


@pytest.mark.rule("AU1")
async def test_a_stranger_gets_no_socket(serving):
    async with serving() as here:
        with pytest.raises(HTTPClientError) as refused:
            await here.connect(headers={"Authorization": "token wrong"})
        assert refused.value.code == 403


@pytest.mark.rule("RM6")
async def test_a_page_of_another_origin_gets_no_socket(serving, jp_serverapp, monkeypatch):
    elsewhere = {"Origin": "http://elsewhere.example"}
    # as for a request with a cookie: one with a token in its header is no page's
    monkeypatch.setattr(jp_serverapp.identity_provider, "should_check_origin", lambda _: True)
    async with serving() as here:
        headers = {"Authorization": f"token {jp_serverapp.identity_provider.token}", **elsewhere}
        jp_serverapp.web_app.settings["allow_origin"] = "http://elsewhere.example"
        await here.connect(headers=headers)
        jp_serverapp.web_app.settings["allow_origin"] = ""
        with pytest.raises(HTTPClientError) as refused:
            await here.connect(headers=headers)
        assert refused.value.code == 403


@pytest.mark.rule("RM6")
async def test_who_may_not_write_is_closed_when_it_does(serving):
    async with serving() as here:
        here.doorkeeper.allowed = {"read"}
        socket = await here.connect()
        await socket.write_message(typed("no"), binary=True)
        assert await closing(socket) == (4403, "read-only")
        assert await text(here.room) == ""


@pytest.mark.rule("RM6")
async def test_a_room_that_nobody_may_write_refuses_writers_too(serving):
    async with serving() as here:
        here.rooms.joined.writable = False
        socket = await here.connect()
        await socket.write_message(typed("no"), binary=True)
        assert (await closing(socket))[0] == 4403


@pytest.mark.rule("RM6")
async def test_revoked_access_closes_a_socket_that_is_open(serving):
    async with serving() as here:
        socket = await here.connect()
        await socket.read_message()
        here.doorkeeper.allowed = set()
        assert await closing(socket) == (4403, "access was revoked")


@pytest.mark.rule("RM2")
async def test_a_text_frame_closes_the_socket(serving):
    async with serving() as here:
        socket = await here.connect()
        await socket.write_message("hello")
        assert (await closing(socket))[0] == 4400


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotebookNotFound("There is no such document."), 4404),
        (NotAuthorized("You may not."), 4403),
        (StaleEpoch("The runtime room has another id now."), 4410),
        (LeaseHeld("Another server has it open."), 4500),
        (RuntimeError("a bug"), 4500),
    ],
)
async def test_a_room_that_cannot_be_joined_closes_with_the_reason(serving, error, code):
    async with serving() as here:
        here.rooms.error = error
        closed, reason = await closing(await here.connect())
        assert closed == code
        assert reason in {str(error), "internal error"}


@pytest.mark.rule("RM3")
async def test_a_tab_of_another_history_is_told_to_reload(serving):
    async with serving() as here:
        here.rooms.error = UnknownSession(
            "This tab holds another history of the document.", session_id="a" * 36
        )
        socket = await here.connect()
        assert parse(await socket.read_message()) == SyncStep1(b"\0")
        await socket.write_message(step2_frame(b"held"), binary=True)
        code, reason = await closing(socket)
        assert code == 1003
        told = json.loads(reason)
        assert (told["reason"], told["reloadable"]) == ("unknown_session", True)
        assert (told["kept"], told["errorReason"]) == (True, KEPT)
        [(room_id, update, actor)] = here.rooms.rescued
        assert (room_id, update) == ("text:file:n", b"held")
        assert actor.startswith("user:")


@pytest.mark.rule("RM3", "RM6")
async def test_a_reader_of_another_history_is_not_asked_what_it_holds(serving):
    async with serving() as here:
        here.rooms.error = UnknownSession("Another history.", session_id="a")
        here.doorkeeper.allowed = {"read"}
        code, reason = await closing(await here.connect())
        assert (code, here.rooms.rescued) == (1003, [])
        assert json.loads(reason)["errorReason"] == "Another history."
        assert "kept" not in json.loads(reason)


@pytest.mark.rule("RM3", "RM2")
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadFrame("it is no update"), 4400),
        (StoreUnavailable("The disk is full."), 1012),
        (NotebookNotFound("Its file is gone."), 1003),
        (ValueError("a bug"), 1003),
    ],
)
async def test_a_tab_whose_content_cannot_be_kept_is_told_as_far_as_it_helps(serving, error, code):
    async with serving() as here:
        here.rooms.error = UnknownSession("Another history.", session_id="a")
        here.rooms.rescue_error = error
        socket = await here.connect()
        await socket.write_message(step2_frame(b"held"), binary=True)
        assert (await closing(socket))[0] == code


@pytest.mark.rule("RM3", "RM2")
async def test_garbage_of_another_history_is_a_bad_frame(serving):
    async with serving() as here:
        here.rooms.error = UnknownSession("Another history.", session_id="a")
        socket = await here.connect()
        await socket.write_message(b"\7garbage", binary=True)
        assert ((await closing(socket))[0], here.rooms.rescued) == (4400, [])


async def test_a_long_reason_is_cut_between_characters(serving):
    async with serving() as here:
        here.rooms.error = NotebookNotFound("é" * 200)
        code, reason = await closing(await here.connect())
        assert (code, reason) == (4404, "é" * 61)


@pytest.mark.rule("RM1")
async def test_a_socket_that_nobody_reads_is_closed_and_the_others_go_on(serving):
    async with serving(RoomLimits(outbox_bytes=2**20)) as here:
        asleep, awake = await here.connect(), await here.connect()
        for socket in (asleep, awake):
            await socket.write_message(step1_frame(b"\0"), binary=True)
            while not isinstance(parse(await socket.read_message()), SyncStep2):
                pass
        for number in range(30):  # more than the network's own buffers take
            content = f"{number % 10}" * 2**20
            await here.room.edit(lambda document, c=content: document.replace(c), actor="agent:1")
            assert isinstance(parse(await awake.read_message()), SyncUpdate)
        assert await closing(asleep) == (4429, "too slow")


async def test_many_frames_at_once_all_reach_the_room_in_order(serving):
    async with serving() as here:
        socket = await here.connect()
        document = TextDoc()
        frames = []
        subscription = document.doc.observe(lambda event: frames.append(update_frame(event.update)))
        for number in range(3000):
            document.transact(lambda n=number: document.replace(document.content() + str(n % 10)))
        del subscription
        for frame in frames:
            socket.write_message(frame, binary=True)
        await socket.write_message(step1_frame(b"\0"), binary=True)
        while not isinstance(parse(await socket.read_message()), SyncStep2):
            pass
        assert await text(here.room) == document.content()
