"""The file of a document: untouched until edited, followed when moved, merged when written to."""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from pycrdt import Map

from jupyter_runt.document.ai_cells import answer_output
from tests.integration.peers import RuntimeTab, TextTab, tab, tabs
from tests.integration.server import KERNELSPEC, Notebook, Server, eventually

pytestmark = pytest.mark.asyncio

ODD = (
    '{"nbformat":4, "nbformat_minor" : 5,\n'
    '   "custom": {"b": 1, "a": [1,2]},\n'
    '  "metadata":{"zeta":1.50,"alpha":1e2 },\n'
    '"cells":[\n'
    '     {"id":"c0","cell_type":"code","source":"one","metadata":{"kept": {}},'
    '"outputs":[],"execution_count":null},\n'
    '{"cell_type":"markdown", "id":"c1",\n\t"source":["# T\\u00eftle\\n", "\\/slash"],'
    '"metadata":{}, "later": "key"}\n'
    " ]}"
)
"""A notebook as no program of Jupyter's would write it."""


def seen_by_people(path: Path) -> tuple[bytes, int, int]:
    """Return what opening a file must not change: bytes, time of modification, inode."""
    info = path.stat()
    return path.read_bytes(), info.st_mtime_ns, info.st_ino


async def logged(notebook: Notebook, *sources: str) -> None:
    """Wait until the log has these cells."""

    async def has() -> bool:
        return await notebook.sources() == list(sources)

    await eventually(has)


# opening and closing


@pytest.mark.rule("FB4")
async def test_opening_and_closing_changes_nothing(tmp_path: Path) -> None:
    server = Server(tmp_path / "server")
    for minor in (5, 4, 2):
        odd = server.root / f"odd-{minor}.ipynb"
        odd.write_text(ODD.replace(": 5,", f": {minor},"), encoding="utf-8")
    (server.root / "dos.txt").write_bytes("\ufeffa\r\nb\n".encode())
    server.write("1", path="usual.ipynb")
    files = sorted(server.root.iterdir())
    before = [seen_by_people(file) for file in files]
    with server.running():
        for file in server.root.glob("*.ipynb"):
            async with tabs(await server.opened(file.name)) as (ada,):
                assert await ada.save(1) == "success"
        session = await server.session("dos.txt", "file")
        room_id = f"text:file:{session.body['fileId']}"
        async with TextTab(server, room_id, session.body["sessionId"]) as reader:
            await reader.synced()
            assert await reader.save(1) == "success"
        server.stop()
        assert [seen_by_people(file) for file in files] == before
        server.start()
        for minor in (5, 4, 2):
            async with tabs(await server.opened(f"odd-{minor}.ipynb")) as (ada,):
                assert ada.sources == ["one", "# Tïtle\n/slash"]
        server.kill()
    assert [seen_by_people(file) for file in files] == before
    assert sorted(server.root.iterdir()) == files


@pytest.mark.rule("FB4")
async def test_an_edit_of_one_cell_changes_that_cell_alone_in_the_file(server: Server) -> None:
    file = server.root / "odd.ipynb"
    file.write_text(ODD, encoding="utf-8")
    file.chmod(0o640)
    notebook = await server.opened("odd.ipynb")
    await notebook.do("edit_cell", cell_id="c0", source="two")
    await notebook.saved(lambda content: content["cells"][0]["source"] == "two")
    before, _, after = ODD.partition('{"id":"c0"')
    written = file.read_text(encoding="utf-8")
    assert written.startswith(before)
    assert written.endswith(after[after.index(",\n{") :])
    assert file.stat().st_mode & 0o777 == 0o640


@pytest.mark.rule("FB1")
async def test_a_file_is_written_in_time_while_edits_keep_coming(server: Server) -> None:
    notebook = await server.notebook("")
    async with tabs(notebook) as (ada,):

        async def type_on() -> None:
            while True:
                await ada.type("x")
                await asyncio.sleep(0.005)

        typing = asyncio.create_task(type_on())
        lengths: set[int] = set()
        while len(lengths) < 4:
            size = len(notebook.sources_on_disk()[0])
            await notebook.saved(
                lambda file, size=size: len("".join(file["cells"][0]["source"])) > size
            )
            lengths.add(len(notebook.sources_on_disk()[0]))
        assert not typing.done()
        typing.cancel()


# renamed, deleted, copied


async def rename(server: Server, old: str, new: str) -> None:
    answer = await server.call("PATCH", f"/api/contents/{old}", {"path": new})
    assert answer.status == 200, answer


