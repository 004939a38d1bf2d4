"""The scripted model in a thread of its own, for tests whose own loop comes and goes."""

import asyncio
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from jupyter_runt.ai.fake.script import Reply, Request, in_order
from jupyter_runt.ai.fake.server import FakeModel


class ScriptedModel:
    """A server that says what the test has it say; `with` begins and ends it."""

    def __enter__(self) -> Self:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with FakeModel([]) as self._fake:
            self._ready.set()
            await self._over.wait()

    @property
    def url(self) -> str:
        """Its base URL."""
        return self._fake.url

    def replies(self, *replies: Reply) -> None:
        """Say this from now on, and forget what was asked."""
        self._fake.requests.clear()
        self._fake.script = in_order(replies)

    @property
    def requests(self) -> Sequence[Request]:
        """What was asked since."""
        return self._fake.requests

    def release(self, held: asyncio.Event) -> None:
        """Let a reply go on that waits for this."""
        self._loop.call_soon_threadsafe(held.set)

    async def closed(self, request: Request, limit: float = 20) -> None:
        """Wait until the client has closed the connection; fails after `limit` seconds."""
        waiting = asyncio.run_coroutine_threadsafe(request.closed.wait(), self._loop)
        await asyncio.wait_for(asyncio.wrap_future(waiting), limit)
