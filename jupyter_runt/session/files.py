"""The file of a document: where it is, what it holds, and how it is written."""

import errno
import hashlib
import os
import posixpath
import re
import secrets
import time
from asyncio import to_thread
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jupyter_core.paths import is_hidden

from jupyter_runt.document.spill import FileText, parts_of
from jupyter_runt.errors import FileUnreadable, NotANotebook, NotebookNotFound, RuntError
from jupyter_runt.protocols import FileIdentity
from jupyter_runt.session.digests import Digests, state_of
from jupyter_runt.session.file_content import FileContent, FileStamp, content_of
from jupyter_runt.session.renaming import EXCHANGE, NOREPLACE, rename, take_after

MAX_FILE_BYTES = 1 << 30


LEFTOVER_SECONDS = 600.0
"""What a process that was killed left of a save is older than this; nobody else's save is."""

_TEMPORARY = re.compile(r"\.runt-[0-9a-f]{16}\.tmp")
_ASIDE = ".old"
"""Instead of `.tmp` from when on the name may be that of somebody's file: such are never swept."""


class FileNotWritten(Exception):
    """The file could not be written; the message says why, for a person."""


class FileGone(FileNotWritten):
    """The file is not where it was, and it is too early to write it anew."""


class FileChanged(FileGone):
    """Somebody else changed or moved the file in the middle of a write."""


@dataclass(frozen=True, slots=True)
class Written:
    """What the file holds after a write."""

    identity: FileIdentity
    stamp: FileStamp
    content_hash: str | None
    """The hash that the contents API tells of it, if it does."""
    rewritten: bytes | None = None
    """The content, where it may be another one than was written."""


class Files(Protocol):
    """How documents reach their files. `path` is a root-relative API path in any spelling."""

    @property
    def rewrites(self) -> bool:
        """Whether somebody else has a say in what a file holds after a write."""
        ...

    async def identify(self, path: str) -> FileIdentity:
        """Return the identity of a file, without its digest.

        Raises:
            NotebookNotFound: there is no such file.
            FileUnreadable: it is a folder, or permission is missing.
        """
        ...

    async def read(
        self, path: str, *, hashed: bool = True, known: FileIdentity | None = None
    ) -> FileContent:
        """Return a file's content; raises as `identify`, and FileUnreadable above 1 GiB.

        Args:
            hashed: whether a large file's digest is needed, which takes time.
            known: what it was; for the digest of a large one that nobody touched it is not read.
        """
        ...

    async def write(self, path: str, text: FileText, over: FileStamp | None) -> Written:
        """Replace a file's content atomically.

        Args:
            over: the stamp of what is replaced; None where there is no file.

        Raises:
            FileChanged: the file has another stamp now, or none.
            FileNotWritten: the old content is still there.
        """
        ...

    async def whereabouts(self, path: str, known: FileIdentity) -> str | None:
        """Return where in its folder a file is that was at `path`, if there is no doubt."""
        ...

    async def stamp(self, path: str) -> FileStamp | None:
        """Return the stamp of a file, None if it is gone."""
        ...

    def exists(self, path: str) -> bool:
        """Tell whether there is a file; called in a thread."""
        ...


