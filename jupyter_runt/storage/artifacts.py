"""Artifacts in a folder, in memory, or in an object store such as S3."""

import hashlib
import re
from asyncio import to_thread
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, Self

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from jupyter_runt.artifacts import Artifact
from jupyter_runt.errors import ArtifactNotFound, StoreUnavailable

BLOCK: Final = 1 << 20
"""Bytes that are read at once."""

REMEMBERED: Final = 10_000
"""Artifacts whose bytes were right when they were last looked at."""

_SHA256: Final = re.compile("[0-9a-f]{64}")
_FAILURES: Final = (BaseError, OSError)


class ObjectArtifacts:
    """An `ArtifactStore` on any store of objects."""

    def __init__(self, objects: ObjectStore, *, folder: Path | None = None) -> None:
        """Keep artifacts in `objects`, whose files, if they are any, are in `folder`."""
        self._objects = objects
        self._folder = folder
        self._checked: OrderedDict[str, str | None] = OrderedDict()
        """By hash, what the store calls this state of the object."""

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        """Return the artifacts in a folder for its owner alone, which is made if need be.

        Raises:
            StoreUnavailable: it cannot be.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
            return cls(LocalStore(folder), folder=folder)
        except _FAILURES as error:
            raise StoreUnavailable(f"{folder} cannot be used: {error}", path=str(folder)) from error

    @classmethod
    def at(cls, url: str) -> Self:
        """Return the artifacts at a URL that `obstore` knows, such as `s3://bucket/prefix`.

        Raises:
            StoreUnavailable: it knows no such URL, or something to reach it is missing.
        """
        try:
            return cls(from_url(url))
        except (*_FAILURES, ValueError) as error:
            raise StoreUnavailable(f"{url} is no place for artifacts: {error}", url=url) from error

    async def put(self, artifact: Artifact, content: bytes | BinaryIO) -> None:
        """Keep some bytes; see `ArtifactStore`."""
        key = _key(artifact.sha256)
        try:
            if self._folder is not None:
                await to_thread(self._write, self._folder, key, artifact.size, content)
            elif not await to_thread(self._has, key, artifact.size):
                await obstore.put_async(self._objects, key, content)
        except _FAILURES as error:
            raise StoreUnavailable(f"An artifact could not be written: {_words(error)}") from error

    def _write(self, folder: Path, key: str, size: int, content: bytes | BinaryIO) -> None:
        if not self._has(key, size):
            obstore.put(self._objects, key, content)
            (folder / key).chmod(0o600)

    def _has(self, key: str, size: int) -> bool:
        try:
            return obstore.head(self._objects, key)["size"] == size
        except FileNotFoundError:
            return False

    async def check(self, sha256: str) -> int:
        """Return the size of an artifact whose bytes are right; see `ArtifactStore`."""
        return await to_thread(self._check, sha256)

    def _check(self, sha256: str) -> int:
        try:
            about = obstore.head(self._objects, _key(sha256))
        except _FAILURES as error:
            raise _gone(sha256, error) from error
        if about["e_tag"] is None or self._checked.get(sha256) != about["e_tag"]:
            for _ in self.blocks(sha256):
                pass  # to have read them is all
            self._checked[sha256] = about["e_tag"]
            if len(self._checked) > REMEMBERED:
                self._checked.popitem(last=False)
        return about["size"]

    async def stream(self, sha256: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield some of the bytes; see `ArtifactStore`."""
        try:
            if start < end:
                found = await obstore.get_async(
                    self._objects, _key(sha256), options={"range": (start, end)}
                )
                async for block in found.stream(min_chunk_size=BLOCK):
                    yield bytes(block)
        except _FAILURES as error:
            raise _gone(sha256, error) from error

    def blocks(self, sha256: str) -> Iterator[bytes]:
        """Yield all bytes; see `ArtifactStore`."""
        digest = hashlib.sha256()
        try:
            for block in obstore.get(self._objects, _key(sha256)).stream(min_chunk_size=BLOCK):
                data = bytes(block)
                digest.update(data)
                yield data
        except _FAILURES as error:
            raise _gone(sha256, error) from error
        if digest.hexdigest() != sha256:
            # What is put there the next time must be written.
            self.delete(sha256)
            raise ArtifactNotFound("The artifact was damaged on its disk.", sha256=sha256)

    def load(self, sha256: str) -> bytes:
        """Return all bytes; see `ArtifactStore`."""
        return b"".join(self.blocks(sha256))

    def written_before(self, time: datetime) -> Iterator[str]:
        """Yield the artifacts that were written before a moment; see `ArtifactStore`."""
        try:
            for page in obstore.list(self._objects):
                for found in page:
                    name = found["path"].rpartition("/")[2]
                    if found["last_modified"] < time and _SHA256.fullmatch(name):
                        yield name
        except _FAILURES as error:
            raise StoreUnavailable(f"Artifacts could not be listed: {_words(error)}") from error

    def delete(self, sha256: str) -> None:
        """Remove an artifact; see `ArtifactStore`."""
        self._checked.pop(sha256, None)
        try:
            obstore.delete(self._objects, _key(sha256))
        except FileNotFoundError:
            return
        except _FAILURES as error:
            raise StoreUnavailable(f"An artifact could not be removed: {_words(error)}") from error


def _key(sha256: str) -> str:
    """Return where an artifact is; a folder of all of them would be slow to list."""
    return f"{sha256[:2]}/{sha256}"


def _gone(sha256: str, error: Exception) -> ArtifactNotFound | StoreUnavailable:
    if isinstance(error, FileNotFoundError):
        return ArtifactNotFound("The artifact is gone.", sha256=sha256)
    return StoreUnavailable(f"An artifact could not be read: {_words(error)}")


def _words(error: Exception) -> str:
    """Return the first line of an error: `obstore` adds its own internals."""
    return str(error).partition("\n")[0]
