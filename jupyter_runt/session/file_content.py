"""What was read of a file: held where it is small, and read again where it is large."""

import hashlib
import os
from collections.abc import Iterator
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
        """Return it with its digest; takes time the first time.

        Raises:
            FileUnreadable: somebody touched the file since it was opened.
        """
        return replace(self, identity=replace(self.identity, digest=_digest(self.content)))

    def is_of(self, digest: str | None) -> bool:
        """Tell whether the content has a digest, also if the file was renamed; takes time."""
        found = hashlib.sha256()
        for part in parts_of(self.content):
            found.update(part)
        if isinstance(self.content, _LargeFile):
            self.content.note(found.hexdigest())  # who asks next is told what it is
        return found.hexdigest() == digest


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
        self._release = digests.claim(state)
        finalize(self, self._release)
        self._opened = self._info()
        self._digest: str | None = None

    def __call__(self) -> Iterator[bytes]:
        """Yield its content; raises FileUnreadable if that is another one than it was."""
        digest = hashlib.sha256()
        for part in self._parts():
            if self._digest is not None:
                digest.update(part)
            yield part
        if self._digest is not None:
            same = self._digest == digest.hexdigest()
        else:
            same = self._info()[:2] == self._opened[:2]
        if not same:
            raise self._changed()

    def digest(self) -> str:
        """Return SHA-256 (hex) of what is yielded; raises FileUnreadable if there is no telling."""
        if self._digest is None:
            digest = hashlib.sha256()
            for part in self._parts():
                digest.update(part)
            if self._info() != self._opened:
                raise self._changed()
            self._digest = digest.hexdigest()
            self.note(self._digest)
        return self._digest

    def note(self, digest: str) -> None:
        """Tell who asks, or waits, for the digest of the file as it was when it was opened."""
        self._digests.note(self._state, digest)
        self._release()

    def _parts(self) -> Iterator[bytes]:
        at = 0
        while part := os.pread(self._descriptor, BLOCK, at):
            at += len(part)
            yield part

    def _info(self) -> tuple[int, int, int]:
        info = os.fstat(self._descriptor)
        return info.st_size, info.st_mtime_ns, info.st_ctime_ns

    def _changed(self) -> FileUnreadable:
        return FileUnreadable(f"{self._path} changes while it is read.", path=self._path)


def _digest(content: FileText) -> str:
    if isinstance(content, _LargeFile):
        return content.digest()
    return hashlib.sha256(b"".join(parts_of(content))).hexdigest()
