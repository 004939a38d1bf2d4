"""The scripted model as an HTTP server, which remembers what it was asked."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from types import TracebackType
from typing import Any, Final, Self

from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from jupyter_runt.ai.fake.script import Reply, Request, Script, in_order
from jupyter_runt.ai.fake.wire import chat_events, response_events

MODELS: Final = ("scripted",)


class FakeModel(AbstractAsyncContextManager["FakeModel"]):
    """A server on this machine that answers as its script says, on a port of its own.

    Args:
        script: replies in their order, or what makes one for a request.
        models: those that `GET /models` tells of; None: it has no such list.
    """

    def __init__(
        self,
        script: Script | Sequence[Reply],
        *,
        models: Sequence[str] | None = MODELS,
        port: int = 0,
    ) -> None:
        self.script = script if callable(script) else in_order(script)
        self.models = models
        self.requests: list[Request] = []
        """Those that wanted an answer, in their order."""
        self._sockets = bind_sockets(port, "127.0.0.1")
        routes: list[tuple[str, type[RequestHandler], dict[str, Any]]] = [
            (r"/v1/chat/completions", _Answer, {"fake": self, "events": chat_events}),
            (r"/v1/responses", _Answer, {"fake": self, "events": response_events}),
            (r"/v1/models", _Models, {"fake": self}),
        ]
        self._server = HTTPServer(Application(routes, log_function=lambda _handler: None))

    @property
    def url(self) -> str:
        """Its base URL, for clients of OpenAI."""
        return f"http://127.0.0.1:{self._sockets[0].getsockname()[1]}/v1"

    async def __aenter__(self) -> Self:
        """Begin to listen."""
        self._server.add_sockets(self._sockets)
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Close every connection."""
        self._server.stop()
        await self._server.close_all_connections()


class _Answer(RequestHandler):
    _request: Request

    def initialize(
        self, fake: FakeModel, events: Callable[[Reply, str], Iterator[dict[str, Any]]]
    ) -> None:
        self._fake = fake
        self._events = events

    def on_connection_close(self) -> None:
        self._request.closed.set()

    async def post(self) -> None:
        body = json.loads(self.request.body)
        asked = self._request = Request(self.request.path, dict(self.request.headers), body)
        self._fake.requests.append(asked)
        try:
            await self._reply(self._fake.script(asked), str(body.get("model")))
        except (StreamClosedError, _Gone):
            asked.closed.set()
        finally:
            asked.done.set()

    async def _reply(self, reply: Reply, model: str) -> None:
        await self._until(reply.hold_headers)
        for name, value in reply.headers.items():
            self.set_header(name, value)
        if reply.status != 200:
            self.set_status(reply.status)
            self.finish({"error": {"message": reply.message, "type": "scripted", "code": None}})
            return
        self.set_header("Content-Type", "text/event-stream")
        await self.flush()
        for number, event in enumerate(self._events(reply, model)):
            if number == 1:
                await self._until(reply.hold)
            if reply.delay:
                await asyncio.sleep(reply.delay)
            if self._request.closed.is_set():
                raise _Gone
            await self._say(json.dumps(event))
        await self._end(reply)

    async def _say(self, data: str) -> None:
        self.write(f"data: {data}\n\n")
        await self.flush()

    async def _end(self, reply: Reply) -> None:
        if reply.fault == "cut":
            await self._until(reply.hold)
            self.request.connection.stream.close()  # type: ignore[union-attr]
            raise _Gone
        if reply.fault == "garbage":
            await self._say("{this is not JSON")
        elif reply.fault is None and self._events is chat_events:
            await self._say("[DONE]")
        await self.finish()

    async def _until(self, held: asyncio.Event | None) -> None:
        """Wait until the script goes on, or nobody listens any more."""
        if held is None:
            return
        waits = [asyncio.create_task(each.wait()) for each in (held, self._request.closed)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
                with suppress(asyncio.CancelledError):
                    await wait
        if self._request.closed.is_set():
            raise _Gone


class _Gone(Exception):
    """Nobody listens any more."""


class _Models(RequestHandler):
    def initialize(self, fake: FakeModel) -> None:
        self._fake = fake

    def get(self) -> None:
        if self._fake.models is None:
            self.set_status(404)
            self.finish({"error": {"message": "There is no list."}})
            return
        listed = [
            {"id": name, "object": "model", "created": 0, "owned_by": "script"}
            for name in self._fake.models
        ]
        self.finish({"object": "list", "data": listed})
