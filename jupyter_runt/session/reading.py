"""A file that was read, and is understood when somebody asks for that."""

import asyncio
from asyncio import to_thread
from collections.abc import Callable, Coroutine
from typing import Any

from jupyter_runt.session.content import Content
from jupyter_runt.session.file_content import FileContent


class Reading:
    """One look at a document's file. To parse and to check it takes time: each is done once."""

    def __init__(
        self,
        file: FileContent,
        path: str,
        content: Content[Any, Any],
        client_of: Callable[[Any], Coroutine[Any, Any, int]],
    ) -> None:
        self.file = file
        self._known = file.identity.digest
        self._path = path
        self._content = content
        self._client_of = client_of
        self._parsed: Any = None
        self._client_id: int | None = None

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of what was read; empty as long as that is not known."""
        return self.file.identity.digest or ""

    @property
    def is_parsed(self) -> bool:
        """Whether somebody has asked for the content already."""
        return self._parsed is not None

    async def parsed(self) -> Any:
        """Return the content as documents have it; raises FileUnreadable or NotANotebook."""
        if self._parsed is None:
            parsed = await to_thread(self._parse)
            # It is the whole that is signed: both read all of it, each in a thread.
            try:
                async with asyncio.TaskGroup() as group:
                    client_id = group.create_task(self._client_of(parsed))
                    taken_in = group.create_task(self._content.taken_in(parsed))
            except ExceptionGroup as faults:
                raise faults.exceptions[0] from None
            self._client_id, self._parsed = client_id.result(), taken_in.result()
        return self._parsed

    def _parse(self) -> Any:
        return self._content.parse(self.file.content, self._path)

    async def is_other(self) -> bool:
        """Tell whether the content is another one than the file was known to have; takes time."""
        if self._known is None:
            return False
        return not await to_thread(self.file.is_of, self._known)

    async def client_id(self) -> int:
        """Return the Yjs client id that says how far the outputs in it can be trusted (EX9)."""
        if self._client_id is None:
            await self.parsed()
        return self._client_id or 0
