"""Letting a thread of the store run while the event loop is busy."""

import asyncio
import threading
from typing import Final

_FIRST_PAUSE: Final = 0.001
_LAST_PAUSE: Final = 0.064
_LENT: Final = 0.0005


class Handoff:
    """Lends the interpreter to a thread whose answers the event loop waits for.

    A busy loop gives up the GIL only around its system calls, for less time than a sleeping thread
    takes to wake; and each time the thread's claim to a forced switch starts anew. Without help one
    append can wait for seconds. So while the thread owes answers, the loop sleeps every now and
    then, until there is one or half a millisecond is over. The pauses between grow: a thread that
    waits for a slow disk must not slow the loop down.
    """

    def __init__(self) -> None:
        self._asked = 0
        self._answered = 0
        self._answer = threading.Event()
        self._pause = _FIRST_PAUSE
        self._timer: asyncio.TimerHandle | None = None

    def asked(self) -> None:
        """Note, in the loop, one more question to the thread."""
        self._asked += 1
        self._pause = _FIRST_PAUSE
        if self._timer is None:
            self._schedule()

    def answered(self, count: int) -> None:
        """Note, in the thread, that so many answers are on their way."""
        self._answered += count
        self._answer.set()

    def _schedule(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._pause, self._lend)

    def _lend(self) -> None:
        self._timer = None  # not cancelled when all is answered: one serves many short waits
        self._answer.clear()
        if self._answered == self._asked:
            return
        if not self._answer.wait(_LENT):
            self._pause = min(2 * self._pause, _LAST_PAUSE)
        self._schedule()
