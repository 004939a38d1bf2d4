import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from jupyter_runt.ai import patience
from jupyter_runt.ai.failures import ProviderFailure
from jupyter_runt.ai.patience import Patience, events

pytestmark = pytest.mark.asyncio


class Response:
    def __init__(self, text: str, size: int) -> None:
        sent = text.encode()
        self._pieces = [sent[at : at + size] for at in range(0, len(sent), size)]
        self.headers = {"content-type": "text/event-stream; charset=utf-8"}

    async def iter_bytes(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


async def heard(
    text: str, size: int = 1_000, of: type[Response] = Response
) -> list[dict[str, Any]]:
    closed: list[bool] = []

    @asynccontextmanager
    async def asked() -> AsyncIterator[Response]:
        try:
            yield of(text, size)
        finally:
            closed.append(True)

    try:
        return [event async for event in events(asked(), Patience(), "p")]
    finally:
        assert closed


async def test_events_are_read_however_a_server_writes_them() -> None:
    assert await heard('data: {"a": 1}\n\ndata:{"b": 2}\n\ndata: [DONE]\n\n') == [
        {"a": 1},
        {"b": 2},
    ]
    assert await heard(': ping\n\nevent: x\ndata: {"a":\ndata:  1}\nid: 3\n\n\n') == [{"a": 1}]
    assert await heard('data: {"last": "without an empty line"}') == [
        {"last": "without an empty line"}
    ]
    assert await heard("") == []


class Open(Response):
    """A response of a server that does not close it."""

    async def iter_bytes(self) -> AsyncIterator[bytes]:
        async for piece in super().iter_bytes():
            yield piece
        await asyncio.Event().wait()


async def test_who_says_that_it_is_done_is_not_waited_for() -> None:
    async with asyncio.timeout(30):
        assert await heard('data: {"a": 1}\n\ndata: [DONE]\n\n', of=Open) == [{"a": 1}]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_events_are_whole_wherever_the_network_cuts_them(size: int) -> None:
    spelled = [
        '{"a": "é\u2028\x85"}\r\n\r\n',
        '{"b":\r\ndata: 2}\r\n\r\n',
        '{"c": 3}\r\r',
        "[DONE]",
    ]
    assert await heard("".join(f"data: {each}" for each in spelled), size) == [
        {"a": "é\u2028\x85"},
        {"b": 2},
        {"c": 3},
    ]


@pytest.mark.parametrize("text", ["data: {", "data: [1]", "data: nothing\n\n"])
async def test_what_is_no_event_is_refused(text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        await heard(text)


@pytest.mark.rule("AG5")
async def test_an_event_without_an_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "MAX_EVENT", 5_000)
    assert await heard("data: " + json.dumps({"a": "x" * 4_000}) + "\n\n", size=10)
    with pytest.raises(ProviderFailure, match="p sent an event that is too long"):
        await heard("data: " + "x" * 10_000, size=100)
    with pytest.raises(TypeError, match="nested"):
        await heard("data: " + "[" * 4_000 + "\n\n")
