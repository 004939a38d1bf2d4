"""What a kernel does to its notebook: the runner's events and edits, in log and document."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from jupyter_runt.document.materialize import RuntimeState
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.errors import StoreUnavailable
from jupyter_runt.events.base import Draft
from jupyter_runt.execution.attachment import Running
from jupyter_runt.execution.long_text import Spooled
from jupyter_runt.execution.output_item import NewOutput, Output
from jupyter_runt.execution.outputs import (
    AppendOutputs,
    OutputEdit,
    ReplaceOutputsFrom,
    StartCell,
)
from jupyter_runt.execution.past_displays import UpdateOutput
from jupyter_runt.execution.queue import RuntimeSession
from jupyter_runt.execution.runner import Decide
from jupyter_runt.ids import CellId, ExecutionId, is_person, runtime_actor
from jupyter_runt.session.artifacts import Artifacts
from jupyter_runt.session.open_document import OpenDocument
from jupyter_runt.session.output_edits import apply_edits
from jupyter_runt.session.runtime_record import RuntimeHost

log = logging.getLogger(__name__)

STORE_RETRY: Final = 0.5
"""Seconds between tries to record what a kernel did while the store cannot write (EL5)."""


class KernelEffects:
    """The `RunnerPort` of a notebook.

    Args:
        session: returns the runtime session that owns the notebook now; raises RuntimeLost.
        after_record: called after each recorded step of the queue.
    """

    def __init__(
        self,
        host: RuntimeHost,
        artifacts: Artifacts,
        session: Callable[[], RuntimeSession],
        after_record: Callable[[], None],
    ) -> None:
        self._host = host
        self._artifacts = artifacts.of(host.notebook_id)
        self._session = session
        self._after_record = after_record
        self.on_lost_outputs: Callable[[Iterable[CellId]], None] = lambda _cells: None
        """Told of cells whose outputs are not what the runner supposes any more."""

    async def record(self, decide: Decide) -> None:
        """See `RunnerPort`."""
        session = self._session()

        async def drafts(state: RuntimeState) -> Sequence[Draft]:
            return decide(state)

        while True:
            try:
                await self._host.writer.record(drafts, fence=session.fence)
                break
            except StoreUnavailable as error:
                log.warning("%s What the kernel of %s does waits.", error, self._host.path)
                await asyncio.sleep(STORE_RETRY)
        self._after_record()

    async def apply_outputs(
        self, execution_id: ExecutionId, edits: Sequence[OutputEdit], position: int | None = None
    ) -> None:
        """See `RunnerPort`; a store that cannot write is waited out by the room."""
        session = self._session()
        document = await self._host.document()
        self._note_provenance(document, execution_id, edits)
        edits = await self._moved_out(edits)
        edited = await document.room.edit(
            lambda doc: apply_edits(doc, edits),
            actor=runtime_actor(session.runtime_session_id),
            caused_by=f"execution:{execution_id}",
            journal_seq=position,
        )
        if edited.result:
            self.on_lost_outputs(edited.result)

    async def _moved_out(self, edits: Sequence[OutputEdit]) -> list[OutputEdit]:
        """Return edits that write what is large as references; what they name is kept (AR1)."""
        lean: list[OutputEdit] = []
        for edit in edits:
            if isinstance(edit, AppendOutputs | ReplaceOutputsFrom):
                edit = replace(edit, outputs=await self._outputs(edit.outputs))
            elif isinstance(edit, UpdateOutput):
                edit = replace(edit, output=(await self._outputs((edit.output,)))[0])
            lean.append(edit)
        return lean

    async def _outputs(self, outputs: tuple[NewOutput, ...]) -> tuple[Output, ...]:
        while True:
            try:
                return tuple([await self._output(output) for output in outputs])
            except StoreUnavailable as error:
                log.warning("%s The outputs of %s wait.", error.message, self._host.path)
                await asyncio.sleep(STORE_RETRY)

    async def _output(self, output: NewOutput) -> Output:
        if isinstance(output, Spooled):
            return output.reference(await self._artifacts.keep_spooled(output))
        return await self._artifacts.moved_out(output)

    async def set_next_input(
        self, running: Running, text: str, *, replace: bool, position: int | None = None
    ) -> None:
        """See `RunnerPort`."""
        session, cell_id = self._session(), running.cell_id
        document = await self._host.document()

        def edit(doc: NotebookDoc) -> None:
            if not doc.has_cell(cell_id):
                return
            if replace:
                doc.replace_source(cell_id, text)
            else:
                doc.create_cell("code", text, cell_id)

        await document.room.edit(
            edit,
            actor=runtime_actor(session.runtime_session_id),
            caused_by=f"execution:{running.execution_id}",
            journal_seq=position,
        )

    def _note_provenance(
        self,
        document: OpenDocument[NotebookDoc],
        execution_id: ExecutionId,
        edits: Sequence[OutputEdit],
    ) -> None:
        execution = self._host.writer.state.executions.get(execution_id)
        for_person = execution is not None and is_person(execution.requested_by)
        for edit in edits:
            if isinstance(edit, StartCell):
                document.provenance.ran(edit.cell_id, for_person=for_person)