@pytest.mark.rule("FB3")
async def test_a_notebook_that_is_renamed_while_open_stays_the_same_document(
    server: Server,
) -> None:
    notebook = await server.notebook("one")
    async with tabs(notebook, 2) as (ada, bob):
        await ada.type("!")
        (server.root / "deep").mkdir(exist_ok=True)
        await rename(server, notebook.path, "deep/renamed.ipynb")
        for each in (ada, bob):
            await each.until(lambda each=each: each.notebook.path == "deep/renamed.ipynb")
        await bob.type("?")
        await ada.until(lambda: ada.sources == ["one!?"])
        moved = await server.opened("deep/renamed.ipynb")
        assert (moved.id, moved.room_id) == (notebook.id, notebook.room_id)
        await moved.saved(lambda file: "".join(file["cells"][0]["source"]) == "one!?")
        assert not notebook.file.exists()
        gone = await server.call("GET", "/api/runt/notebooks", path=notebook.path)
        assert gone.status == 404
        await rename(server, "deep", "deeper")
        await ada.until(lambda: ada.notebook.path == "deeper/renamed.ipynb")
        await ada.type("…")
        again = await server.opened("deeper/renamed.ipynb")
        assert again.id == notebook.id
        await again.saved(lambda file: "".join(file["cells"][0]["source"]) == "one!?…")
    seqs = [event["seq"] for event in await again.events()]
    assert seqs == list(range(1, len(seqs) + 1))


@pytest.mark.rule("FB3", "EX1")
async def test_a_notebook_that_is_renamed_keeps_its_kernel(server: Server) -> None:
    notebook = await server.notebook("kept = 1", "print(kept)")
    await notebook.run("c0")
    await rename(server, notebook.path, "with-kernel.ipynb")

    async def moved() -> bool:
        answer = await server.call("GET", "/api/runt/notebooks", path="with-kernel.ipynb")
        return answer.status == 200 and answer.body["notebook_id"] == notebook.id

    await eventually(moved)
    renamed = await server.opened("with-kernel.ipynb")
    (execution,) = await renamed.run("c1")
    assert execution["outputs"][0]["text"] == "1\n"
    runtimes = (await server.get("/api/runt/runtimes"))["runtimes"]
    (runtime,) = (each for each in runtimes if each["notebook_id"] == notebook.id)
    assert runtime["path"] == "with-kernel.ipynb"
    body = {"path": "with-kernel.ipynb", "type": "notebook", "name": "", "kernel": {}}
    session = await server.call("POST", "/api/sessions", body)
    assert session.body["kernel"]["id"] == runtime["kernel_id"]
    await renamed.do("stop_runtime")


@pytest.mark.rule("FB3")
async def test_a_deleted_notebook_is_closed_and_not_written_again(server: Server) -> None:
    notebook = await server.notebook("one")
    async with tabs(notebook) as (ada,):
        await ada.type("!")
        answer = await server.call("DELETE", f"/api/contents/{notebook.path}")
        assert answer.status == 204
        await ada.ended()
        await ada.leave()
        await ada.connect()
        code, _ = await ada.ended()
        assert code == 4404
    assert not notebook.file.exists()
    gone = await notebook.send("run_all")
    assert (gone.status, gone.code) == (404, "notebook_not_found")
    server.write("new", path=notebook.path)
    new = await server.opened(notebook.path)
    assert new.id != notebook.id
    assert await new.sources() == ["new"]


@pytest.mark.rule("FB3")
async def test_an_open_notebook_follows_its_file_behind_our_back(tmp_path: Path) -> None:
    config = {"RuntApp": {"missing_grace": 0.3}}
    with Server(tmp_path / "server", config).running() as server:
        notebook = await server.notebook("one")
        async with tabs(notebook) as (ada,):
            await ada.type("!")
            await notebook.saved(lambda file: "".join(file["cells"][0]["source"]) == "one!")
            notebook.file.rename(server.root / "Elsewhere.ipynb")
            await ada.type("?")
            await ada.until(lambda: ada.notebook.path == "Elsewhere.ipynb")
            moved = await server.opened("Elsewhere.ipynb")
            assert moved.id == notebook.id
            await moved.saved(lambda file: "".join(file["cells"][0]["source"]) == "one!?")
            assert not notebook.file.exists()
            away = moved.file.read_bytes()
            moved.file.unlink()
            await ada.type(" kept")

            async def written_anew() -> bool:
                return moved.file.exists() and moved.sources_on_disk() == ["one!? kept"]

            await eventually(written_anew)
            moved.file.write_bytes(away)  # as `git stash pop` would
            await ada.until(lambda: ada.sources == ["one!?"])


@pytest.mark.rule("FB3")
async def test_a_copy_is_another_document(server: Server) -> None:
    notebook = await server.notebook("one")
    answer = await server.call("POST", "/api/contents/", {"copy_from": notebook.path})
    assert answer.status == 201
    copy = await server.opened(answer.body["path"])
    assert copy.id != notebook.id
    await copy.do("edit_cell", cell_id="c0", source="copied")
    assert await notebook.sources() == ["one"]


