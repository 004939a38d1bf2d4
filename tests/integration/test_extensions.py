"""Other server extensions, which take documents as jupyter-server-ydoc gives them."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Array

from tests.integration.peers import Peer, tabs
from tests.integration.server import EXTENSIONS, Notebook, Server, eventually

pytestmark = pytest.mark.asyncio


@pytest.mark.rule("EL1", "AU2", "RM4")
async def test_an_extension_edits_along_with_everybody(tmp_path: Path) -> None:
    extensions = {**EXTENSIONS, "tests.integration.ydoc_extension": True}
    config = {"ServerApp": {"jpserver_extensions": extensions}}
    with Server(tmp_path / "server", config).running() as server:
        path = server.write("one", "two")
        by_path = {"path": path, "content_type": "notebook", "file_format": "json"}

        async def shout(**asked: Any) -> Any:
            answer = await server.call("POST", "/shout", asked)
            assert answer.status == 200, answer
            return answer.body["sources"]

        assert await shout(**by_path) is None, "nobody has it open"
        assert await shout(**by_path, create=True) == ["one!", "two"]
        notebook = await server.opened(path)
        async with tabs(notebook) as (ada,):
            assert ada.sources == ["one", "two"], "that was a copy"
            assert await shout(**by_path, copy=False) == ["one!", "two"]
            await ada.until(lambda: ada.sources == ["one!", "two"])
            await ada.type("?")
            await eventually(lambda: logged(notebook, "one!?"))
            assert await shout(room_id=notebook.room_id, copy=False) == ["one!?!", "two"]
            await ada.until(lambda: ada.sources == ["one!?!", "two"])
        await notebook.saved(lambda file: file["cells"][0]["source"] == ["one!?!"])
        actors = [event["actor"] for event in await notebook.events()]
        assert actors.count("server:tests") == 2
        assert await shout(room_id="json:notebook:gone") is None


async def logged(notebook: Notebook, source: str) -> bool:
    return source in await notebook.sources()


@pytest.fixture
def _guestbooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have another package register a kind of document, as jupyterlab-chat does."""
    package = tmp_path / "site/guests-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Name: guests\nVersion: 1.0\n", encoding="utf-8")
    entry = "[jupyter_ydoc]\nguestbook = tests.unit.session.guestbook:YGuestbook\n"
    (package / "entry_points.txt").write_text(entry, encoding="utf-8")
    paths = (str(package.parent), os.environ.get("PYTHONPATH", ""))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))


@pytest.mark.rule("FB1", "RM4")
@pytest.mark.usefixtures("_guestbooks")
async def test_an_extension_that_hears_of_a_room_takes_part_until_the_last_tab_has_gone(
    tmp_path: Path,
) -> None:
    extensions = {**EXTENSIONS, "tests.integration.ydoc_extension": True}
    config = {"ServerApp": {"jpserver_extensions": extensions}, "RuntApp": {"free_after": 0.1}}
    with Server(tmp_path / "server", config).running() as server:
        assert await server.get("/host") == {"shared": True, "heard": []}
        file = server.root / "a.guests"
        file.write_text("", encoding="utf-8")
        session = (await server.session("a.guests", "guestbook")).body
        room_id = f"text:guestbook:{session['fileId']}"
        async with Peer(server, room_id, session["sessionId"]) as bob:
            entries = bob.doc.get("entries", type=Array)
            await bob.until(lambda: entries.to_py() == ["welcome"])

        async def told() -> bool:
            heard = (await server.get("/host"))["heard"]
            return bool(heard == [["initialize", "a.guests"], ["clean", "a.guests"]])

        async def saved() -> bool:
            return "welcome" in file.read_text(encoding="utf-8")

        await eventually(told)
        await eventually(saved)


@pytest.mark.rule("FB1", "FB2", "FB3")
@pytest.mark.usefixtures("_guestbooks")
async def test_a_kind_that_another_package_registered_has_rooms(tmp_path: Path) -> None:
    with Server(tmp_path / "server").running() as server:
        file = server.root / "a.guests"
        file.write_text('{"entries":["ada"]}', encoding="utf-8")
        session = (await server.session("a.guests", "guestbook")).body
        room_id = f"text:guestbook:{session['fileId']}"
        async with Peer(server, room_id, session["sessionId"]) as bob:
            entries = bob.doc.get("entries", type=Array)
            await bob.until(lambda: entries.to_py() == ["ada"])
            assert (await server.session("a.guests", "file")).status == 409
            entries.append("bob")
            await bob.tell()

            async def saved() -> bool:
                return json.loads(file.read_bytes()) == {"entries": ["ada", "bob"]}

            await eventually(saved)
            file.write_text('{"entries": ["somebody else"]}', encoding="utf-8")
            await bob.until(lambda: entries.to_py() == ["somebody else"])
