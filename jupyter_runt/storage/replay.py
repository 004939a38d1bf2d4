"""What a log says, made again from its events."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pycrdt import Decoder, Map, Text

from jupyter_runt.document.materialize import RuntimeState, apply
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.events.base import Event
from jupyter_runt.events.document import DocumentUpdated
from jupyter_runt.ids import NotebookId, Seq
from jupyter_runt.protocols import EventLog, Snapshot

PAGE: Final = 500
"""Events that are read, and applied, without a pause."""


class Inconsistent(Exception):
    """Events and snapshots do not fit together; the message says which."""


@dataclass(frozen=True)
class Content:
    """All that two replays of one log must agree in."""

    notebook: Mapping[str, Any]
    text: str
    state: Mapping[str, Any]
    clocks: Mapping[int, int]
    """How much each Yjs client has written."""
    runtime: RuntimeState

    def differences(self, other: "Content") -> list[str]:
        """Name what differs."""
        pairs = {
            "cells": (self.notebook["cells"], other.notebook["cells"]),
            "notebook metadata": (_head(self.notebook), _head(other.notebook)),
            "text": (self.text, other.text),
            "file state": (self.state, other.state),
            "Yjs state vector": (self.clocks, other.clocks),
            "runtime state": (self.runtime, other.runtime),
        }
        return [name for name, (one, two) in pairs.items() if one != two]


def _head(notebook: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in notebook.items() if key != "cells"}


class Replay:
    """A log, replayed up to `seq`; blocking, so call its methods in a thread, one at a time.

    Documents of every kind are alike here: a notebook's roots and a text's have other names.
    """

    def __init__(self, document: Snapshot | None = None, runtime: Snapshot | None = None) -> None:
        """Start from snapshots, or from nothing.

        Raises:
            Inconsistent: a snapshot is none.
        """
        self._doc = NotebookDoc()
        self._runtime = RuntimeState()
        self._doc_seq = self._runtime_seq = Seq(0)
        if document is not None:
            self._doc_seq = document.seq
            self._update(f"the document snapshot at {document.seq}", [document.data])
        if runtime is not None:
            self._runtime_seq = runtime.seq
            try:
                self._runtime = RuntimeState.from_json(json.loads(runtime.data))
            except (ValueError, LookupError, TypeError) as error:
                raise Inconsistent(
                    f"The runtime snapshot at {runtime.seq} cannot be used: {error}"
                ) from error

    @property
    def seq(self) -> Seq:
        """Events above this one are still to come."""
        return min(self._doc_seq, self._runtime_seq)

    @property
    def reached(self) -> Seq:
        """Nothing is known of the time before this event."""
        return max(self._doc_seq, self._runtime_seq)

    def apply(self, events: Sequence[Event]) -> None:
        """Take the events that follow; those that a snapshot already had are passed over.

        Raises:
            Inconsistent: an event does not fit.
        """
        if not events:
            return
        self._update(
            f"one of the events {events[0].seq} to {events[-1].seq}",
            [
                event.payload.update
                for event in events
                if event.seq > self._doc_seq and isinstance(event.payload, DocumentUpdated)
            ],
        )
        for event in events:
            if event.seq > self._runtime_seq:
                self._runtime = apply(self._runtime, event)
        last = events[-1].seq
        self._doc_seq, self._runtime_seq = max(self._doc_seq, last), max(self._runtime_seq, last)

    def _update(self, name: str, updates: Iterable[bytes]) -> None:
        try:
            self._doc.load(updates)
        except BaseException as error:
            # The CRDT library's panic is no Exception, and cannot be imported.
            if type(error).__name__ == "PanicException" or isinstance(error, ValueError):
                raise Inconsistent(f"The CRDT library refuses {name}: {error}") from error
            raise

    def document_snapshot(self) -> Snapshot:
        """Return the document as it is now."""
        return Snapshot(self._doc_seq, self._doc.doc.get_update())

    def runtime_snapshot(self) -> Snapshot:
        """Return the runtime's state as it is now."""
        return Snapshot(self._runtime_seq, json.dumps(self._runtime.to_json()).encode())

    def content(self) -> Content:
        """Return what there is now."""
        shared = self._doc.doc
        state = shared.get("state", type=Map).to_py() or {}
        return Content(
            notebook=self._doc.notebook(always_ids=True),
            text=str(shared.get("source", type=Text)),
            state=state,
            clocks=_clocks(shared.get_state()),
            runtime=self._runtime,
        )


def _clocks(state_vector: bytes) -> dict[int, int]:
    decoder = Decoder(state_vector)
    count = decoder.read_var_uint()
    return {decoder.read_var_uint(): decoder.read_var_uint() for _ in range(count)}


async def pages(
    log: EventLog, notebook_id: NotebookId, after: Seq, until: Seq
) -> AsyncIterator[list[Event]]:
    """Yield the events above `after` up to `until`, a page at a time; raises as `EventLog.read`.

    Raises:
        Inconsistent: an event is missing, or is none.
    """
    while after < until:
        try:
            events = await log.read(notebook_id, after, limit=min(PAGE, until - after))
        except (LookupError, ValueError) as error:
            raise Inconsistent(f"The events after {after} cannot be read: {error}") from error
        for expected, event in enumerate(events, start=after + 1):
            if event.seq != expected:
                raise Inconsistent(f"Event {expected} is missing.")
        if not events:
            raise Inconsistent(f"Event {after + 1} is missing.")
        yield events
        after = events[-1].seq
