"""Letting the store's threads run while the event loop is busy."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_FIRST_PAUSE: Final = 0.001
_LAST_PAUSE: Final = 0.064
_LENT: Final = 0.0005


class Handoff:
    """Lends the interpreter to threads that the event loop waits for.

    A busy loop gives up the GIL only around its system calls, for less time than a sleeping thread
    takes to wake; and each time the thread's claim to a forced switch starts anew. Without help one
    append can wait for seconds. So while somebody waits, the loop sleeps for up to half a
    millisecond every now and then, until a thread has finished something. The pauses between grow:
    who waits for a slow disk must not slow the loop down.
    """

    def __init__(self) -> None:
        self._waiting = 0
        self._finished = threading.Event()
        self._pause = _FIRST_PAUSE
        self._timer: asyncio.TimerHandle | None = None

    def finished(self) -> None:
        """Say, from any thread, that something somebody may wait for is done."""
        self._finished.set()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Wait, inside, for what a thread does."""
        self._waiting += 1
        self._pause = _FIRST_PAUSE
        if self._timer is None:
            self._schedule()
        try:
            yield
        finally:
            self._waiting -= 1

    def _schedule(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._pause, self._lend)

    def _lend(self) -> None:
        self._timer = None
        if self._waiting == 0:
            return  # the timer is not cancelled before: one of them serves many short waits
        self._finished.clear()
        if not self._finished.wait(_LENT):
            self._pause = min(2 * self._pause, _LAST_PAUSE)
        self._schedule()
