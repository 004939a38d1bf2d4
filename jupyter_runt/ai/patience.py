"""A provider's stream of events, and how long it may be silent."""

import asyncio
import json
from codecs import getincrementaldecoder
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from dataclasses import dataclass
from io import IncrementalNewlineDecoder
from typing import Any, Final, TypeVar

from jupyter_runt.ai.failures import ProviderFailure

T = TypeVar("T")

GATHERING: Final = 0.1
"""Seconds between two looks at what a provider sends word by word."""

EAGER: Final = 8
"""Pieces that are taken one by one: among them is the first word."""

AWAITED: Final = 0.001
"""Seconds after which a piece was waited for; one that comes faster was there."""

MAX_EVENT: Final = 16 << 20
"""Characters of one event."""

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

    They are parsed here: the client library makes several objects of each word, and ends lines
    where JSON does not. Of a server that does not stream, the one object that it sends.

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
            yield _parsed(await _in_time(response.text(), patience.first, provider))
            return
        utf8 = getincrementaldecoder("utf-8")("replace")
        newlines = IncrementalNewlineDecoder(utf8, translate=True)
        blocks = _Blocks()
        async with aclosing(_pieces(response.iter_bytes(), patience, provider)) as pieces:
            async for piece in pieces:
                for block in blocks.take(newlines.decode(piece)):
                    if (data := _data(block)) == _DONE:
                        return  # some servers leave the connection open
                    if data:
                        yield _parsed(data)
                if blocks.held > MAX_EVENT:
                    raise ProviderFailure(f"{provider} sent an event that is too long.")
        data = _data(blocks.rest() + newlines.decode(b"", final=True))
        if data and data != _DONE:
            yield _parsed(data)


class _Blocks:
    """Cuts a text that comes in pieces at its empty lines, in time that grows with the text."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.held = 0
        """How much has come since the last empty line."""

    def take(self, text: str) -> list[str]:
        """Return the blocks that are whole now."""
        end = self._parts[-1][-1:] if self._parts else ""
        if text:
            self._parts.append(text)
            self.held += len(text)
        if "\n\n" not in end + text:
            return []
        *blocks, rest = self.rest().split("\n\n")
        self._parts, self.held = [rest] if rest else [], len(rest)
        return blocks

    def rest(self) -> str:
        """Return what came after the last empty line."""
        return "".join(self._parts)


async def _pieces(
    sent: AsyncIterator[bytes], patience: Patience, provider: str
) -> AsyncGenerator[bytes]:
    """Yield what is sent; what comes little by little is left to gather before it is read.

    Each time that a socket is read costs as much as all that is done with a word.
    """
    clock = asyncio.get_running_loop().time
    due, eager = 0.0, EAGER
    seconds = patience.first
    while True:
        asked = clock()
        piece = await _in_time(anext(sent, None), seconds, provider)
        if piece is None:
            return
        seconds = patience.between
        if (now := clock()) - asked > AWAITED:
            if eager:
                eager -= 1
            elif now < due:
                await asyncio.sleep(due - now)
            due = max(now, due) + GATHERING
        yield piece


def _data(block: str) -> str:
    """Return what the lines of an event say, if anything."""
    data = [line[5:].removeprefix(" ") for line in block.split("\n") if line.startswith("data:")]
    return "\n".join(data).strip()


def _parsed(text: str) -> dict[str, Any]:
    try:
        event = json.loads(text)
    except RecursionError:
        raise TypeError("an event is nested too deeply") from None
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
