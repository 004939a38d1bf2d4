"""Waking those who wait for a log to grow."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from jupyter_runt.errors import StoreUnavailable
from jupyter_runt.events.base import Event
from jupyter_runt.ids import NotebookId, Seq

TAIL: Final = 64
"""Events that a watch remembers for a reader who keeps up."""


class Watch:
    """One reader's wait for one log. It belongs to the event loop's thread."""

    def __init__(self) -> None:
        self._head = Seq(0)
        self._tail: deque[Event] = deque(maxlen=TAIL)
        self._is_over = False
        self._is_left = False
        self._told = asyncio.Event()

    def announce(self, head: Seq, events: Sequence[Event] = ()) -> None:
        """Note that the log reaches to `head`, and what `events` at its end are."""
        if head > self._head:
            self._head = head
            if not events or (self._tail and self._tail[-1].seq != events[0].seq - 1):
                self._tail.clear()
            self._tail.extend(events)
            self._told.set()

    def end(self) -> None:
        """Note that nothing will be announced any more."""
        self._is_over = True
        self._told.set()

    def leave(self) -> None:
        """Let go whoever waits: the reader went away."""
        self._is_left = True
        self._told.set()

    def tail(self, after: Seq) -> list[Event] | None:
        """Return the events above `after` if every one is remembered here, else None."""
        if not self._tail or self._tail[0].seq > after + 1:
            return None
        return [event for event in self._tail if event.seq > after]

    async def beyond(self, after: Seq) -> Seq:
        """Wait until a head above `after` is announced, and return it; `after` itself on leaving.

        Raises:
            StoreUnavailable: the store was closed.
        """
        while self._head <= after:
            if self._is_left:
                return after
            if self._is_over:
                raise StoreUnavailable("The store was closed.")
            self._told.clear()
            await self._told.wait()
        return self._head


class Growth:
    """Who waits for which log."""

    def __init__(self) -> None:
        self._watches: dict[NotebookId, set[Watch]] = {}
        self._watched = asyncio.Event()

    @property
    def watched(self) -> list[NotebookId]:
        """The logs that somebody waits for."""
        return list(self._watches)

    async def somebody_waits(self) -> None:
        """Wait until anybody waits for any log."""
        await self._watched.wait()

    @contextmanager
    def watch(self, notebook_id: NotebookId) -> Iterator[Watch]:
        """Hear of a log's growth from now on."""
        watch = Watch()
        self._watches.setdefault(notebook_id, set()).add(watch)
        self._watched.set()
        try:
            yield watch
        finally:
            watches = self._watches[notebook_id]
            watches.discard(watch)
            if not watches:
                del self._watches[notebook_id]
            if not self._watches:
                self._watched.clear()

    def announce(self, notebook_id: NotebookId, head: Seq, events: Sequence[Event] = ()) -> None:
        """Wake those who wait for this log, which now ends at `head`, with `events` if known."""
        for watch in self._watches.get(notebook_id, ()):
            watch.announce(head, events)

    def end(self) -> None:
        """Wake everybody who waits: the store closes."""
        for watches in self._watches.values():
            for watch in watches:
                watch.end()
