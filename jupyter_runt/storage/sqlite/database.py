"""The database file and the two threads that use it."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from jupyter_runt.storage.sqlite.connection import Durability, connect, create
from jupyter_runt.storage.sqlite.reader import Reader
from jupyter_runt.storage.sqlite.shortcut import Shortcut
from jupyter_runt.storage.sqlite.worker import Work
from jupyter_runt.storage.sqlite.writer import Writer

T = TypeVar("T")


class Database:
    """Runs work on the database without holding up the event loop."""

    def __init__(
        self,
        path: Path,
        durability: Durability,
        busy_timeout: float,
        make: Callable[[Path, Durability, float], None] = create,
    ) -> None:
        """Name the database; `make` brings it into being, or to the newest schema."""
        self.path = path
        self._make = make
        self._durability = durability
        self._busy_timeout = busy_timeout
        self._writer = Writer(path, self._connect)
        self._reader = Reader(path, partial(self._connect, read_only=True))
        self._shortcut = Shortcut(self._connect) if durability == "process" else None
        self._stack = AsyncExitStack()

    def _connect(self, *, read_only: bool = False) -> sqlite3.Connection:
        return connect(self.path, self._durability, self._busy_timeout, read_only=read_only)

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._make, self.path, self._durability, self._busy_timeout)
        await self._stack.enter_async_context(self._reader)
        await self._stack.enter_async_context(self._writer)
        if self._shortcut is not None:
            self._stack.callback(self._shortcut.close)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def read(self, work: Work[T], *, small: bool = False) -> T:
        """Return what `work` returns; it sees all that is committed.

        Args:
            small: it takes some ten microseconds, so it may be done on the event loop.

        Raises:
            StoreUnavailable: the database cannot be read.
        """
        if small and self._shortcut is not None and self._reader.is_open:
            done = self._shortcut.look(work)
            if done is not None:
                result: T = done.result
                return result
        return await self._reader.run(work)

    async def write(self, work: Work[T]) -> T:
        """Return what `work` returns, once what it wrote is committed.

        Raises:
            StoreUnavailable: nothing was written.
        """
        if self._shortcut is not None:
            self._shortcut.relieved()
        return await self._writer.run(work)

    def write_now(self, work: Work[T]) -> T | None:
        """Do and commit work of some ten microseconds on the event loop.

        Returns None, with nothing written, where it may have to wait: `write` is to do it.
        """
        if self._shortcut is None or not self._writer.idle:
            return None
        done = self._shortcut.attempt(work)
        return None if done is None else done.result
