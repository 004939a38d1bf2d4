"""What the server says of itself in the runtime room: what it holds, saved and runs."""

import asyncio
import base64
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from jupyter_runt.document.materialize import RuntimeState
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.runtime import RuntimeDoc
from jupyter_runt.events.base import Event
from jupyter_runt.events.document import VersionKept
from jupyter_runt.rooms.room import Room
from jupyter_runt.rooms.work import RoomClosed
from jupyter_runt.session.open_document import OpenDocument

INTERVAL: Final = 0.1
"""Seconds between two looks: peers hear at most ten states a second."""

PATIENCE: Final = 1.0
"""Seconds that a look may wait for the log: a store that hangs must not silence us."""


class Beacon:
    """Publishes `{seq, state_vector, save, kernel, kept}` as the server's awareness state.

    A tab whose own state vector is covered by it has every keystroke in the log. It is ephemeral:
    busy and idle are no events.
    """

    def __init__(self, room: Callable[[], Room[RuntimeDoc]]) -> None:
        self._room = room
        self._changed = asyncio.Event()
        self._log: dict[str, Any] = {}
        """What was last said of the log."""

    def touch(self) -> None:
        """Say soon how things are now."""
        self._changed.set()

    async def run(
        self,
        document: Callable[[], OpenDocument[NotebookDoc] | None],
        state: Callable[[], RuntimeState],
        kept: Callable[[], dict[str, Any] | None],
    ) -> None:
        """Publish for ever."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            opened = document()
            if opened is not None:
                await self._look(opened)
                now = {"save": report(opened), "kernel": kernel_state(state()), "kept": kept()}
                self._room().publish({**self._log, **now})
            await asyncio.sleep(INTERVAL)

    async def _look(self, document: OpenDocument[NotebookDoc]) -> None:
        if document.room.health == "ready":
            with suppress(TimeoutError, RoomClosed):  # then what was said of the log still holds
                async with asyncio.timeout(PATIENCE):
                    self._log = await logged(document)


async def logged(document: OpenDocument[NotebookDoc]) -> dict[str, Any]:
    """Return what the log holds of a document."""
    seq, vector = await document.room.read(
        lambda doc: (document.committed_seq(), doc.doc.get_state())
    )
    return {
        "seq": seq,
        "state_vector": base64.b64encode(vector).decode(),
    }


def describe_kept(event: Event, payload: VersionKept) -> dict[str, Any]:
    """Return what tabs are told of a kept version."""
    return {
        "seq": event.seq,
        "reason": payload.reason,
        "message": payload.message,
        "at": event.recorded_at,
    }


def report(document: OpenDocument[NotebookDoc]) -> dict[str, str | None]:
    """Return how safe a document is: its saver's report, or why nothing is logged."""
    saved = document.saver.report()
    if document.room.trouble is None:
        return saved
    return {**saved, "status": "failed", "error": document.room.trouble}


def kernel_state(state: RuntimeState) -> dict[str, Any]:
    """Return how the kernel is: busy or idle while it is well."""
    runtime = state.runtime
    if runtime is None:
        return {"state": "none", "since": None}
    running = next((e for e in state.queue if state.executions[e].started_at), None)
    if runtime.status != "ready":
        return {"state": runtime.status, "since": runtime.since}
    if running is not None:
        return {"state": "busy", "since": state.executions[running].started_at}
    return {"state": "idle", "since": runtime.since}
