"""Files that are more than plain files: save hooks, and other contents managers."""

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.integration.peers import tabs
from tests.integration.server import EXTENSIONS, Notebook, Server, eventually

pytestmark = pytest.mark.asyncio


def notebook_of(*sources: str, outputs: bool = False) -> dict[str, Any]:
    cells = [nbformat.v4.new_code_cell(text, id=f"c{n}") for n, text in enumerate(sources)]
    if outputs:
        for cell in cells:
            cell.outputs.append(nbformat.v4.new_output("stream", text="seen\n"))
    return nbformat.v4.new_notebook(cells=cells)


async def outputs_of(notebook: Notebook) -> list[str]:
    return [output["text"] for cell in (await notebook.at())["cells"] for output in cell["outputs"]]


@pytest.mark.rule("FB1")
async def test_save_hooks_have_their_say_in_every_save(tmp_path: Path) -> None:
    extensions = {**EXTENSIONS, "tests.integration.managers": True}
    config = {"ServerApp": {"jpserver_extensions": extensions}}
    with Server(tmp_path / "server", config).running() as server:
        before = json.dumps(notebook_of("one", "two", outputs=True), indent=3)
        (server.root / "a.ipynb").write_text(before, encoding="utf-8")
        notebook = await server.opened("a.ipynb")
        async with tabs(notebook) as (ada,):
            assert await ada.save(1) == "success"
            assert notebook.file.read_text(encoding="utf-8") == before
            await ada.type("!")
            script = server.root / "a.py"

            async def saved() -> bool:  # Jupyter's managers write notebooks in place
                return script.exists() and script.read_text(encoding="utf-8") == "one!\ntwo\n"

            await eventually(saved)
            assert [cell["outputs"] for cell in notebook.on_disk()["cells"]] == [[], []]
            assert await outputs_of(notebook) == ["seen\n", "seen\n"]
            about = await server.get(f"/api/contents/{notebook.path}", content=0, hash=1)
            await ada.until(lambda: ada.notebook.hash == about["hash"])
            assert await ada.save(2) == "success"
            notebook.write_outside(c1="two, outside")
            await ada.until(lambda: ada.sources == ["one!", "two, outside"])
            assert await outputs_of(notebook) == ["seen\n", "seen\n"]
    assert {path.name for path in server.root.iterdir()} <= {
        "a.ipynb",
        "a.py",
        ".ipynb_checkpoints",
    }


@pytest.mark.parametrize("manager", ["MemoryContents", "AsyncMemoryContents"])
@pytest.mark.rule("FB1", "FB2", "FB3")
async def test_notebooks_collaborate_in_whatever_keeps_them(tmp_path: Path, manager: str) -> None:
    config = {"ServerApp": {"contents_manager_class": f"tests.integration.managers.{manager}"}}
    with Server(tmp_path / "server", config).running() as server:

        async def put(path: str, content: dict[str, Any]) -> None:
            body = {"type": "notebook", "format": "json", "content": content}
            answer = await server.call("PUT", f"/api/contents/{path}", body)
            assert answer.status in (200, 201), answer

        async def kept(path: str) -> list[str]:
            model = await server.get(f"/api/contents/{path}", content=1)
            return [cell["source"] for cell in model["content"]["cells"]]

        await put("a.ipynb", notebook_of("one", "two"))
        async with tabs(await server.opened("a.ipynb"), 2) as (ada, bob):
            await ada.type("!")
            await bob.until(lambda: bob.sources == ["one!", "two"])

            async def saved() -> bool:
                return await kept("a.ipynb") == ["one!", "two"]

            await eventually(saved)
            await put("a.ipynb", notebook_of("one!", "two, outside"))
            await ada.until(lambda: ada.sources == ["one!", "two, outside"])
            answer = await server.call("PATCH", "/api/contents/a.ipynb", {"path": "b.ipynb"})
            assert answer.status == 200
            await ada.until(lambda: ada.notebook.path == "b.ipynb")
            await bob.type("?")
            await ada.until(lambda: ada.sources == ["one!?", "two, outside"])

            async def saved_there() -> bool:
                return await kept("b.ipynb") == ["one!?", "two, outside"]

            await eventually(saved_there)
            folder = await server.get("/api/contents/")
            assert [model["path"] for model in folder["content"]] == ["b.ipynb"]
    assert list(server.root.iterdir()) == []


@pytest.mark.rule("FB2")
async def test_what_is_written_before_a_save_was_read_back_comes_into_the_document(
    tmp_path: Path,
) -> None:
    manager = "tests.integration.managers.OvertakenContents"
    config = {"ServerApp": {"contents_manager_class": manager}}
    with Server(tmp_path / "server", config).running() as server:
        body = {"type": "notebook", "format": "json", "content": notebook_of("one", "two")}
        assert (await server.call("PUT", "/api/contents/a.ipynb", body)).status == 201
        async with tabs(await server.opened("a.ipynb")) as (ada,):
            await ada.type("!")
            await ada.until(lambda: ada.sources == ["one!", "two, outside"])
            await ada.type("?")

            async def saved() -> bool:
                model = await server.get("/api/contents/a.ipynb", content=1)
                sources = [cell["source"] for cell in model["content"]["cells"]]
                return sources == ["one!?", "two, outside"]

            await eventually(saved)


@pytest.mark.rule("EX10")
async def test_the_formats_for_export_are_told_when_no_notebook_is_being_opened(
    server: Server,
) -> None:
    await server.notebook("one")
    formats = await server.get("/api/nbconvert")
    assert formats["html"] == {"output_mimetype": "text/html"}
