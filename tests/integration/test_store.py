"""What becomes of a server whose store is damaged, and of one that folds its history."""

import asyncio
from pathlib import Path

import pytest

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