class LocalFiles:
    """Files below a root folder, written as Jupyter's file contents manager would."""

    rewrites = False

    def __init__(
        self, root: Path, *, hash_algorithm: str = "sha256", allow_hidden: bool = False
    ) -> None:
        self._root = root.resolve()
        self._allow_hidden = allow_hidden
        self._hash_algorithm = hash_algorithm
        self._swept: dict[Path, float] = {}
        self._digests = Digests()

    async def identify(self, path: str) -> FileIdentity:
        """See `Files`."""
        return await to_thread(self._identify, path)

    async def read(
        self, path: str, *, hashed: bool = True, known: FileIdentity | None = None
    ) -> FileContent:
        """See `Files`."""
        if known is not None:
            self._digests.note(known.state, known.digest)
        return await to_thread(self._read, path, hashed=hashed)

    async def stamp(self, path: str) -> FileStamp | None:
        """See `Files`."""
        return await to_thread(self._stamp, path)

    async def write(self, path: str, text: FileText, over: FileStamp | None) -> Written:
        """See `Files`."""
        return await to_thread(self._write, path, text, over)

    async def whereabouts(self, path: str, known: FileIdentity) -> str | None:
        """See `Files`. Inodes are used again at once, so the content has to be the same too."""
        return await to_thread(self._whereabouts, path, known)

    def exists(self, path: str) -> bool:
        """See `Files`. Where a link took its place, the file is somewhere else."""
        return self.real_path(path) == normal_path(path) and (self._root / path).is_file()

    def told_hash(self, path: str) -> str:
        """Return the hash that the contents API tells of a file; raises as `identify`."""
        with _explained(path), (self._root / self._visible(path)).open("rb") as file:
            if self._hash_algorithm == "sha256":
                return self._digests.of_file(file)
            return hashlib.file_digest(file, self._hash_algorithm).hexdigest()

    def content_hash(self, data: bytes) -> str:
        """Return the hash that the contents API tells of a content."""
        return hashlib.new(self._hash_algorithm, data).hexdigest()

    def real_path(self, path: str) -> str:
        """Return the one spelling of a path: root-relative, without links, `.` and leading `/`.

        A link that leads out of the root keeps its own name: it has no other one here.
        """
        spelled = normal_path(path)
        try:
            real = (self._root / spelled).resolve()
        except RuntimeError:  # links in a circle
            return spelled
        if real.is_relative_to(self._root):
            return real.relative_to(self._root).as_posix()
        return spelled

    def _visible(self, path: str) -> str:
        """Return `real_path`; what the contents API does not show is not there for us either."""
        real = self.real_path(path)
        names = (normal_path(path), real)
        hidden = (is_hidden(str(self._root / name), str(self._root)) for name in names)
        if not self._allow_hidden and any(hidden):
            raise FileNotFoundError(path)
        return real

    def _identify(self, path: str) -> FileIdentity:
        with _explained(path):
            real = self._visible(path)
            info = (self._root / real).stat()
        if not (self._root / real).is_file():
            raise FileUnreadable(f"{path} is not a file.", path=path)
        return FileIdentity(real, info.st_dev, info.st_ino)

    def _read(self, path: str, *, hashed: bool = True) -> FileContent:
        with _explained(path):
            real = self._visible(path)
            with (self._root / real).open("rb") as file:
                info = os.fstat(file.fileno())
                if info.st_size >= MAX_FILE_BYTES:
                    raise too_large(path, info.st_size)
                state = state_of(info)
                content = content_of(file, path, self._digests, state)
            digest = self._digests.of(state) if hashed else None
            identity = FileIdentity(real, info.st_dev, info.st_ino, digest, state=state)
            read = FileContent(content, identity, _stamp_of(info))
            wanted = hashed or isinstance(content, bytes)
            return read.hashed() if wanted and digest is None else read

    def _stamp(self, path: str) -> FileStamp | None:
        try:
            return _stamp_of((self._root / self.real_path(path)).stat())
        except OSError:
            return None

    def _whereabouts(self, path: str, known: FileIdentity) -> str | None:
        folder = (self._root / self.real_path(path)).parent
        try:
            with os.scandir(folder) as entries:
                names = [entry.name for entry in entries if entry.inode() == known.inode]
            (name,) = names  # two are hard links, of which neither is the one
            place = (folder / name).relative_to(self._root).as_posix()
            found = self._read(place).identity
        except (OSError, ValueError, RuntError):
            return None
        return place if _same_file(found, known) else None

    def _write(self, path: str, text: FileText, over: FileStamp | None) -> Written:
        real = self.real_path(path)
        target = (self._root / real).resolve()
        self._sweep(target.parent)
        try:
            digests = [hashlib.sha256(), hashlib.new(self._hash_algorithm)]
            info = _replace(target, _told(text, digests), over)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise FileNotWritten(f"{path} could not be written: {reason}.") from error
        digest, told = (each.hexdigest() for each in digests)
        state = state_of(info, ours=True)
        identity = FileIdentity(real, info.st_dev, info.st_ino, digest, state=state)
        return Written(identity, _stamp_of(info), told)

    def _sweep(self, folder: Path) -> None:
        """Remove what a server that was killed left beside the files, now and then."""
        if time.monotonic() - self._swept.get(folder, -LEFTOVER_SECONDS) < LEFTOVER_SECONDS:
            return
        self._swept[folder] = time.monotonic()
        until = time.time() - LEFTOVER_SECONDS
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if _TEMPORARY.fullmatch(entry.name) and entry.stat().st_mtime < until:
                    Path(entry.path).unlink(missing_ok=True)


def _told(text: FileText, digests: Sequence["hashlib._Hash"]) -> Iterator[bytes]:
    """Yield the parts of a text, and tell each of them to digests."""
    for part in parts_of(text):
        for digest in digests:
            digest.update(part)
        yield part


