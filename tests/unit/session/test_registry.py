import asyncio
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from jupyter_runt.errors import (
    Conflict,
    LeaseHeld,
    NotANotebook,
    NotebookNotFound,
    StaleFence,
)
from jupyter_runt.ids import NotebookId
from jupyter_runt.session import digests, registry
from jupyter_runt.session.registry import StaleEpoch, UnknownRoom, UnknownSession
from jupyter_runt.storage.memory import MemoryStore
from tests.unit.session.workspace import Workspace, until

pytestmark = pytest.mark.asyncio


@pytest.fixture(autouse=True)
def _files(workspace: Workspace) -> None:
    workspace.write("nb.ipynb", "one")
    (workspace.root / "a.txt").write_text("text", encoding="utf-8")


@pytest.mark.rule("FB3")
async def test_a_file_is_registered_once(workspace: Workspace) -> None:
    async with workspace.running():
        first, new = await workspace.sessions.register("nb.ipynb")
        again, known = await workspace.sessions.register("/x/../nb.ipynb")
        assert (new, known) == (True, False)
        assert first.notebook_id == again.notebook_id
    async with workspace.running():
        assert (await workspace.sessions.register("nb.ipynb"))[0].notebook_id == first.notebook_id


@pytest.mark.rule("FB3")
async def test_a_large_file_is_read_to_be_recognised_where_one_is_gone_and_else_when_opened(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "LARGE", 0)
    async with workspace.running():
        first, _ = await workspace.sessions.register("nb.ipynb")
        assert first.file.digest is None
        async with workspace.open("nb.ipynb") as notebook:
            document = await notebook.session.document()
            await until(lambda: document.registration.file.digest)
        opened = await workspace.store.get(first.notebook_id)
        assert opened is not None
        assert opened.file.digest == sha256((workspace.root / "nb.ipynb").read_bytes()).hexdigest()
    (workspace.root / "nb.ipynb").rename(workspace.root / "new.ipynb")
    async with workspace.running():
        found, new = await workspace.sessions.register("new.ipynb")
        assert (found.notebook_id, new) == (first.notebook_id, False)


