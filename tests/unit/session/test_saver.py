import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from jupyter_runt.errors import NotANotebook, RuntError
from jupyter_runt.events.document import Change, StateChanged, TextChanged
from jupyter_runt.ids import Seq
from jupyter_runt.protocols import FileIdentity
from jupyter_runt.session.file_content import FileStamp
from jupyter_runt.session.files import (
    FileChanged,
    FileGone,
    FileNotWritten,
    Written,
)
from jupyter_runt.session.saver import Saved, Saver, SaverConfig
from tests.unit.session.workspace import until

pytestmark = pytest.mark.asyncio

EDIT = (TextChanged(inserted=1, removed=0),)
SOON = SaverConfig(delay=0.01, retry=0.01)


class Document:
    """The saver's document, projection and files in one; `text` is what the file should hold."""

    path = "a.txt"
    rewrites = False

    def __init__(self, config: SaverConfig = SOON) -> None:
        self.text = ""
        self.digest: str | None = hashlib.sha256(b"").hexdigest()
        self.written: list[str] = []
        self.records: list[Saved] = []
        self.holds: list[Seq] = []
        self.failure: Exception | None = None
        self.unreadable: RuntError | FileNotWritten | None = None
        self.changing = 0
        self.may_write = asyncio.Event()
        self.may_write.set()
        self.reports = 0
        self.writes = 0
        self.accesses = 0
        self.saver = Saver(self, self, self.read, self, config)
        self.saver.on_report = self._reported

    def _reported(self) -> None:
        self.reports += 1

    def edit(self, text: str) -> None:
        self.text = text
        self.saver.changed(EDIT)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Document"]:
        task = asyncio.create_task(self.saver.run())
        yield self
        task.cancel()
        await asyncio.wait([task])

    # SaverPort

    def committed_seq(self) -> Seq:
        return Seq(len(self.text))

    @asynccontextmanager
    async def file_access(self) -> AsyncIterator[FileStamp | None]:
        self.accesses += 1
        if self.unreadable:
            raise self.unreadable
        yield (self.accesses,)

    async def announce(self, digest: str, seq: Seq) -> None:
        self.announced = digest, seq

    async def held(self, seq: Seq) -> None:
        self.holds.append(seq)

    async def saved(self, saved: Saved) -> None:
        self.digest = saved.file.identity.digest
        self.records.append(saved)

    # FileProjection

    def changed(self, changes: Iterable[Change]) -> bool:
        return any(isinstance(change, TextChanged) for change in changes)

    def expect_all(self) -> None:
        return

    def adopt(self, doc: Any) -> None:
        return

    async def read(self, view: Any) -> Any:
        return view(self)

    async def gather(self, read: Any, seq: Callable[[], Seq]) -> Seq:
        self._gathered = self.text
        return seq()

    def render(self) -> bytes:
        return self._gathered.encode()

    # Files

    async def identify(self, path: str) -> FileIdentity:
        return FileIdentity(path)

    async def stamp(self, path: str) -> FileStamp | None:
        return None

    def exists(self, path: str) -> bool:
        return True

    async def whereabouts(self, path: str, known: FileIdentity) -> str | None:
        return None

    async def write(self, path: str, data: bytes, over: FileStamp | None) -> Written:
        self.writes += 1
        await self.may_write.wait()
        assert over == (self.accesses,)
        if self.changing:
            self.changing -= 1
            raise FileChanged("It was changed.")
        if self.failure:
            raise self.failure
        self.written.append(data.decode())
        identity = FileIdentity(path, digest=hashlib.sha256(data).hexdigest())
        return Written(identity, (1, 2, 3), f"hash of {data.decode()}")


@pytest.mark.rule("FB1")
async def test_the_file_follows_the_document_and_the_checkpoint_is_recorded() -> None:
    async with Document().running() as document:
        document.edit("one")
        assert document.saver.dirty
        assert document.saver.report()["status"] == "saving"
        await until(lambda: document.records)
        assert document.written == ["one"]
        (saved,) = document.records
        assert saved.seq == 3
        assert (saved.file.content_hash, saved.file.stamp) == ("hash of one", (1, 2, 3))
        assert not document.saver.dirty
        report = document.saver.report()
        assert (report["status"], report["error"]) == ("saved", None)
        assert report["at"]


