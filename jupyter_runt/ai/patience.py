"""A provider's stream of events, and how long it may be silent."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from jupyter_runt.ai.failures import ProviderFailure

T = TypeVar("T")

_DONE: Final = "[DONE]"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for a provider."""

    first: float = 300.0
    """For the first of the answer: a local model may have to be loaded."""
    between: float = 300.0
    """For each further piece."""


async def events(
    asked: AbstractAsyncContextManager[Any], patience: Patience, provider: str
) -> AsyncGenerator[dict[str, Any]]:
    """Yield the JSON objects of a response of server-sent events; it is closed whatever happens.

    They are parsed here: the client library makes several objects of each word. Of a server that
    does not stream, the one object that it sends.

    Args:
        asked: a streaming response of the client library, not entered.

    Raises:
        ProviderFailure: the provider was silent for too long.
        ValueError: it sent something else.
        Exception: what the client library or its transport raise.
    """
    async with AsyncExitStack() as stack:
        entering = stack.enter_async_context(asked)
        response = await _in_time(entering, patience.first, provider)
        if response.headers.get("content-type", "").startswith("application/json"):
            yield _parsed([(await _in_time(response.text(), patience.first, provider))]) or {}
            return
        data: list[str] = []
        lines = aiter(response.iter_lines())
        seconds = patience.first
        while (line := await _in_time(anext(lines, None), seconds, provider)) is not None:
            seconds = patience.between
            if line.startswith("data:"):
                data.append(line[5:].removeprefix(" "))
            elif not line and data:
                if (event := _parsed(data)) is not None:
                    yield event
                data = []
        if data and (event := _parsed(data)) is not None:
            yield event


def _parsed(data: list[str]) -> dict[str, Any] | None:
    text = "\n".join(data)
    if text.strip() == _DONE:
        return None
    event = json.loads(text)
    if not isinstance(event, dict):
        raise TypeError("an event is no object")
    return event


async def _in_time(awaited: Awaitable[T], seconds: float, provider: str) -> T:
    try:
        async with asyncio.timeout(seconds) as limit:
            return await awaited
    except TimeoutError:
        if limit.expired():
            raise ProviderFailure(f"{provider} was silent for {seconds:.3g} s.") from None
        raise