@pytest.mark.rule("FB3")
@pytest.mark.parametrize("step", ["acquire", "snapshot", "read"])
async def test_a_document_whose_file_is_renamed_while_it_opens_follows(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    async with workspace.running():
        await workspace.sessions.register("nb.ipynb")
        place: Any = workspace.files if step == "read" else workspace.store
        original = getattr(place, step)

        async def late(*args: Any, **options: Any) -> Any:
            monkeypatch.undo()
            found = await original(*args, **options)
            (workspace.root / "nb.ipynb").rename(workspace.root / "new.ipynb")
            await workspace.sessions.moved("nb.ipynb", "new.ipynb")
            return found

        monkeypatch.setattr(place, step, late)
        async with workspace.open("nb.ipynb") as notebook:
            assert (await notebook.session.document()).path == "new.ipynb"
            await notebook.send("edit_cell", cell_id="c0", source="edited")
    assert workspace.sources("new.ipynb") == ["edited"]
    assert not (workspace.root / "nb.ipynb").exists()


@pytest.mark.rule("FB3")
async def test_requests_at_the_same_time_share_one_session(workspace: Workspace) -> None:
    async with workspace.running():

        async def opened() -> object:
            async with workspace.open("nb.ipynb") as notebook:
                return await notebook.session.document()

        documents = await asyncio.gather(*(opened() for _ in range(10)))
        assert len(set(documents)) == 1
        status = workspace.sessions.status()
        assert (status["store"], status["notebooks"], status["rooms"]) == ("memory", 1, 3)


async def test_each_room_id_leads_to_its_room(workspace: Workspace) -> None:
    async with workspace.running():
        sessions = workspace.sessions
        nb, _ = await sessions.register("nb.ipynb")
        text, _ = await sessions.register("a.txt")
        async with sessions.room(f"json:notebook:{nb.notebook_id}", nb.history_id) as lease:
            assert lease.writable
        async with sessions.room(f"text:file:{text.notebook_id}", text.history_id) as lease:
            assert await lease.room.read(lambda doc: doc.content()) == "text"
        async with sessions.room("JupyterLab:globalAwareness", None) as lease:
            assert not lease.writable
        with pytest.raises(UnknownRoom):
            async with sessions.room("JupyterLab:another", None):
                pass
        async with sessions.use(nb.notebook_id) as session:
            runtime = session.writer.room.room_id
            async with sessions.room(runtime, None) as lease:
                assert not lease.writable
            with pytest.raises(StaleEpoch):
                async with sessions.room(runtime + "0", None):
                    pass


@pytest.mark.rule("RM3")
async def test_a_client_of_another_history_gets_no_room(workspace: Workspace) -> None:
    async with workspace.running():
        registration, _ = await workspace.sessions.register("nb.ipynb")
        room = f"json:notebook:{registration.notebook_id}"
        for history_id in (None, "other"):
            with pytest.raises(UnknownSession) as refused:
                async with workspace.sessions.room(room, history_id):
                    pass
            assert refused.value.detail == {"session_id": registration.history_id}


@pytest.mark.parametrize("room_id", ["", "x", "json:file:1", "json:notebook", "a:b:c:d:e"])
async def test_other_ids_lead_nowhere(workspace: Workspace, room_id: str) -> None:
    async with workspace.running():
        with pytest.raises(NotebookNotFound):
            async with workspace.sessions.room(room_id, None):
                pass


async def test_only_notebooks_have_sessions(workspace: Workspace) -> None:
    async with workspace.running():
        text, _ = await workspace.sessions.register("a.txt")
        with pytest.raises(NotANotebook):
            async with workspace.sessions.use(text.notebook_id):
                pass
        with pytest.raises(NotANotebook):
            async with workspace.sessions.use_path("a.txt"):
                pass
        with pytest.raises(NotebookNotFound):
            async with workspace.sessions.use(NotebookId("none")):
                pass
        assert workspace.sessions.notebooks() == []


@pytest.mark.rule("FB3")
async def test_a_file_is_not_open_in_two_ways_at_once(workspace: Workspace) -> None:
    async with workspace.running():
        sessions = workspace.sessions
        registration, _ = await sessions.register("nb.ipynb")
        text = f"text:file:{registration.notebook_id}"
        async with sessions.room(text, registration.history_id):
            with pytest.raises(Conflict, match="open as text"):
                await sessions.claim_kind(registration, "notebook")
            async with sessions.use(registration.notebook_id) as session:
                with pytest.raises(Conflict, match="open as text"):
                    await session.document()
        async with sessions.use(registration.notebook_id) as session:
            await session.document()
            with pytest.raises(Conflict, match="open as a notebook"):
                async with sessions.room(text, registration.history_id):
                    pass
        async with sessions.room(text, registration.history_id):
            pass  # nobody needs the notebook any more


@pytest.mark.rule("EX1")
async def test_a_notebook_of_another_live_server_is_not_opened_here(workspace: Workspace) -> None:
    async with workspace.running():
        registration, _ = await workspace.sessions.register("nb.ipynb")
        async with MemoryStore(workspace.disk, server_id="other") as other:
            where = {"url": "http://other"}
            lease = await other.acquire(registration.notebook_id, "documents", where)
            with pytest.raises(LeaseHeld) as refused:
                async with workspace.open("nb.ipynb"):
                    pass
            assert refused.value.detail == where
            await other.release(lease)
            async with workspace.open("nb.ipynb") as notebook:
                assert await notebook.sources() == ["one"]


@pytest.mark.rule("EX1", "FB1")
async def test_a_notebook_that_another_server_took_is_let_go_of_and_its_file_left_alone(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "LOOK_EVERY", 0.01)
    async with workspace.running(), workspace.open("nb.ipynb") as notebook:
        await notebook.send("start_runtime")
        await notebook.send("edit_cell", cell_id="c0", source="typed")
        await taken_by_another(workspace, notebook.id)
        with pytest.raises(StaleFence):
            await notebook.send("edit_cell", cell_id="c0", source="too late")
        await until(lambda: not workspace.sessions.notebooks())
        assert workspace.gateway.did[-1] == "leave", "the kernel is the other one's"
        assert workspace.sources("nb.ipynb") == ["one"], "so is the file"
        with pytest.raises(LeaseHeld):
            async with workspace.open("nb.ipynb"):
                pass


async def taken_by_another(workspace: Workspace, notebook_id: NotebookId) -> None:
    """Have a server take a notebook that thinks this one dead."""
    disk = workspace.disk
    for kind in ("documents", "runtime"):
        key: Any = (notebook_id, kind)
        disk.fences[key] += 1
        disk.leases[key] = replace(disk.leases[key], fence=disk.fences[key], holder="other")
    await MemoryStore(disk, server_id="other").__aenter__()


@pytest.mark.rule("FB3")
async def test_a_folder_s_files_move_and_go_with_it(workspace: Workspace) -> None:
    (workspace.root / "old").mkdir()
    workspace.write("old/in.ipynb", "in")
    workspace.write("older.ipynb", "beside")
    async with workspace.running():
        async with workspace.open("old/in.ipynb") as moved, workspace.open("older.ipynb") as beside:
            await moved.session.document()
            (workspace.root / "old").rename(workspace.root / "new")
            await workspace.sessions.moved("old", "new")
            assert moved.session.path == "new/in.ipynb"
            assert beside.session.path == "older.ipynb"
        await workspace.sessions.deleted("new")
        assert [each.path for each in workspace.sessions.notebooks()] == ["older.ipynb"]
        with pytest.raises(NotebookNotFound):
            await workspace.sessions.registered(moved.id)
