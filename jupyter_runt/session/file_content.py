"""What was read of a file: held where it is small, and read again where it is large."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from io import BufferedReader
from typing import Self
from weakref import finalize

from jupyter_runt.document.spill import BLOCK, FileText, parts_of
from jupyter_runt.errors import FileUnreadable
from jupyter_runt.protocols import FileIdentity
from jupyter_runt.session.digests import Digests, is_large

FileStamp = tuple[int | str, ...]
"""Inode, size and modification time (ns), or the like: another stamp may be another content."""


@dataclass(frozen=True, slots=True)
class FileContent:
    """What was read, and from which file."""

    content: FileText
    """A large one is read anew by whoever wants it; use a thread.

    Raises FileUnreadable, after the last part, if it was overwritten meanwhile.
    """
    identity: FileIdentity
    stamp: FileStamp

    @property
    def data(self) -> bytes:
        """All of the content."""
        return b"".join(parts_of(self.content))

    def hashed(self) -> Self:
        """Return it with its digest; takes time where nobody has read the content through."""
        return replace(self, identity=replace(self.identity, digest=_digest(self.content)))


def content_of(file: BufferedReader, path: str, digests: Digests, state: str | None) -> FileText:
    """Return the content of a file that is open, at its beginning.

    Args:
        state: the file's; who reads a large one through tells `digests` of it.
    """
    if not is_large(os.fstat(file.fileno())):
        return file.read()
    return _LargeFile(path, file.fileno(), digests, state)


class _LargeFile:
    """A file that is open to be read again, also when another one takes its place."""

    def __init__(self, path: str, descriptor: int, digests: Digests, state: str | None) -> None:
        self._path = path
        self._digests = digests
        self._state = state
        self._descriptor = os.dup(descriptor)
        finalize(self, os.close, self._descriptor)
        self._last_write = self._written()
        self.digest: str | None = None
        """SHA-256 (hex), once it was read through."""

    def __call__(self) -> Iterator[bytes]:
        """Yield its content; raises FileUnreadable if that is another one than it was."""
        digest, at = hashlib.sha256(), 0
        hashed: Future[None] | None = None
        with self._digests.making(self._state):
            with ThreadPoolExecutor(1) as beside:  # whoever takes a part works on it meanwhile
                while part := os.pread(self._descriptor, BLOCK, at):
                    if hashed is not None:
                        hashed.result()
                    hashed = beside.submit(digest.update, part)
                    at += len(part)
                    yield part
            if self.digest is None and self._written() == self._last_write:
                self.digest = digest.hexdigest()
                self._digests.note(self._state, self.digest)
        if digest.hexdigest() != self.digest:
            raise FileUnreadable(f"{self._path} changes while it is read.", path=self._path)

    def _written(self) -> tuple[int, int]:
        info = os.fstat(self._descriptor)
        return info.st_size, info.st_mtime_ns


def _digest(content: FileText) -> str:
    if isinstance(content, _LargeFile):
        while content.digest is None:
            for _ in content():
                pass  # to have read it through is all
        return content.digest
    return hashlib.sha256(b"".join(parts_of(content))).hexdigest()
