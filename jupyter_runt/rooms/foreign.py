"""A peer that holds another history: it may not join, and what it holds must not be lost (RM3)."""

import asyncio
from typing import Final, TypeVar

from jupyter_runt.document.shared import SharedDocument
from jupyter_runt.rooms.channel import Channel
from jupyter_runt.rooms.integration import Poisoned, integrate
from jupyter_runt.rooms.peer import RoomLimits
from jupyter_runt.rooms.protocol import (
    BadFrame,
    SyncStep2,
    parse,
    step1_frame,
    write_state_vector,
)

DocT = TypeVar("DocT", bound=SharedDocument)

PATIENCE: Final = 10.0
"""Seconds that a peer may take to say what it holds."""

GREETS_WITHIN: Final = 3.0
"""Seconds after which a peer that said nothing at all is none: y-websocket greets as it opens."""


async def holdings(
    channel: Channel, *, patience: float = PATIENCE, greets_within: float = GREETS_WITHIN
) -> bytes | None:
    """Ask a peer for all that it holds, and return that as a Yjs update; None if it does not say.

    Raises:
        BadFrame: it sent what no honest peer sends.
        ChannelClosed: it is gone.
    """
    try:
        end = asyncio.get_running_loop().time() + patience
        async with asyncio.timeout(min(patience, greets_within)) as limit:
            await channel.send(step1_frame(write_state_vector({})))
            while True:
                frame = await channel.receive()
                limit.reschedule(end)
                if len(frame) > RoomLimits().frame_bytes:
                    raise BadFrame("the frame is too large")
                if isinstance(message := parse(frame), SyncStep2):
                    return message.update
    except TimeoutError:
        return None


def read_holdings(empty: DocT, update: bytes) -> DocT:
    """Return an empty document with what a peer holds, without what no peer may write.

    Takes time, so call it in a thread.

    Raises:
        BadFrame: it is not an update that can be read.
    """
    try:
        outcome = integrate(empty, [update], frozenset())
    except Poisoned as error:
        raise BadFrame(str(error)) from error
    if outcome.refusal is not None:
        raise BadFrame(str(outcome.refusal)) from outcome.refusal
    return empty
