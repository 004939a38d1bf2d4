"""The artifacts of one notebook: what its outputs refer to, on the way out and back in."""

import asyncio
from asyncio import to_thread
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from jupyter_runt.artifacts import Artifact, ArtifactStore, ArtifactTable
from jupyter_runt.document.cells import Cell, Output
from jupyter_runt.document.patches import patched
from jupyter_runt.document.references import (
    REFERENCE,
    Limits,
    Payload,
    may_be_large,
    move_out,
    moving_out,
    references_of,
)
from jupyter_runt.document.spool import Spool
from jupyter_runt.document.whole import Load, complete
from jupyter_runt.errors import ArtifactNotFound
from jupyter_runt.events.base import Draft
from jupyter_runt.events.document import DocumentUpdated
from jupyter_runt.execution.long_text import Spooled
from jupyter_runt.ids import FILE_ACTOR, NotebookId, is_runtime
from jupyter_runt.storage.clock import spelled
from jupyter_runt.storage.mentions import hashes_in

_REFERENCE: Final = REFERENCE.encode()

CLIPBOARD: Final = timedelta(hours=1)
"""How long after a notebook was deleted what was copied from it may be pasted."""

MUCH: Final = 8 << 20
"""Bytes that are moved out of a notebook at a time."""


@dataclass(frozen=True, slots=True)
class Artifacts:
    """What all notebooks of a server share."""

    store: ArtifactStore
    table: ArtifactTable
    limits: Limits = field(default_factory=Limits)

    def of(self, notebook_id: NotebookId) -> "NotebookArtifacts":
        """Return those of one notebook."""
        return NotebookArtifacts(self, notebook_id)


class NotebookArtifacts:
    """The artifacts that count for one notebook."""

    def __init__(self, shared: Artifacts, notebook_id: NotebookId) -> None:
        self._store = shared.store
        self._table = shared.table
        self.limits = shared.limits
        self._notebook_id = notebook_id

    async def keep(self, payloads: Sequence[Payload]) -> None:
        """Keep what was moved out; durable on return, before an event may name it (AR1).

        Raises:
            StoreUnavailable: some of it is not kept.
        """
        # First that it counts: whoever clears up deletes nothing that does.
        artifacts = {each.artifact.sha256: each.artifact for each in payloads}
        await self._table.hold(self._notebook_id, list(artifacts.values()))
        contents = {each.artifact: each.content for each in payloads}
        await asyncio.gather(*(self._put(*each) for each in contents.items()))

    async def _put(self, artifact: Artifact, content: bytes | Spool) -> None:
        if isinstance(content, Spool):
            await self._store.put(artifact, await to_thread(content.content))
        else:
            await self._store.put(artifact, content)

    async def keep_spooled(self, spooled: Spooled) -> Artifact:
        """Keep the content of an output that is complete; raises as `keep`."""
        kept = await self._keep_spool(spooled.spool)
        if spooled.patches is None:
            return kept
        blocks = self._store.blocks(kept.sha256)
        kept = await self._keep_spool(await to_thread(patched, blocks, spooled.patches))
        spooled.spool.became(kept)  # nothing refers to what it was before
        spooled.patches.any = False
        return kept

    async def _keep_spool(self, spool: Spool) -> Artifact:
        if spool.artifact is None:
            artifact = spool.described()
            await self._table.hold(self._notebook_id, [artifact])
            await self._put(artifact, spool)
            spool.became(artifact)
            return artifact
        return spool.artifact

    async def moved_out(self, output: Output) -> Output:
        """Return an output as the document may have it; what that refers to is kept.

        Raises:
            StoreUnavailable: it is not.
        """
        if not may_be_large(output, self.limits):
            return output
        moved = await to_thread(move_out, output, self.limits)
        await self.keep(moved.payloads)
        return moved.output

    async def taken_in(self, notebook: Mapping[str, Any]) -> dict[str, Any]:
        """Return a notebook as the document may have it; what it refers to is kept.

        Raises:
            StoreUnavailable: some of it is not kept.
        """
        steps = moving_out(notebook["cells"], self.limits)
        taken: list[Any] = []
        keeping: Awaitable[None] = asyncio.sleep(0)
        while len(taken) < len(notebook["cells"]):
            (lean, payloads), _ = await asyncio.gather(to_thread(_some, steps), keeping)
            keeping = self.keep(payloads)
            taken += lean
        await keeping
        return {**notebook, "cells": taken}

    async def note_pasted(self, drafts: Iterable[Draft]) -> None:
        """Have artifacts count that a peer is about to refer to, and may read (AR2).

        Whoever may read one notebook of a server may read all, and so could read those that are
        deleted; what counted for none is not read.
        A reference in a file is nobody's word.
        """
        named: set[str] = set()
        for draft in drafts:
            if may_paste(draft) and isinstance(draft.payload, DocumentUpdated):
                named |= hashes_in(draft.payload.update)
        if not named:
            return
        held = await self._table.held(self._notebook_id, named)
        # Held anew: nothing but a browser may have mentioned it lately.
        await self._table.hold(self._notebook_id, [each.artifact for each in held.values()])
        if unknown := named - held.keys():
            lately = spelled(datetime.now(UTC) - CLIPBOARD)
            await self._table.share(self._notebook_id, unknown, lately)

    async def loader(self, cells: Iterable[Mapping[str, Any]]) -> Load:
        """Return what loads the artifacts of cells that count for the notebook."""
        named = {each.sha256 for cell in cells for each in references_of(cell.get("outputs"))}
        held = await self._table.held(self._notebook_id, named)

        def load(sha256: str) -> Iterator[bytes]:
            if sha256 not in held:
                raise LookupError(sha256)
            try:
                yield from self._store.blocks(sha256)
            except ArtifactNotFound as error:
                raise LookupError(sha256) from error

        return load

    async def complete(self, notebook: Mapping[str, Any]) -> dict[str, Any]:
        """Return a notebook with all that its outputs refer to and that there still is."""
        cells: list[dict[str, Any]] = list(notebook["cells"])
        load = await self.loader(cells)
        whole = await to_thread(lambda: [complete(cell, {}, load) for cell in cells])
        return {**notebook, "cells": whole}


def _some(steps: Iterator[Cell | Payload]) -> tuple[list[Cell], list[Payload]]:
    """Take steps until what is moved out is much, or none are left."""
    lean: list[Cell] = []
    payloads: list[Payload] = []
    for step in steps:
        if not isinstance(step, Payload):
            lean.append(step)
            continue
        payloads.append(step)
        if sum(each.artifact.size for each in payloads) >= MUCH:
            break
    return lean, payloads


def may_paste(draft: Draft) -> bool:
    """Tell whether an update brings references of somebody who may read what they name."""
    payload = draft.payload
    return (
        isinstance(payload, DocumentUpdated)
        and not is_runtime(draft.actor)
        and draft.actor != FILE_ACTOR
        and _REFERENCE in payload.update
    )
