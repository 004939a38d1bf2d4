"""Other server extensions, which take documents as jupyter-server-ydoc gives them."""

from pathlib import Path
from typing import Any

import pytest

from tests.integration.peers import tabs
from tests.integration.server import EXTENSIONS, Server

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
            await ada.until(lambda: ada.sources == ["one!?", "two"])
            assert await shout(room_id=notebook.room_id, copy=False) == ["one!?!", "two"]
            await ada.until(lambda: ada.sources == ["one!?!", "two"])
        await notebook.saved(lambda file: file["cells"][0]["source"] == ["one!?!"])
        actors = [event["actor"] for event in await notebook.events()]
        assert actors.count("server:tests") == 2
        assert await shout(room_id="json:notebook:gone") is None