def _same_file(one: FileIdentity, other: FileIdentity) -> bool:
    return (one.device, one.inode, one.digest) == (other.device, other.inode, other.digest)


def _stamp_of(info: os.stat_result) -> FileStamp:
    return info.st_ino, info.st_size, info.st_mtime_ns


def too_large(path: str, size: int) -> FileUnreadable:
    """Return the error of a file that is not read."""
    return FileUnreadable(f"{path} is too large to open: {size / 1e9:.1f} GB.", path=path)


def is_notebook(path: str) -> bool:
    """Tell whether a path is a notebook's."""
    return path.endswith(".ipynb")


def require_notebook(path: str) -> None:
    """Raise NotANotebook unless a path is a notebook's."""
    if not is_notebook(normal_path(path)):
        raise NotANotebook(f"{path} is not a notebook: its name does not end in .ipynb.", path=path)


def normal_path(path: str) -> str:
    """Return an API path without `.`, doubled or leading slashes; `..` stops at the root."""
    return posixpath.normpath("/" + path).lstrip("/")


def is_within(path: str, folder: str) -> bool:
    """Tell whether a path is `folder` itself or below it."""
    return path == folder or path.startswith(f"{folder}/")


def _replace(target: Path, parts: Iterable[bytes], over: FileStamp | None) -> os.stat_result:
    """Write beside the target, then rename over it; a reader sees the old or the new file."""
    # Short: with the target's own name in it, a long one could never be saved.
    temporary = target.with_name(f".runt-{secrets.token_hex(8)}.tmp")
    exists = over is not None
    _check_is(target, over)
    if exists and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "read-only")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        descriptor = os.open(temporary, flags, 0o600 if exists else 0o666)
    except PermissionError:
        if exists:
            _check_is(target, over)
            return _overwrite(target, parts)  # a writable file in a folder that is not
        raise
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
            info = os.fstat(file.fileno())  # of ours: once it is in place, others may replace it
        there = _check_is(target, over)  # to write took time, in which it may have been moved
        if there is not None:
            take_after(temporary, target, there)
        _put(temporary, target, over, _stamp_of(info))
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise
    with suppress(OSError):
        now = target.stat()  # to move it was a change of its state
        return now if _stamp_of(now) == _stamp_of(info) else info
    return info


def _put(temporary: Path, target: Path, over: FileStamp | None, ours: FileStamp) -> None:
    """Rename over the target, but over nothing that came there after the last look."""
    if over is None:
        try:
            if not rename(temporary, target, NOREPLACE):
                temporary.replace(target)
        except FileExistsError as error:
            raise _changed(target) from error
        return
    aside = temporary.rename(temporary.with_suffix(_ASIDE))
    try:
        if not rename(aside, target, EXCHANGE):
            aside.replace(target)
            return
    except OSError as error:
        aside.unlink()
        if isinstance(error, FileNotFoundError):
            raise _changed(target) from error
        raise
    if theirs := _stamp_of(aside.lstat()) != over:
        rename(aside, target, EXCHANGE)
        if _stamp_of(aside.lstat()) != ours:  # replaced once more meanwhile: the newest stays
            rename(aside, target, EXCHANGE)
    aside.unlink()
    if theirs:
        raise _changed(target)


def _changed(target: Path) -> FileChanged:
    return FileChanged(f"{target.name} was changed or moved while it was being saved.")


def _check_is(target: Path, over: FileStamp | None) -> os.stat_result | None:
    """Raise FileChanged unless a file has a stamp; return how it is, None if there is none."""
    try:
        info = target.stat()
    except FileNotFoundError:
        info = None
    if (info and _stamp_of(info)) != over:
        raise _changed(target)
    return info


def _overwrite(target: Path, parts: Iterable[bytes]) -> os.stat_result:
    with target.open("wb") as file:
        file.writelines(parts)
        file.flush()
        os.fsync(file.fileno())
        return os.fstat(file.fileno())


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Turn the operating system's errors into ours, in words."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # a null byte is a value
        raise NotebookNotFound(f"There is no file {path}.", path=path) from error
    except PermissionError as error:
        raise FileUnreadable(f"You may not read {path}.", path=path) from error
    except IsADirectoryError as error:
        raise FileUnreadable(f"{path} is a folder.", path=path) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise FileUnreadable(f"{path} cannot be read: {reason}.", path=path) from error
