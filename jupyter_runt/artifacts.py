"""Artifacts: what is too large for a document, kept beside it under the hash of its content."""

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from jupyter_runt.ids import NotebookId


@dataclass(frozen=True, slots=True)
class Artifact:
    """Some bytes, and what they are."""

    sha256: str
    """Of the bytes, in hex."""
    mime: str
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Holding:
    """An artifact that counts for a notebook (AR2)."""

    artifact: Artifact
    held_at: str
    """When it last came to count, as events tell times."""


class ArtifactStore(Protocol):
    """Bytes by their hash. What is read is what was written, or an error (AR1).

    Methods that are not coroutines take time: call them in a thread.
    """

    async def put(self, artifact: Artifact, content: bytes | BinaryIO) -> None:
        """Keep some bytes, unless they are there already; durable on return.

        Raises:
            StoreUnavailable: they could not be written.
        """
        ...

    async def check(self, sha256: str) -> int:
        """Return the size of an artifact whose bytes are right; raises ArtifactNotFound."""
        ...

    def stream(self, sha256: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes from `start` to before `end` of an artifact that was checked.

        Raises:
            ArtifactNotFound: it is gone.
        """
        ...

    def blocks(self, sha256: str) -> Iterator[bytes]:
        """Yield all bytes of an artifact.

        Raises:
            ArtifactNotFound: it is gone or damaged; the latter only after the last block.
        """
        ...

    def load(self, sha256: str) -> bytes:
        """Return all bytes of an artifact; raises ArtifactNotFound if it is gone or damaged."""
        ...

    def written_before(self, time: datetime) -> Iterator[str]:
        """Yield the artifacts that were written before a moment, which has a time zone."""
        ...

    def delete(self, sha256: str) -> None:
        """Remove an artifact; nothing happens if it is gone."""
        ...


class ArtifactTable(Protocol):
    """Which artifacts count for which notebook."""

    async def hold(self, notebook_id: NotebookId, artifacts: Sequence[Artifact]) -> None:
        """Have artifacts count for a notebook, from now on at least for the grace period."""
        ...

    async def share(
        self, notebook_id: NotebookId, sha256s: Collection[str], deleted_after: str
    ) -> None:
        """Have artifacts count for a notebook too that count for another one.

        Args:
            deleted_after: when that may have been deleted at the earliest, as events tell times.
        """
        ...

    async def held(
        self, notebook_id: NotebookId, sha256s: Collection[str] | None = None
    ) -> dict[str, Holding]:
        """Return the artifacts that count for a notebook, or those of them that are asked for."""
        ...

    async def holders(self) -> list[NotebookId]:
        """Return the notebooks for which artifacts count."""
        ...

    async def unheld(self, sha256s: Collection[str]) -> set[str]:
        """Return which artifacts count for nobody."""
        ...

    async def mentioned(self, notebook_id: NotebookId, sha256s: Collection[str]) -> set[str]:
        """Return which hashes stand anywhere in what is kept of a notebook's history.

        Costs the length of the history.
        """
        ...

    async def let_go(
        self, notebook_id: NotebookId, sha256s: Collection[str], until: str
    ) -> list[str]:
        """Have artifacts count no more that were held last at or before `until`; return those."""
        ...

    async def discard(self, sha256: str, delete: Callable[[], None]) -> bool:
        """Call `delete` if the artifact counts for nobody; nobody can begin to hold it meanwhile.

        Returns:
            Whether it did.
        """
        ...
