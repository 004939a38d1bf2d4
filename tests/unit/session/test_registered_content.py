"""Kinds of documents that other packages bring."""

import json
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from pycrdt import Array

from jupyter_runt.document import ydocs
from jupyter_runt.document.registered import RegisteredDoc
from jupyter_runt.errors import Conflict
from jupyter_runt.events.document import DocumentUpdated, StateChanged, TextChanged
from jupyter_runt.ids import ActorId
from jupyter_runt.session.live_documents import LiveDocuments
from tests.unit.session.guestbook import YGuestbook
from tests.unit.session.workspace import ADA, Workspace, until

PATH = "a.guests"
COMPACT = '{"entries":["ada"]}'


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    kind = EntryPoint("guestbook", "tests.unit.session.guestbook:YGuestbook", "jupyter_ydoc")
    plain = ydocs.entry_points

    def entry_points(**wanted: str) -> Any:
        return [kind] if wanted["name"] == "guestbook" else plain(**wanted)

    monkeypatch.setattr(ydocs, "entry_points", entry_points)
    caches = (ydocs.is_registered, ydocs.ydoc_class, ydocs.ydoc_class_without_undo)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


def spelled(*entries: str) -> str:
    return json.dumps({"entries": list(entries)}, indent=2)


def test_a_document_is_made_of_a_text_and_a_text_of_it() -> None:
    doc = RegisteredDoc("guestbook", 7)
    done = doc.transact(lambda: doc.replace(COMPACT))
    assert doc.content() == spelled("ada")
    assert set(done.changes) >= {TextChanged(inserted=0, removed=0)}
    assert doc.transact(lambda: doc.set_path("x")).changes == (StateChanged(keys=("path",)),)
    doc.transact(lambda: doc.replace(spelled("ada", "bob")))
    assert doc.content() == spelled("ada", "bob")
    assert not doc.has_other_content


def test_whom_nobody_registered_is_a_file() -> None:
    assert [ydocs.text_kind(kind) for kind in ("guestbook", "notebook", "unicode", "x")] == [
        "guestbook",
        "file",
        "file",
        "file",
    ]


@pytest.mark.asyncio
@pytest.mark.rule("FB1", "FB4")
async def test_the_file_is_the_class_s_own_text_when_it_is_edited(workspace: Workspace) -> None:
    file = workspace.root / PATH
    file.write_text(COMPACT, encoding="utf-8")
    async with workspace.running():
        known, _ = await workspace.sessions.register(PATH)
        room_id = f"text:guestbook:{known.notebook_id}"
        async with workspace.sessions.use_document(room_id) as document:
            assert document.room.room_id == room_id
            document.saver.touch()
            assert await document.saver.save() is False
            assert file.read_text(encoding="utf-8") == COMPACT

            def sign(doc: RegisteredDoc) -> None:
                doc.doc.get("entries", type=Array).append("bob")

            await document.room.edit(sign, actor=ADA)
            assert await document.saver.save()
            assert file.read_text(encoding="utf-8") == spelled("ada", "bob")


@pytest.mark.asyncio
@pytest.mark.rule("FB2")
async def test_what_others_wrote_is_taken_whole_or_kept_as_a_version(workspace: Workspace) -> None:
    file = workspace.root / PATH
    file.write_text(COMPACT, encoding="utf-8")
    async with workspace.running():
        known, _ = await workspace.sessions.register(PATH)
        async with workspace.sessions.use_document(
            f"text:guestbook:{known.notebook_id}"
        ) as document:
            file.write_text(spelled("ada", "outside"), encoding="utf-8")
            async with document.file_access():
                pass
            assert await document.room.read(lambda doc: doc.content()) == spelled("ada", "outside")
            await document.room.edit(lambda doc: doc.replace(spelled("here")), actor=ADA)
            file.write_text(spelled("there"), encoding="utf-8")
            async with document.file_access():
                pass
            assert await document.room.read(lambda doc: doc.content()) == spelled("here")
        names = {event.name for event in await workspace.store.read(known.notebook_id, 0)}  # type: ignore[arg-type]
        assert len(names) > 1, "what was in the file is kept"
    assert file.read_text(encoding="utf-8") == spelled("here")


@pytest.mark.asyncio
@pytest.mark.rule("FB3")
async def test_a_file_is_open_as_one_kind_at_a_time(workspace: Workspace) -> None:
    (workspace.root / PATH).write_text(COMPACT, encoding="utf-8")
    async with workspace.running():
        sessions = workspace.sessions
        known, _ = await sessions.register(PATH)
        as_kind, as_text = (f"text:{kind}:{known.notebook_id}" for kind in ("guestbook", "file"))
        async with sessions.use_document(as_kind):
            assert sessions.is_open(as_kind)
            with pytest.raises(Conflict):
                async with sessions.use_document(as_text):
                    pass
        async with sessions.use_document(as_text) as text:
            assert not sessions.is_open(as_kind)
            assert await text.room.read(lambda doc: doc.content()) == COMPACT
            await text.room.edit(lambda doc: doc.replace(spelled("by hand")), actor=ADA)
        async with sessions.use_document(as_kind) as document:
            assert await document.room.read(lambda doc: doc.content()) == spelled("by hand")


@pytest.mark.asyncio
@pytest.mark.rule("EL1", "RM5")
async def test_the_class_lives_in_a_peer_of_the_room(workspace: Workspace) -> None:
    (workspace.root / PATH).write_text(COMPACT, encoding="utf-8")
    async with (
        workspace.running(),
        LiveDocuments(workspace.sessions, linger=0) as live,
    ):
        known, _ = await workspace.sessions.register(PATH)
        room_id = f"text:guestbook:{known.notebook_id}"
        guestbook = await live.live(room_id, "extension")
        assert isinstance(guestbook, YGuestbook)
        assert guestbook is await live.live(room_id, "another")
        assert guestbook.get() == spelled("ada")
        await until(lambda: guestbook.became_clean)
        guestbook.entries.append("bob")
        async with workspace.sessions.use_document(room_id) as document:
            assert await document.room.covers(guestbook.ydoc.get_state(), 5)
            assert await document.room.read(lambda doc: doc.content()) == spelled("ada", "bob")
        events = await workspace.store.read(known.notebook_id, 0)  # type: ignore[arg-type]
        actors = [event.actor for event in events if isinstance(event.payload, DocumentUpdated)]
        assert actors[-1] == ActorId("server:extension")
    assert (workspace.root / PATH).read_text(encoding="utf-8") == spelled("ada", "bob")