@pytest.mark.rule("FB3")
async def test_a_notebook_moved_behind_our_back_is_known_by_its_content(server: Server) -> None:
    notebook = await server.notebook("worth knowing")
    answer = await server.session(notebook.path)
    moved = server.root / "moved-outside.ipynb"
    closed = server.write("closed")
    known = await server.session(closed)
    (server.root / closed).rename(moved)
    found = await server.session(moved.name)
    assert found.body["fileId"] == known.body["fileId"]
    assert found.body["fileId"] != answer.body["fileId"]


# written to by others


@pytest.mark.rule("FB2")
async def test_a_file_written_to_while_open_is_merged_for_everybody(server: Server) -> None:
    notebook = await server.notebook("one", "two", "three")
    async with tabs(notebook, 2) as (ada, bob):
        await ada.type(" by ada", cell=2)
        await notebook.saved(lambda file: "by ada" in json.dumps(file))
        start = await notebook.seq()
        notebook.write_outside(c0="one\nfrom outside")
        await ada.type(", more", cell=2)
        wanted = ["one\nfrom outside", "two", "three by ada, more"]
        for each in (ada, bob):
            await each.until(lambda each=each: each.sources == wanted)
        await notebook.saved(
            lambda file: ["".join(cell["source"]) for cell in file["cells"]] == wanted
        )
    merged = [e for e in await notebook.events(after=start) if e["actor"] == "file"]
    touched = [c for e in merged for c in e["payload"]["changes"] if c["type"] == "source_changed"]
    assert [change["cell_id"] for change in touched] == ["c0"]


@pytest.mark.rule("FB2")
async def test_a_file_written_to_while_closed_is_merged_when_it_is_opened(tmp_path: Path) -> None:
    config = {"RuntApp": {"free_after": 0}}
    with Server(tmp_path / "server", config).running() as freed:
        path = freed.write("one", "two")
        notebook = await freed.opened(path)
        await notebook.do("edit_cell", cell_id="c1", source="two, by command")
        await notebook.saved(lambda file: "by command" in json.dumps(file))

        async def closed() -> bool:
            listed = await freed.get("/api/runt/notebooks")
            return not listed["notebooks"]

        await eventually(closed)
        content = notebook.on_disk()
        added = nbformat.v4.new_code_cell("added", id="new")
        content["cells"] = [content["cells"][1], added, content["cells"][0]]
        content["cells"][2]["source"] = ["one, outside"]
        text = json.dumps(content, indent=3)
        notebook.file.write_text(text, encoding="utf-8")
        before = seen_by_people(notebook.file)
        again = await freed.opened(path)
        assert again.id == notebook.id
        assert await again.sources() == ["two, by command", "added", "one, outside"]
        await eventually(closed)
        assert seen_by_people(notebook.file) == before


@pytest.mark.rule("FB2")
async def test_a_save_through_the_contents_api_is_merged_too(server: Server) -> None:
    notebook = await server.notebook("one", "two")
    async with tabs(notebook) as (ada,):
        await ada.type(" by ada", cell=1)
        await logged(notebook, "one", "two by ada")
        content = nbformat.v4.new_notebook(
            cells=[
                nbformat.v4.new_code_cell("one by nbclient", id="c0"),
                nbformat.v4.new_code_cell("two", id="c1"),
            ],
            metadata={"kernelspec": KERNELSPEC},
        )
        body = {"type": "notebook", "format": "json", "content": content}
        answer = await server.call("PUT", f"/api/contents/{notebook.path}", body)
        assert answer.status == 200
        await ada.until(lambda: ada.sources[0] == "one by nbclient")


@pytest.mark.rule("FB2", "FB5")
async def test_a_file_that_becomes_garbage_while_open_is_left_alone_and_nothing_is_lost(
    server: Server,
) -> None:
    notebook = await server.notebook("one")
    good = notebook.file.read_bytes()
    async with (
        tabs(notebook) as (ada,),
        RuntimeTab(server, notebook.runtime_room_id) as watcher,
    ):
        notebook.file.write_text("<<<<<<< conflict", encoding="utf-8")
        await ada.type("!")
        assert await ada.save(1) == "failed"
        await watcher.until(lambda: watcher.has_heard_of('"status": "failed"'))
        assert notebook.file.read_text(encoding="utf-8") == "<<<<<<< conflict"
        notebook.file.write_bytes(good)
        await ada.type("?")

        async def saved() -> bool:
            return await ada.save(2 + len(ada.replies)) == "success"

        await eventually(saved)
        assert notebook.sources_on_disk() == ["one!?"]


