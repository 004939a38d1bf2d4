"""The pace of a published state: at most so often, and said again before it is forgotten."""

import asyncio
from collections.abc import Callable
from typing import Any


class Publisher:
    """Calls `send` with the latest state: at once, then at most every `interval` seconds.

    Without a new state it repeats the last one every `renewal` seconds.
    """

    def __init__(
        self, send: Callable[[dict[str, Any]], None], interval: float, renewal: float
    ) -> None:
        self._send = send
        self._interval = interval
        self._renewal = renewal
        self._state: dict[str, Any] | None = None
        self._sent_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def publish(self, state: dict[str, Any]) -> None:
        """Send `state`, or the state that follows it within `interval`."""
        self._state = state
        now = asyncio.get_running_loop().time()
        self._schedule(max(0.0, self._sent_at + self._interval - now))

    def close(self) -> None:
        """Send nothing more."""
        self._closed = True
        self._cancel()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def _schedule(self, delay: float) -> None:
        self._cancel()
        if self._closed:
            return
        if delay == 0:
            self._fire()
        else:
            self._timer = asyncio.get_running_loop().call_later(delay, self._fire)

    def _fire(self) -> None:
        if self._state is not None:
            self._sent_at = asyncio.get_running_loop().time()
            self._send(self._state)
            self._schedule(self._renewal)
