"""The server dies at chosen points, and its disk is full: nothing is lost, and people are told."""

import asyncio
from collections.abc import Iterator

import pytest
from tornado.httpclient import HTTPClientError

from tests.integration.peers import RuntimeTab, tabs
from tests.integration.saboteur import ACTS, DEATHS, FULL, order
from tests.integration.server import EXTENSIONS, Notebook, Server, eventually
from tests.integration.test_cli import Runt

pytestmark = pytest.mark.asyncio


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that does to itself what it is ordered to."""
    config = {
        "ServerApp": {"jpserver_extensions": {**EXTENSIONS, "tests.integration.saboteur": True}},
        "RuntApp": {"save_delay": 0.05},
    }
    with Server(tmp_path_factory.mktemp("sabotaged"), config).running() as server:
        yield server


async def dead(server: Server) -> None:
    async def is_dead() -> bool:
        return server.process.poll() is not None

    await eventually(is_dead)


async def is_saved(notebook: Notebook) -> bool:
    return notebook.sources_on_disk() == await notebook.sources()


@pytest.mark.rule("EL1", "EL2", "RM3", "FB1")
@pytest.mark.parametrize("point", DEATHS)
async def test_a_server_that_dies_anywhere_has_what_was_seen_and_gets_the_rest_once(
    server: Server, point: str
) -> None:
    notebook = await server.notebook("one", "two")
    async with tabs(notebook, 2) as (ada, bob):
        for letter in "äöü🎉" * 5:
            await ada.type(letter)
        await bob.until(lambda: bob.sources[0] == "one" + "äöü🎉" * 5)
        await eventually(lambda: is_saved(notebook))
        order(server.folder, point)
        for number in range(20):  # the last of which may find nobody there
            await ada.type(f"{number % 10}")
            await bob.type("语", cell=1)
        await dead(server)
        for each in (ada, bob):
            await each.ended()
        seen = [bob.sources[0], ada.sources[1]]
        typed = [ada.sources[0], bob.sources[1]]
        assert typed == ["one" + "äöü🎉" * 5 + "0123456789" * 2, "two" + "语" * 20]

        await asyncio.to_thread(server.start)
        notebook = await server.opened(notebook.path)
        logged = await notebook.sources()
        for known, at_least, at_most in zip(logged, seen, typed, strict=True):
            assert known.startswith(at_least)
            assert at_most.startswith(known)
        for each in (ada, bob):
            await each.leave()
            await each.connect()
        for each in (ada, bob):
            await each.until(lambda each=each: each.sources == typed)
        await eventually(lambda: is_saved(notebook))
        assert notebook.sources_on_disk() == typed
    [verdict] = await asyncio.to_thread(Runt(server.folder).json, "verify", notebook.id)
    assert verdict["problems"] == []


HEARS = """
import signal, time
signal.signal(signal.SIGINT, lambda *_: print("interrupted", flush=True))
print("begun", flush=True)
while True: time.sleep(0.01)
"""


@pytest.mark.rule("EX2", "EX1")
@pytest.mark.parametrize("point", ACTS)
async def test_a_server_that_dies_over_a_command_does_it_once_however_often_it_is_sent(
    server: Server, point: str
) -> None:
    notebook = await server.notebook("'top'")
    running = await notebook.running(HEARS, "begun")
    for kind in ("interrupt_runtime", "stop_runtime"):
        order(server.folder, point)
        with pytest.raises((HTTPClientError, OSError)):
            await notebook.send(kind, command_id=kind)
        await dead(server)
        await asyncio.to_thread(server.start)
        notebook = await server.opened(notebook.path)
        for _ in range(2):
            await notebook.do(kind, command_id=kind)
    execution = await notebook.execution(running)
    said = "".join(each.get("text", "") for each in execution["outputs"])
    assert said.count("interrupted") == ACTS.index(point), "it is not sent a second time"
    (ended,) = await notebook.events(types="v1.RuntimeSessionEnded")
    assert ended["payload"]["reason"] == ("crashed" if ACTS.index(point) else "shutdown")
    assert not server.agents()


@pytest.mark.rule("EL5", "EL1")
async def test_while_the_disk_is_full_nobody_sees_more_and_all_are_told_until_there_is_room(
    server: Server,
) -> None:
    notebook = await server.notebook("one", "two")
    async with (
        tabs(notebook, 2) as (ada, bob),
        RuntimeTab(server, notebook.runtime_room_id) as watcher,
    ):
        await ada.type("!")
        await bob.until(lambda: bob.sources[0] == "one!")
        await eventually(lambda: is_saved(notebook))
        order(server.folder, FULL)
        much = "ü" * 20_000
        await ada.type(much)
        await watcher.until(lambda: watcher.has_heard_of("no space left"))
        await watcher.until(lambda: watcher.has_heard_of('"status": "failed"'))
        await bob.type("语", cell=1)
        answer = await notebook.send("create_cell", cell_type="code", source=much, after=None)
        assert (answer.status, answer.code) == (503, "store_unavailable")
        assert (bob.sources[0], ada.sources[1]) == ("one!", "two")
        assert notebook.sources_on_disk() == ["one!", "two"]
        watcher.client.awareness.clear()
        order(server.folder, "")
        await bob.until(lambda: bob.sources[0] == "one!" + much)
        await ada.until(lambda: ada.sources == ["one!" + much, "two语"])
        assert await notebook.sources() == ["one!" + much, "two语"]
        await watcher.until(lambda: watcher.has_heard_of('"status": "saved"'))
        await eventually(lambda: is_saved(notebook))


@pytest.mark.rule("EL5", "FB1")
async def test_a_server_whose_disk_is_full_stops_and_tabs_bring_the_rest_when_it_is_back(
    server: Server,
) -> None:
    notebook = await server.notebook("one")
    async with tabs(notebook) as (ada,), RuntimeTab(server, notebook.runtime_room_id) as watcher:
        await ada.type("!")
        await eventually(lambda: is_saved(notebook))
        order(server.folder, FULL)
        await ada.type("ü" * 20_000)
        await watcher.until(lambda: watcher.has_heard_of("no space left"))
        await asyncio.to_thread(server.stop)
        await ada.ended()
        order(server.folder, "")
        await asyncio.to_thread(server.start)
        await ada.leave()
        await ada.connect()

        async def is_logged() -> bool:
            return await notebook.sources() == ["one!" + "ü" * 20_000]

        notebook = await server.opened(notebook.path)
        await eventually(is_logged)
