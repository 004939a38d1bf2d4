"""A scripted model beside the browser, which says what a test has it say, when it has it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from jupyter_runt.ai.fake.script import Reply, Request
from jupyter_runt.ai.fake.server import FakeModel


class Model:
    """A scripted model whose replies a test adds while people ask it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._replies: list[Reply] = []
        self.server = FakeModel(self._next)

    @property
    def environment(self) -> dict[str, str]:
        """What a server has in its environment to ask it."""
        return {"OPENAI_BASE_URL": self.server.url, "OPENAI_API_KEY": "a-key-for-tests"}

    def forget(self) -> None:
        """Say nothing of what was to be said, and know nothing of what was asked."""
        self._replies.clear()
        self.server.requests.clear()

    def says(self, *replies: Reply) -> None:
        """Answer the next questions with these."""
        self._replies += replies

    def goes_on(self, hold: asyncio.Event) -> None:
        """Let a reply go on that is held."""
        self._loop.call_soon_threadsafe(hold.set)

    def _next(self, _request: Request) -> Reply:
        return self._replies.pop(0) if self._replies else Reply("There is nothing to say.")


@contextmanager
def scripted_model() -> Iterator[Model]:
    """Give a model that listens, in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    model = Model(loop)
    try:
        asyncio.run_coroutine_threadsafe(model.server.__aenter__(), loop).result(10)
        yield model
        asyncio.run_coroutine_threadsafe(model.server.__aexit__(None, None, None), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