@pytest.mark.rule("FB1")
async def test_edits_that_keep_coming_put_no_save_off() -> None:
    async with Document(SaverConfig(delay=0.02)).running() as document:
        while len(document.written) < 3:
            document.edit(document.text + "x")
            await asyncio.sleep(0.001)


@pytest.mark.rule("FB1")
async def test_an_edit_in_the_middle_of_a_save_is_in_the_next_one() -> None:
    async with Document().running() as document:
        document.may_write.clear()
        document.edit("one")
        await until(lambda: document.writes)
        document.edit("two")
        document.may_write.set()
        await until(lambda: len(document.written) == 2)
        assert document.written == ["one", "two"]


@pytest.mark.rule("FB4")
async def test_what_the_file_holds_already_is_not_written_again() -> None:
    document = Document()
    document.saver.touch()
    assert await document.saver.save() is False
    assert (document.written, document.holds) == ([], [0])
    assert not document.saver.dirty


async def test_what_is_not_the_file_s_makes_nothing_dirty() -> None:
    document = Document()
    document.saver.changed([StateChanged(keys=("path",))])
    assert not document.saver.dirty
    assert await document.saver.save() is False


@pytest.mark.rule("FB1")
async def test_a_save_that_failed_is_shown_and_tried_again() -> None:
    async with Document().running() as document:
        document.failure = FileNotWritten("The disk is full.")
        document.edit("one")
        await until(lambda: document.saver.error)
        assert document.saver.report() == {
            "status": "failed",
            "at": None,
            "error": "The disk is full.",
        }
        assert document.reports
        document.failure = None
        await until(lambda: document.written == ["one"])
        await until(lambda: document.saver.report()["status"] == "saved")
        assert document.saver.error is None


@pytest.mark.rule("FB2")
async def test_a_file_that_cannot_be_read_is_not_written_over() -> None:
    async with Document().running() as document:
        document.unreadable = NotANotebook("It is garbage.")
        document.edit("one")
        await until(lambda: document.saver.error == "It is garbage.")
        assert document.saver.dirty
        document.unreadable = None
        await until(lambda: document.written == ["one"])


@pytest.mark.rule("FB3")
async def test_a_file_that_is_gone_for_now_is_asked_for_again_soon() -> None:
    async with Document(SaverConfig(delay=0.01, retry=3600)).running() as document:
        document.unreadable = FileGone("It is gone.")
        document.edit("one")
        await until(lambda: document.saver.error == "It is gone.")
        assert document.saver.report()["status"] == "failed"
        document.unreadable = None
        await until(lambda: document.written == ["one"])
        await until(lambda: document.saver.error is None)


@pytest.mark.rule("FB2")
async def test_a_file_that_somebody_else_wrote_meanwhile_is_looked_at_again() -> None:
    document = Document(SaverConfig(delay=3600))
    document.edit("one")
    document.changing = 1
    assert await document.saver.save() is True
    assert document.accesses == 2
    document.edit("two")
    document.changing = 2
    with pytest.raises(FileGone):
        await document.saver.save()
    assert document.saver.dirty


async def test_who_saves_by_hand_hears_how_it_went() -> None:
    document = Document(SaverConfig(delay=3600))
    document.edit("one")
    assert await document.saver.save() is True
    assert await document.saver.save() is False
    document.failure = FileNotWritten("no")
    document.edit("two")
    with pytest.raises(FileNotWritten):
        await document.saver.save()
    assert document.saver.dirty


async def test_saves_do_not_overtake_each_other() -> None:
    document = Document(SaverConfig(delay=3600))
    document.may_write.clear()
    document.edit("one")
    first = asyncio.create_task(document.saver.save())
    await until(lambda: document.writes)
    document.edit("two")
    second = asyncio.create_task(document.saver.save())
    document.may_write.set()
    assert (await first, await second) == (True, True)
    assert document.written == ["one", "two"]


@pytest.mark.rule("FB1")
async def test_a_file_that_is_being_written_is_not_called_saved() -> None:
    document = Document()
    document.may_write.clear()
    document.edit("one")
    saving = asyncio.create_task(document.saver.save())
    await until(lambda: document.writes)
    assert document.saver.report()["status"] == "saving"
    document.may_write.set()
    assert await saving
    assert document.saver.report()["status"] == "saved"
