"""Things that are open once each, for as long as somebody needs them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from jupyter_runt.rooms.work import RoomClosed
from jupyter_runt.session.hosting import Hosted


class Pooled(Protocol):
    """What a pool needs to know of its things."""

    @property
    def idle(self) -> bool:
        """Whether nobody needs it, apart from those who use it through the pool."""
        ...


T = TypeVar("T", bound=Pooled)


@dataclass(slots=True)
class _Entry(Generic[T]):
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    hosted: Hosted[T] | None = None
    users: int = 0
    idle_since: float | None = None


class Pool(Generic[T]):
    """Opens a thing when it is first used, and closes it some time after the last need ended.

    Args:
        open_one: makes the thing of a key, to be entered in a task of its own.
        keep: seconds that an idle thing stays open.
    """

    def __init__(
        self,
        group: asyncio.TaskGroup,
        open_one: Callable[[str], AbstractAsyncContextManager[T]],
        keep: float,
    ) -> None:
        self._group = group
        self._open_one = open_one
        self._keep = keep
        self._entries: dict[str, _Entry[T]] = {}
        self._closed = False

    def open_ones(self) -> list[T]:
        """Return what is open now."""
        return [value for _, value in self.open_by_key()]

    def open_by_key(self) -> list[tuple[str, T]]:
        """Return what is open now, by key."""
        return [(key, value) for key in list(self._entries) if (value := self.get(key)) is not None]

    def keys(self) -> list[str]:
        """Return the keys of what is open, opens or closes."""
        return list(self._entries)

    def get(self, key: str) -> T | None:
        """Return the thing of a key if it is open."""
        entry = self._entries.get(key)
        if entry is None or entry.hosted is None or entry.hosted.done:
            return None
        return entry.hosted.value

    @asynccontextmanager
    async def use(self, key: str) -> AsyncIterator[T]:
        """Keep the thing of a key open.

        Raises:
            RoomClosed: nothing is opened any more.
            Exception: what opening it raised.
        """
        entry = self._entries.setdefault(key, _Entry())
        entry.users += 1
        try:
            async with entry.lock:
                if entry.hosted is None or entry.hosted.done:
                    if self._closed:
                        raise RoomClosed("The server is stopping.")
                    entry.hosted = await Hosted.open(self._group, self._open_one(key), key)
            yield entry.hosted.value
        finally:
            entry.users -= 1
            if entry.hosted is None and not entry.users:
                self._entries.pop(key, None)

    async def close_idle(self) -> None:
        """Close what was idle for `keep` seconds."""
        now = time.monotonic()
        for key, entry in list(self._entries.items()):
            if entry.users or entry.hosted is None or not entry.hosted.value.idle:
                entry.idle_since = None
                continue
            if entry.idle_since is None:
                entry.idle_since = now
            if now - entry.idle_since >= self._keep:
                await self._close(key, entry)

    async def vacate(self, key: str) -> bool:
        """Close the thing of a key if nobody needs it, and return whether nobody does."""
        entry = self._entries.get(key)
        if entry is None:
            return True
        if entry.users or (entry.hosted is not None and not entry.hosted.value.idle):
            return False
        await self._close(key, entry)
        return True

    async def close_one(self, key: str) -> None:
        """Close the thing of a key, if it is open."""
        entry = self._entries.get(key)
        if entry is not None:
            await self._close(key, entry)

    async def close(self) -> None:
        """Close everything, and open nothing any more."""
        self._closed = True
        entries = list(self._entries.items())
        await asyncio.gather(*(self._close(key, entry) for key, entry in entries))

    async def _close(self, key: str, entry: _Entry[T]) -> None:
        async with entry.lock:  # who comes meanwhile waits, and opens it anew
            if entry.hosted is not None:
                await entry.hosted.close()
                entry.hosted = None
        if not entry.users:
            self._entries.pop(key, None)
