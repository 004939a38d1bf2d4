from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from jupyter_runt.ai.patience import Patience, events

pytestmark = pytest.mark.asyncio


class Response:
    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self.headers = {"content-type": "text/event-stream; charset=utf-8"}

    async def iter_lines(self) -> AsyncIterator[str]:
        for line in self._lines:
            yield line


async def heard(text: str) -> list[dict[str, Any]]:
    closed: list[bool] = []

    @asynccontextmanager
    async def asked() -> AsyncIterator[Response]:
        try:
            yield Response(text)
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


@pytest.mark.parametrize("text", ["data: {", "data: [1]", "data: nothing\n\n"])
async def test_what_is_no_event_is_refused(text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        await heard(text)
