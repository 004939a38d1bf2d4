"""Versions that are kept in a document's log beside its history: nothing that people wrote goes."""

import asyncio
import hashlib
import json
from asyncio import to_thread
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from jupyter_runt.document.restore import sound
from jupyter_runt.events.base import Draft, Event
from jupyter_runt.events.document import KeptReason, VersionKept
from jupyter_runt.ids import ActorId, CellId, NotebookId, Seq
from jupyter_runt.protocols import EventLog
from jupyter_runt.session.history import pages

Content = Mapping[str, Any] | str
"""A notebook as nbformat 4 has it in memory, or the text of any other file."""

MAX_BYTES: Final = 8 * 2**20
"""Of a notebook as JSON: a larger one is kept without its outputs, which can be made again."""

_WITHOUT_OUTPUTS: Final = " It was too large to keep its outputs."
UNSENT: Final = (
    "A browser had kept edits that did not fit the notebook any more."
    " How the edited cells read there is kept."
)

_NAMES: Final = frozenset({VersionKept.event_name})


class KeptVersions:
    """What is kept of one document, each content once."""

    def __init__(
        self,
        notebook_id: NotebookId,
        log: EventLog,
        on_commit: Callable[[Sequence[Event]], None],
    ) -> None:
        self._notebook_id = notebook_id
        self._log = log
        self._on_commit = on_commit
        self._digests: list[str] | None = None
        self._keeping = asyncio.Lock()
        self.rescued: set[str] = set()
        """SHA-256 (hex) of what tabs of other histories held, where nothing is left to do."""

    async def keep(
        self,
        reason: KeptReason,
        message: str,
        content: Content,
        actor: ActorId,
        cause: str | None = None,
    ) -> list[Event]:
        """Record a version, unless it is kept already; durable on return.

        What overlaps is told again when it happens again, though not for being merged again after
        a crash.

        Raises:
            StoreUnavailable: it is not kept.
        """
        payload = await to_thread(_bounded, reason, message, content)
        digest = await to_thread(fingerprint, payload.content)
        async with self._keeping:
            known = await self._known()
            if digest in (known[-1:] if reason == "merge_overlap" else known):
                return []
            events = await self._log.append(self._notebook_id, [Draft(payload, actor, cause)])
            known.append(digest)
        self._on_commit(events)
        return events

    async def keep_unsent(
        self,
        notebook: Mapping[str, Any],
        texts: Mapping[CellId, str],
        actor: ActorId,
        cause: str,
    ) -> list[Event]:
        """Record how cells of a notebook read where they were edited; as `keep`."""
        content = sound(with_texts(notebook, texts))
        return await self.keep("unsent_edits", UNSENT, content, actor, cause)

    async def _known(self) -> list[str]:
        if self._digests is None:
            digests: list[str] = []
            start = Seq(await self._log.first_seq(self._notebook_id) - 1)
            async for events in pages(self._log, self._notebook_id, start, _NAMES):
                found = [each.payload for each in events if isinstance(each.payload, VersionKept)]
                digests += await to_thread(
                    lambda kept: [fingerprint(x.content) for x in kept], found
                )
            self._digests = digests
        return self._digests


def fingerprint(content: Content) -> str:
    """Return what is the same for versions that say the same, whatever the ids of their cells."""
    if not isinstance(content, str):
        cells = [{key: cell[key] for key in cell if key != "id"} for cell in content["cells"]]
        content = json.dumps({"cells": cells, "metadata": content["metadata"]}, sort_keys=True)
    return hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()


def with_texts(notebook: Mapping[str, Any], texts: Mapping[CellId, str]) -> dict[str, Any]:
    """Return a notebook whose cells read so; those that it does not have come last, as code."""
    there = {cell["id"] for cell in notebook["cells"]}
    cells = [
        {**cell, "source": texts.get(cell["id"], cell.get("source", ""))}
        for cell in notebook["cells"]
    ]
    cells += [
        {"id": cell_id, "cell_type": "code", "source": text, "metadata": {}}
        for cell_id, text in texts.items()
        if cell_id not in there
    ]
    return {**notebook, "cells": cells}


def says_nothing(content: Content) -> bool:
    """Tell whether nobody would miss it: no text, no outputs."""
    if isinstance(content, str):
        return not content.strip()
    return not any(cell["source"].strip() or cell.get("outputs") for cell in content["cells"])


def _bounded(reason: KeptReason, message: str, content: Content) -> VersionKept:
    if isinstance(content, str):
        return VersionKept(reason=reason, message=message, content=content)
    if len(json.dumps(content)) > MAX_BYTES:
        cells = [
            {**cell, "outputs": []} if "outputs" in cell else cell for cell in content["cells"]
        ]
        content, message = {**content, "cells": cells}, message + _WITHOUT_OUTPUTS
    return VersionKept(reason=reason, message=message, content=dict(content))
