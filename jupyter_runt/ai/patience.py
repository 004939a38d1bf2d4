"""How long a provider may be silent."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from jupyter_runt.ai.failures import ProviderFailure

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for a provider."""

    first: float = 300.0
    """For the first of the answer: a local model may have to be loaded."""
    between: float = 300.0
    """For each further piece."""


class Stream(Protocol[T_co]):
    """A response that comes in pieces."""

    def __aiter__(self) -> AsyncIterator[T_co]:
        """Return the pieces."""
        ...

    async def close(self) -> None:
        """Close the connection."""
        ...


async def watched(
    asked: Awaitable[Stream[T]], patience: Patience, provider: str
) -> AsyncGenerator[T]:
    """Yield the pieces of a response, and close it whatever happens.

    Raises:
        ProviderFailure: it was silent for too long.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience.first
    try:
        async with asyncio.timeout_at(deadline):
            stream = await asked
    except TimeoutError:
        raise _silent(provider, patience.first) from None
    try:
        pieces = aiter(stream)
        while True:
            try:
                async with asyncio.timeout_at(deadline) as limit:
                    piece = await anext(pieces)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if limit.expired():
                    raise _silent(provider, patience.between) from None
                raise
            yield piece
            deadline = loop.time() + patience.between
    finally:
        await stream.close()


def _silent(provider: str, seconds: float) -> ProviderFailure:
    return ProviderFailure(f"{provider} was silent for {seconds:.3g} s.")
