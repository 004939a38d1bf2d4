"""What a scripted model says, and how it fails."""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Fault = Literal["cut", "no_finish", "garbage", "error_event"]
"""`cut`: the connection breaks; `no_finish`: it ends without a word of the end; `garbage`: what
comes is no JSON; `error_event`: the stream itself says that something failed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer to one request."""

    text: str | Sequence[str] = ""
    """As it is streamed: a piece for each item; a string goes word by word."""
    calls: Sequence[tuple[str, Mapping[str, Any] | str]] = ()
    """Names and arguments of tools; arguments that are text are sent as they are."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "It was scripted."
    """Of the error, where the status is one."""
    fault: Fault | None = None
    """What happens after the text."""
    finish: str | None = None
    """`length`, `content_filter`; by default what fits."""
    usage: tuple[int, int] | None = (10, 5)
    delay: float = 0.0
    """Seconds before each piece."""
    hold: asyncio.Event | None = None
    """What comes after the first piece waits for this."""
    hold_headers: asyncio.Event | None = None
    """Everything waits for this."""

    @property
    def pieces(self) -> Iterator[str]:
        """The text as it is streamed."""
        if not isinstance(self.text, str):
            yield from self.text
            return
        words = self.text.split(" ")
        for index, word in enumerate(words):
            if word or len(words) > 1:
                yield word + (" " if index < len(words) - 1 else "")

    @property
    def wire_calls(self) -> list[dict[str, str]]:
        """The calls, with ids."""
        return [
            {
                "id": f"call_{number}",
                "name": name,
                "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments),
            }
            for number, (name, arguments) in enumerate(self.calls)
        ]


@dataclass(slots=True)
class Request:
    """What was asked of a scripted model."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the client closed the connection before the answer was over."""
    done: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when nothing more comes, for whatever reason."""

    @property
    def text(self) -> str:
        """All that the request says, as one text."""
        return json.dumps(self.body, ensure_ascii=False)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation, of either API."""
        messages: list[dict[str, Any]] = self.body.get("messages") or self.body.get("input") or []
        return messages


Script = Callable[[Request], Reply]


def in_order(replies: Iterable[Reply]) -> Script:
    """Return a script of replies, one for each request; then it has nothing to say any more."""
    left = iter(replies)
    return lambda _request: next(left, Reply(status=500, message="The script is over."))
