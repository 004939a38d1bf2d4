"""Texts that are kept in a file without a name, so that they take no memory."""

import mmap
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, cast
from weakref import finalize

BLOCK: Final = 1 << 20
"""Bytes that are read at once."""

_ON_DISK: Final = Path("/var/tmp")  # noqa: S108  (often `/tmp` is memory; files there have no name)

FileText = bytes | Callable[[], Iterable[bytes]]
"""The content of a file: as a whole, or what yields it in parts, each time it is called."""


def parts_of(text: FileText) -> Iterable[bytes]:
    """Return the content of a file in parts."""
    return (text,) if isinstance(text, bytes) else text()


class Spilled(NamedTuple):
    """Where a text is in a spill. Bytes."""

    start: int
    length: int


class Spill:
    """A file of texts. Not thread-safe; what the disk does not take is an `OSError`."""

    def __init__(self) -> None:
        folder = _ON_DISK if os.access(_ON_DISK, os.W_OK) else None
        self._file = cast("BinaryIO", tempfile.TemporaryFile(dir=folder, buffering=0))  # noqa: SIM115
        finalize(self, self._file.close)
        self.size = 0

    def put(self, text: str) -> Spilled:
        """Add a text."""
        return self.add((text.encode(),))

    def add(self, parts: Iterable[bytes]) -> Spilled:
        """Add a text, in UTF-8, which comes in parts."""
        start = self.size
        for part in parts:
            rest = memoryview(part)
            while rest:
                written = os.pwrite(self._file.fileno(), rest, self.size)
                self.size += written
                rest = rest[written:]
        return Spilled(start, self.size - start)

    def blocks(self, spilled: Spilled) -> Iterator[bytes]:
        """Yield a text in parts."""
        start, end = spilled.start, spilled.start + spilled.length
        for at in range(start, end, BLOCK):
            yield os.pread(self._file.fileno(), min(BLOCK, end - at), at)

    def view(self, spilled: Spilled) -> memoryview:
        """Return a text as bytes, without a copy of them."""
        if not spilled.length:
            return memoryview(b"")
        before = spilled.start % mmap.ALLOCATIONGRANULARITY  # a map begins at a page
        start, length = spilled.start - before, before + spilled.length
        pages = mmap.mmap(self._file.fileno(), length, access=mmap.ACCESS_READ, offset=start)
        return memoryview(pages)[before:]

    def text(self, spilled: Spilled) -> str:
        """Return a text."""
        return b"".join(self.blocks(spilled)).decode()
