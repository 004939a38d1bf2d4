"""Bytes on their way into an artifact, which need not fit into memory."""

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import BinaryIO, Final, cast
from weakref import finalize

from jupyter_runt.artifacts import Artifact

MUCH: Final = 1 << 20
"""Bytes that a spool holds in memory before they are worth a write."""


class Spool:
    """Content on its way into an artifact: in memory at first, then in a file without a name."""

    def __init__(self, mime: str = "text/plain") -> None:
        self._mime = mime
        self._pending: list[bytes] = []
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self.size = 0
        """Bytes in all."""
        self.pending = 0
        """Bytes in memory."""
        self.artifact: Artifact | None = None
        """What it became, once it is kept: there is nothing in the spool any more."""

    def write(self, data: bytes) -> None:
        """Add some bytes, in memory."""
        self._pending.append(data)
        self._hash.update(data)
        self.size += len(data)
        self.pending += len(data)

    def flush(self) -> None:
        """Put into a file what is in memory, as far as the disk takes it; use a thread."""
        with suppress(OSError):  # a full disk: what is left stays in memory
            if self._file is None:
                self._file = cast("BinaryIO", tempfile.TemporaryFile(buffering=0))  # noqa: SIM115
                finalize(self, self._file.close)
            while self._pending:
                written = self._file.write(self._pending[0])
                self.pending -= written
                if written < len(self._pending[0]):
                    self._pending[0] = self._pending[0][written:]
                else:
                    del self._pending[0]

    def described(self) -> Artifact:
        """Return the artifact that it will be."""
        return Artifact(self._hash.hexdigest(), self._mime, self.size)

    def content(self) -> bytes | BinaryIO:
        """Return all bytes, or a file of them; use a thread."""
        self.flush()
        if self._file is None or self._pending:
            return self._in_file() + b"".join(self._pending)
        self._file.seek(0)
        return self._file

    def blocks(self) -> Iterator[bytes]:
        """Yield all bytes in parts; use a thread."""
        content = self.content()
        if isinstance(content, bytes):
            yield content
        else:
            yield from iter(lambda: content.read(MUCH), b"")

    def _in_file(self) -> bytes:
        if self._file is None:
            return b""
        self._file.seek(0)
        return self._file.read()

    def became(self, artifact: Artifact) -> None:
        """Let go of the bytes: they are kept."""
        self.artifact = artifact
        self._pending.clear()
        self.pending = 0
        if self._file is not None:
            self._file.close()


def lines_of(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a text that comes in parts, without their line breaks."""
    left: list[bytes] = []
    for block in blocks:
        first, *others = block.split(b"\n")
        left.append(first)
        for other in others:
            yield b"".join(left)
            left = [other]
    if any(left):
        yield b"".join(left)
