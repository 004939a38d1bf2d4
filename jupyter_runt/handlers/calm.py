"""When nobody waits for a document: what is in no hurry is done then."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

AFTERWARDS: Final = 1.0
"""Seconds that a page has after its document was opened, to show it."""

PATIENCE: Final = 10.0
"""Seconds that nothing waits longer than."""


class Calm:
    """Knows when documents are opened."""

    def __init__(self, afterwards: float = AFTERWARDS, patience: float = PATIENCE) -> None:
        self._afterwards = afterwards
        self._patience = patience
        self._opening = 0
        self._until = 0.0

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Say that somebody waits for a document."""
        self._opening += 1
        try:
            yield
        finally:
            self._opening -= 1
            self._until = time.monotonic() + self._afterwards

    async def come(self) -> None:
        """Return when nobody waits for a document any more, or has waited for long enough."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                while self._opening or time.monotonic() < self._until:
                    left = self._until - time.monotonic()
                    await asyncio.sleep(self._afterwards if self._opening else left)
