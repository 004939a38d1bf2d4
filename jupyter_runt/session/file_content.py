"""What was read of a file: held where it is small, and read again where it is large."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from typing import Final
from weakref import finalize

from jupyter_runt.document.spill import BLOCK, FileText, parts_of
from jupyter_runt.errors import FileUnreadable
from jupyter_runt.protocols import FileIdentity

LARGE: Final = 4 << 20
"""Bytes of a file that is not kept in memory by whoever looked at it."""

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


def content_of(file: BufferedReader, path: str) -> tuple[str, FileText]:
    """Return the digest and the content of a file that is open, at its beginning."""
    if os.fstat(file.fileno()).st_size < LARGE:
        data = file.read()
        return hashlib.sha256(data).hexdigest(), data
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    return digest, _Again(path, file.fileno(), digest).parts


class _Again:
    """A file that is open to be read again, also when another one takes its place."""

    def __init__(self, path: str, descriptor: int, digest: str) -> None:
        self._path = path
        self._digest = digest
        self._descriptor = os.dup(descriptor)
        finalize(self, os.close, self._descriptor)

    def parts(self) -> Iterator[bytes]:
        """Yield its content; raises FileUnreadable if that is another one now."""
        digest, at = hashlib.sha256(), 0
        while part := os.pread(self._descriptor, BLOCK, at):
            digest.update(part)
            at += len(part)
            yield part
        if digest.hexdigest() != self._digest:
            raise FileUnreadable(f"{self._path} changes while it is read.", path=self._path)
