"""The other side of a room's protocol: a Yjs document in Python that is kept in step with it."""

from collections.abc import Callable
from typing import Any

from pycrdt import Doc, TransactionEvent

from jupyter_runt.rooms.protocol import (
    AwarenessUpdate,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
    parse,
    step1_frame,
    step2_frame,
    update_frame,
)
from jupyter_runt.rooms.updates import EMPTY


class SyncClient:
    """Says and hears what a y-websocket provider does. Moves no bytes itself.

    What the document's owner changes is collected in `unsent`, as frames, and `on_unsent` called.
    """

    def __init__(self, doc: Doc[Any], on_unsent: Callable[[], None] = lambda: None) -> None:
        self.doc = doc
        self.unsent: list[bytes] = []
        self.synced = False
        """Whether everything that the room had when it was greeted is here."""
        self.awareness: list[bytes] = []
        """Awareness updates that came in."""
        self._on_unsent = on_unsent
        self._hearing = False
        self._subscription = doc.observe(self._on_transaction)

    def greet(self) -> bytes:
        """Return the first frame on a new connection; what was unsent goes with the sync."""
        self.unsent.clear()
        self.synced = False
        return step1_frame(self.doc.get_state())

    def hear(self, frame: bytes) -> bytes | None:
        """Take a frame in, and return the one that answers it, if any.

        Raises:
            BadFrame: it is none.
        """
        match parse(frame):
            case SyncStep1(state_vector):
                return step2_frame(self.doc.get_update(state_vector))
            case SyncStep2(update):
                self._apply(update)
                self.synced = True
            case SyncUpdate(update):
                self._apply(update)
            case AwarenessUpdate(payload):
                self.awareness.append(payload)
        return None

    def take_unsent(self) -> list[bytes]:
        """Return the frames of the owner's changes, and forget them."""
        frames, self.unsent = self.unsent, []
        return frames

    def take_awareness(self) -> list[bytes]:
        """Return the awareness updates that came in, and forget them."""
        updates, self.awareness = self.awareness, []
        return updates

    def close(self) -> None:
        """Let go of the document."""
        self.doc.unobserve(self._subscription)

    def _apply(self, update: bytes) -> None:
        if update == EMPTY:
            return
        self._hearing = True
        try:
            self.doc.apply_update(update)
        finally:
            self._hearing = False

    def _on_transaction(self, event: TransactionEvent) -> None:
        if not self._hearing:
            self.unsent.append(update_frame(event.update))
            self._on_unsent()
