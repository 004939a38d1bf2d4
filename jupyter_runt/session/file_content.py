"""What was read of a file: held where it is small, and read again where it is large."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedReader
from typing import Final
from weakref import finalize

from jupyter_runt.errors import FileUnreadable
from jupyter_runt.protocols import FileIdentity

LARGE: Final = 4 << 20
"""Bytes of a file that is not kept in memory by whoever looked at it."""

FileStamp = tuple[int | str, ...]
"""Inode, size and modification time (ns), or the like: another stamp may be another content."""


@dataclass(frozen=True, slots=True)
class FileContent:
    """What was read, and from which file."""

    content: bytes | Callable[[], bytes]
    """A large one is read anew by whoever wants it."""
    identity: FileIdentity
    stamp: FileStamp

    @property
    def data(self) -> bytes:
        """The content; use a thread. Raises FileUnreadable if it was overwritten meanwhile."""
        return self.content if isinstance(self.content, bytes) else self.content()


def content_of(file: BufferedReader, path: str) -> tuple[str, bytes | Callable[[], bytes]]:
    """Return the digest and the content of a file that is open, at its beginning."""
    if os.fstat(file.fileno()).st_size < LARGE:
        data = file.read()
        return hashlib.sha256(data).hexdigest(), data
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    return digest, _Again(path, file.fileno(), digest).read


class _Again:
    """A file that is open to be read again, also when another one takes its place."""

    def __init__(self, path: str, descriptor: int, digest: str) -> None:
        self._path = path
        self._digest = digest
        self._descriptor = os.dup(descriptor)
        finalize(self, os.close, self._descriptor)

    def read(self) -> bytes:
        """Return its content; raises FileUnreadable if that is another one now."""
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            file.seek(0)
            data = file.read()
        if hashlib.sha256(data).hexdigest() != self._digest:
            raise FileUnreadable(f"{self._path} changes while it is read.", path=self._path)
        return data
