"""What becomes of a server whose store is damaged, and of one that folds its history."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.peers import Tab, tabs
from tests.integration.server import Server


@pytest.mark.rule("EL5")
@pytest.mark.asyncio
async def test_notebooks_open_from_their_files_where_the_store_is_damaged(tmp_path: Path) -> None:
    server = Server(tmp_path / "server")
    path = server.write("x = 1")
    content = b"this is no database" * 1000
    server.store.parent.mkdir(parents=True)
    server.store.write_bytes(content)
    with server.running():
        notebook = await server.opened(path)
        assert await notebook.sources() == ["x = 1"]
        await notebook.add("y = 2")
        await notebook.saved(lambda it: len(it["cells"]) == 2)
    [aside] = server.store.parent.glob("store.db.damaged-*")
    assert aside.read_bytes() == content
    log = await asyncio.to_thread(server.log.read_text, encoding="utf-8")
    [line] = [line for line in log.splitlines() if "is damaged" in line]
    assert str(server.store) in line
    assert str(aside) in line


@pytest.mark.rule("RM3", "FB1")
@pytest.mark.asyncio
async def test_a_tab_whose_store_was_lost_is_told_so_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    server = Server(tmp_path / "server")
    with server.running():
        notebook = await server.notebook("one")
        async with tabs(notebook) as (ada,):
            await ada.type("!")
            await notebook.saved(lambda file: "".join(file["cells"][0]["source"]) == "one!")
            await asyncio.to_thread(server.kill)
            await ada.ended()
            for file in server.store.parent.glob("store.db*"):
                file.unlink()
            await asyncio.to_thread(server.start)
            await ada.type("?")
            await ada.leave()
            await ada.connect()
            code, reason = await ada.ended()
            assert (code, json.loads(reason)["kept"]) == (1003, True), "its history is gone"
            assert ada.sources == ["one!?"], "the text stays in the tab, too"
        again = await server.opened(notebook.path)
        history = await server.get(f"/api/runt/notebooks/{again.id}/history")
        (kept,) = [each for each in history["versions"] if each["kind"] == "kept"]
        content = await server.get(f"/api/runt/notebooks/{again.id}/kept/{kept['seq']}")
        assert [cell["source"] for cell in content["cells"]] == ["one!?"]
        assert again.id != notebook.id
        async with tabs(again) as (bob,):
            assert bob.sources == ["one!"]
        assert again.sources_on_disk() == ["one!"]


@pytest.mark.slow
@pytest.mark.rule("EL5")
@pytest.mark.asyncio
async def test_a_notebook_whose_history_is_damaged_says_so_and_opens_from_its_file_after_a_restart(
    tmp_path: Path,
) -> None:
    server = Server(tmp_path / "server")
    with server.running():
        notebook = await server.notebook("one")
        for number in range(10):  # each fills pages of its own
            await notebook.do("edit_cell", cell_id="c0", source=f"{number}" * 20_000)
        await notebook.saved(lambda file: "".join(file["cells"][0]["source"]) == "9" * 20_000)
        await asyncio.to_thread(server.stop)
        damage(server.store, b"5" * 4000)
        await asyncio.to_thread(server.start)
        answer = await server.call("GET", "/api/runt/notebooks", path=notebook.path)
        assert (answer.status, answer.code) == (503, "store_unavailable")
        assert f"{server.store} is damaged. Restart Jupyter" in answer.body["message"]
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        again = await server.opened(notebook.path)
        assert await again.sources() == ["9" * 20_000]
        await again.do("edit_cell", cell_id="c0", source="goes on")
        await again.saved(lambda file: "".join(file["cells"][0]["source"]) == "goes on")
    assert len([*server.store.parent.glob("store.db.damaged-*Z")]) == 1


@pytest.mark.rule("EL5", "RM3")
@pytest.mark.asyncio
async def test_a_notebook_with_an_unreadable_update_in_a_sound_store_opens_from_its_file(
    tmp_path: Path,
) -> None:
    server = Server(tmp_path / "server")
    with server.running():
        paths = [server.write("one"), server.write("two")]
        for path in paths:
            await (await server.opened(path)).do("edit_cell", cell_id="c0", source="edited")
        await asyncio.to_thread(server.stop)
        with closing(sqlite3.connect(server.store)) as store:
            store.execute("UPDATE events SET update_bytes = x'ffffff' WHERE update_bytes NOT NULL")
            store.execute("DELETE FROM snapshots")
            store.commit()
        await asyncio.to_thread(server.start)
        assert await (await server.opened(paths[0])).sources() == ["edited"]
        ids = []
        for code in (1003, None):
            session = (await server.session(paths[1])).body
            ids.append(session["fileId"])
            async with Tab(server, f"json:notebook:{ids[-1]}", session["sessionId"]) as tab:
                if code is None:
                    await tab.until(lambda tab=tab: tab.sources == ["edited"])
                else:
                    assert (await tab.ended())[0] == code, "it is told to open it again"
        assert ids[0] != ids[1]


def damage(store: Path, content: bytes) -> None:
    """Overwrite what leads to the first page with this content, as a failing disk does."""
    data = bytearray(store.read_bytes())
    page = data.index(content) // 4096
    number = (page + 1).to_bytes(4, "big")
    for at in (data.find(number, 4096 * other) for other in range(1, page)):
        if at >= 0:
            data[at : at + 4] = b"\xff" * 4
    store.write_bytes(data)
