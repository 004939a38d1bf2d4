"""Waiting for what the sender of a command had seen or typed."""

import base64
from collections.abc import Awaitable, Callable
from typing import Any

from jupyter_runt.errors import InvalidCommand, StaleRevision
from jupyter_runt.session.open_document import OpenDocument


async def wait_until_seen(
    document: Callable[[], Awaitable[OpenDocument[Any]]],
    state_vector: str | None,
    timeout: float,  # noqa: ASYNC109
) -> None:
    """Wait until the document covers a Yjs state vector in base64; None is covered.

    Raises:
        InvalidCommand: it is none.
        StaleRevision: the document did not come to cover it in `timeout` seconds.
        StoreUnavailable: it cannot, as the store cannot write.
    """
    if state_vector is None:
        return
    try:
        vector = base64.b64decode(state_vector, validate=True)
    except ValueError as error:  # letters that are not ASCII, too
        raise _bad_vector() from error
    opened = await document()
    try:
        covered = await opened.room.covers(vector, timeout)
    except ValueError as error:
        raise _bad_vector() from error
    if not covered:
        raise StaleRevision("What you see has not reached the server: try again.")


def _bad_vector() -> InvalidCommand:
    return InvalidCommand(
        "state_vector is not a Yjs state vector in base64.",
        errors=[{"field": "state_vector", "message": "not a state vector in base64"}],
    )
