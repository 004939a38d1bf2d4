"""The file follows the document: soon, whole, and off the event loop (FB1)."""

import asyncio
import hashlib
import logging
from asyncio import to_thread
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from jupyter_runt.document.spill import FileText, parts_of
from jupyter_runt.errors import RuntError
from jupyter_runt.events.document import Change
from jupyter_runt.ids import Seq
from jupyter_runt.session.file_content import FileStamp
from jupyter_runt.session.files import (
    FileChanged,
    FileGone,
    FileNotWritten,
    Files,
    Written,
)
from jupyter_runt.session.projection import FileProjection, Read

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SaverConfig:
    """When the file follows the document. Seconds."""

    delay: float = 1.0
    """A save starts this long after the first change that is not in the file."""
    retry: float = 5.0
    """A save that failed is tried again after this long."""


@dataclass(frozen=True, slots=True)
class DocumentConfig:
    """How documents are kept."""

    saver: SaverConfig = field(default_factory=SaverConfig)
    watch_interval: float = 1.0
    """Seconds between looks at the file for changes that others made to it."""
    grace: float = 2.5
    """Seconds that a file may be missing before it is looked for, and saved anew."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint: which file holds the document as of which event."""

    seq: Seq
    file: Written


class SaverPort(Protocol):
    """What a saver needs of the open document."""

    @property
    def path(self) -> str:
        """Where the file is now."""
        ...

    def committed_seq(self) -> Seq:
        """Return the `seq` of the last update that the committed document holds."""
        ...

    @property
    def digest(self) -> str | None:
        """SHA-256 (hex) of the file as we last read or wrote it."""
        ...

    def file_access(self) -> AbstractAsyncContextManager[FileStamp | None]:
        """Keep others of this server from the file; what they wrote until then is taken in (FB2).

        Its value is the stamp of the file, None if there is none and it may be written anew.

        Raises:
            RuntError: what is there now cannot be read.
            FileGone: it is not where it was.
        """
        ...

    async def announce(self, digest: str, seq: Seq) -> None:
        """Record that the file is about to be written with the document as of `seq`."""
        ...

    async def held(self, seq: Seq) -> None:
        """Record that the file as it is holds the document as of `seq`."""
        ...

    async def saved(self, saved: Saved) -> None:
        """Record a checkpoint."""
        ...


class Saver:
    """Writes checkpoints of one document. `run` is its task; `save` may be awaited by anybody."""

    def __init__(
        self,
        port: SaverPort,
        projection: FileProjection,
        read: Read,
        files: Files,
        config: SaverConfig,
    ) -> None:
        self._port = port
        self._projection = projection
        self._read = read
        self._files = files
        self._config = config
        self._changed = asyncio.Event()
        self._saved_at: str | None = None
        self._saving = asyncio.Lock()
        self._writing = False
        self.error: str | None = None
        self.on_report: Callable[[], None] = lambda: None
        """Called when `report` may have changed and nothing was committed."""

    @property
    def dirty(self) -> bool:
        """Whether the document holds something that the file does not."""
        return self._changed.is_set() or self._writing

    def report(self) -> dict[str, str | None]:
        """Return CONTRACT's `save`: its status, when the file was last written, what is wrong."""
        status = "saved"
        if self.dirty:
            status = "failed" if self.error else "saving"
        return {"status": status, "at": self._saved_at, "error": self.error}

    def changed(self, changes: Iterable[Change]) -> None:
        """Note committed changes."""
        if self._projection.changed(changes):
            self._changed.set()

    def touch(self) -> None:
        """Have the file written even if nothing changes from now on."""
        self._changed.set()

    def restyle(self, projection: FileProjection) -> None:
        """Write in the style of the file as another program left it."""
        self._projection = projection
        self.touch()

    async def run(self) -> None:
        """Save for ever: a bounded time after each first change, and again after a failure."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(self._config.delay)
            try:
                await self.save()
            except FileGone:
                continue
            except FileNotWritten:
                await asyncio.sleep(self._config.retry)
            except RuntError as error:
                log.warning("%s is not saved yet: %s", self._port.path, error.message)
                self.error = error.message
                self.on_report()
                await asyncio.sleep(self._config.retry)

    async def save(self) -> bool:
        """Bring the file up to date now; return whether there was something to write.

        Raises:
            FileNotWritten: the file is as it was, and `run` tries again.
        """
        async with self._saving:
            if not self._changed.is_set():
                return False
            try:
                written = await self._bring_up_to_date()
            except FileNotWritten as error:
                self.error = str(error)
                raise
            else:
                self.error = None
                return written
            finally:
                self.on_report()

    async def _bring_up_to_date(self) -> bool:
        try:
            async with self._port.file_access() as stamp:
                return await self._write_changes(stamp)
        except FileChanged:
            async with self._port.file_access() as stamp:
                return await self._write_changes(stamp)

    async def _write_changes(self, over: FileStamp | None) -> bool:
        self._changed.clear()  # what comes from now on may be too late for this write
        self._writing = True
        try:
            return await self._write(over)
        except BaseException:
            self._changed.set()
            raise
        finally:
            self._writing = False

    async def _write(self, over: FileStamp | None) -> bool:
        seq = await self._projection.gather(self._read, self._port.committed_seq)
        text, digest = await to_thread(self._rendered)
        if digest == self._port.digest and over is not None:
            await self._port.held(seq)
            return False
        await self._port.announce(digest, seq)
        try:
            written = await self._files.write(self._port.path, text, over)
        except FileNotWritten as error:
            if self.error != str(error):
                log.warning("%s The changes are kept, and saving is tried again.", error)
            raise
        self._saved_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        await self._port.saved(Saved(seq, written))
        return True

    def _rendered(self) -> tuple[FileText, str]:
        text, digest = self._projection.render(), hashlib.sha256()
        for part in parts_of(text):
            digest.update(part)
        return text, digest.hexdigest()
