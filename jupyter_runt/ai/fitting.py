"""Making a conversation short enough for its model, older things first (AG6)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from jupyter_runt.ai.messages import Assistant, Message, Returned, User
from jupyter_runt.ai.tokens import PER_IMAGE, PER_MESSAGE, middle_out, tokens

_STEPS: Final = (400, 60)
"""Tokens that an old result of a tool is cut to, one step after the other."""


def length(message: Message) -> int:
    """Return how many tokens a message has at most."""
    size = PER_MESSAGE + tokens(message.text)
    if isinstance(message, User | Returned):
        size += PER_IMAGE * len(message.images)
    if isinstance(message, Assistant):
        size += sum(PER_MESSAGE + tokens(call.name + call.arguments) for call in message.calls)
        size += sum(tokens(str(item)) for item in message.opaque)
    return size


def fitted(messages: Sequence[Message], budget: int) -> list[Message]:
    """Return a conversation of at most `budget` tokens, if results of tools are what is too long.

    The oldest results are cut first, to their beginning and end; the last one of all comes last.
    """
    shown = list(messages)
    excess = sum(map(length, shown)) - budget
    places = [index for index, message in enumerate(shown) if isinstance(message, Returned)]
    for step in _STEPS:
        for index in places:
            if excess <= 0:
                return shown
            message = shown[index]
            if isinstance(message, Returned):
                shorter = replace(message, text=middle_out(message.text, step), images=())
                excess -= length(message) - length(shorter)
                shown[index] = shorter
    return shown
