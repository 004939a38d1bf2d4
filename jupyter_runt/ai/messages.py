"""A conversation with a model, in words of our own: each API's adapter translates them."""

import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from jupyter_runt.events.agent import Usage
from jupyter_runt.tools import Image, ToolSpec


@dataclass(frozen=True, slots=True)
class System:
    """What we tell the model about its task."""

    text: str


@dataclass(frozen=True, slots=True)
class User:
    """What is asked, and what there is to know for it."""

    text: str
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool, as the model wrote it."""

    wire_id: str
    """The model's own id of it: some use the same ones again and again."""
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Assistant:
    """What the model said."""

    text: str
    calls: tuple[Call, ...] = ()
    opaque: tuple[dict[str, Any], ...] = ()
    """What its API wants back as it was, such as encrypted reasoning."""


@dataclass(frozen=True, slots=True)
class Returned:
    """What a call led to."""

    wire_id: str
    text: str
    images: tuple[Image, ...] = ()


Message = System | User | Assistant | Returned

Finish = Literal["stop", "length", "filter"]


@dataclass(frozen=True, slots=True)
class Delta:
    """More of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """The model is done for now: it answered, or wants its calls answered."""

    message: Assistant
    finish: Finish
    usage: Usage | None


def usage_of(read: Any, wrote: Any) -> Usage:
    """Return what a provider counted; what is no count is none, and spoils no answer."""
    return Usage(input_tokens=_count(read), output_tokens=_count(wrote))


def arguments_of(value: Any) -> str:
    """Return a call's arguments as text; some servers send the object itself."""
    return value if isinstance(value, str) else json.dumps(value)


def _count(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 2**53 else 0


class Conversation(Protocol):
    """A model that can be talked to."""

    def say(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> AsyncGenerator[Delta | Said]:
        """Stream what the model says to this; the last item, and no other, is a `Said`.

        Closing the iterator, or cancelling who waits for it, closes the connection.

        Raises:
            ProviderFailure: it cannot go on.
        """
        ...