@pytest.mark.rule("FB2")
async def test_a_text_file_written_to_while_open_is_merged(server: Server) -> None:
    file = server.root / "merged.md"
    file.write_text("a\nb\nc\n", encoding="utf-8")
    session = await server.session("merged.md", "file")
    room_id = f"text:file:{session.body['fileId']}"
    async with TextTab(server, room_id, session.body["sessionId"]) as ada:
        await ada.synced()
        ada.text.insert(0, "top\n")
        await ada.tell()
        file.write_text("a\nb\nc\nbottom\n", encoding="utf-8")
        await ada.until(lambda: str(ada.text) == "top\na\nb\nc\nbottom\n")

        async def saved() -> bool:
            return file.read_text(encoding="utf-8") == "top\na\nb\nc\nbottom\n"

        await eventually(saved)


# files that cannot be written


@pytest.mark.rule("FB1")
async def test_a_save_that_fails_is_shown_and_tried_again_and_the_edits_are_kept(
    server: Server,
) -> None:
    notebook = await server.notebook("one")
    before = notebook.file.read_bytes()
    async with (
        tabs(notebook) as (ada,),
        RuntimeTab(server, notebook.runtime_room_id) as watcher,
    ):
        with read_only(notebook.file):
            await ada.type("!")
            assert await ada.save(1) == "failed"
            await watcher.until(lambda: watcher.has_heard_of('"status": "failed"'))
            assert await notebook.sources() == ["one!"]
            assert notebook.file.read_bytes() == before
        await notebook.saved(lambda file: "".join(file["cells"][0]["source"]) == "one!")
        await watcher.until(lambda: watcher.has_heard_of('"status": "saved", "at": "'))


@contextmanager
def read_only(file: Path) -> Iterator[None]:
    """Let nobody write to a file, not even root."""
    if os.geteuid() != 0:
        file.chmod(0o400)
    elif subprocess.run(["chattr", "+i", file], capture_output=True, check=False).returncode:
        pytest.skip("nothing holds root back from a file here")
    try:
        yield
    finally:
        if os.geteuid() != 0:
            file.chmod(0o600)
        else:
            subprocess.run(["chattr", "-i", file], check=True)


@pytest.mark.rule("FB1")
async def test_a_file_with_the_longest_name_is_saved(server: Server) -> None:
    notebook = await server.notebook("one", path="n" * 249 + ".ipynb")
    await notebook.do("edit_cell", cell_id="c0", source="two")
    await notebook.saved(lambda file: file["cells"][0]["source"] == ["two"])


@pytest.mark.rule("FB3")
async def test_two_names_of_one_file_are_one_room(server: Server) -> None:
    notebook = await server.notebook("one")
    link = server.root / "link.ipynb"
    link.symlink_to(notebook.path)
    by_link = await server.opened("link.ipynb")
    assert by_link.room_id == notebook.room_id
    await by_link.do("edit_cell", cell_id="c0", source="by link")
    await notebook.saved(lambda file: "by link" in json.dumps(file))
    assert link.is_symlink()
    assert (await tab(by_link)).session_id == (await tab(notebook)).session_id


@pytest.mark.rule("FB6")
async def test_an_ai_cell_is_skipped_where_the_notebook_is_run_elsewhere(server: Server) -> None:
    notebook = await server.notebook("x = 1")
    asked = "Why is x 1?\n!touch ran"
    (cell_id,) = await notebook.add(asked, cell_type="ai")
    items = [{"type": "text", "text": "Cell 1 says so."}]
    turn = {"version": 1, "turn_id": "t", "status": "ok", "prompt": asked, "items": items}
    async with tabs(notebook) as (ada,):
        ada.notebook.ycells[1]["metadata"]["runt"] = {"type": "ai", "turns": [turn]}
        ada.notebook.ycells[1]["outputs"].append(Map(answer_output(turn)))
        await ada.tell()
        await notebook.saved(lambda file: "Cell 1 says so." in json.dumps(file))
    elsewhere = nbformat.read(notebook.file, as_version=4)
    nbformat.validate(elsewhere)
    del elsewhere["cells"][1]["metadata"]["tags"]  # as in programs that do not know the tag
    await NotebookClient(elsewhere, kernel_name="python3").async_execute()
    assert not (server.root / "ran").exists()
    assert not elsewhere["cells"][1]["outputs"]
    elsewhere["cells"][0]["source"] += "  # run"
    nbformat.write(elsewhere, notebook.file)
    await logged(notebook, "x = 1  # run", asked)
    (answer,) = (await notebook.at())["cells"][1]["outputs"]
    assert answer["data"]["text/plain"] == "Cell 1 says so."
    notebook.write_outside(**{cell_id: "# Why is x 2?"})
    await logged(notebook, "x = 1  # run", "Why is x 2?")
    assert (await notebook.at())["cells"][1]["metadata"]["runt"]["type"] == "ai"
