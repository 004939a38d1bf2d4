"""The notebook as the tools of one turn reach it (AG1)."""

import asyncio
import time
from asyncio import to_thread
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib.resources import files
from typing import Any, Final, TypeVar

from jupyter_runt.ai.kernel_tools import expression
from jupyter_runt.ai.policy import Policy
from jupyter_runt.ai.toolbox import TurnToolbox
from jupyter_runt.ai.visible import is_visible
from jupyter_runt.commands import Command
from jupyter_runt.document.materialize import Execution
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.errors import Compacted, NotAuthorized
from jupyter_runt.events.base import Event
from jupyter_runt.events.document import (
    CellCreated,
    CellTypeChanged,
    DocumentUpdated,
    SourceChanged,
)
from jupyter_runt.ids import ActorId, CellId, ExecutionId, Seq, agent_actor
from jupyter_runt.session.artifacts import Artifacts, NotebookArtifacts
from jupyter_runt.session.capabilities import Capability, Requester, needed, required
from jupyter_runt.session.history import pages
from jupyter_runt.session.projection import SLICE_SECONDS
from jupyter_runt.session.turns.answering import TurnHost
from jupyter_runt.session.turns.approvals import Asking, TurnDesk
from jupyter_runt.session.turns.cell_authors import OPENING
from jupyter_runt.session.turns.kernel_questions import kernel_answer
from jupyter_runt.session.turns.notebook_turns import TurnScope
from jupyter_runt.session.turns.text_files import TextFiles, beside
from jupyter_runt.tools import Effect

T = TypeVar("T")

UPDATES: Final = frozenset({DocumentUpdated.event_name})


async def open_toolbox(
    policy: Policy, artifacts: Artifacts, text_files: TextFiles, scope: TurnScope
) -> TurnToolbox:
    """Return the tools of a turn that begins."""
    turn = scope.turn
    asking = Asking(turn.turn_id, turn.cell_id, scope.requester)
    desk = TurnDesk(scope.host.approvals, asking)
    document = await scope.host.document()
    began = await document.room.read(lambda _: document.committed_seq(), patient=False)
    of_notebook = artifacts.of(scope.host.notebook_id)
    place = TurnPlace(scope.host, asking, of_notebook, text_files, began)
    return await TurnToolbox.open(place, desk, policy)


class TurnPlace:
    """A `Workplace`: what it does is recorded as the turn's, and may be what its asker may."""

    def __init__(
        self,
        host: TurnHost,
        asking: Asking,
        artifacts: NotebookArtifacts,
        text_files: TextFiles,
        began: Seq,
    ) -> None:
        self._host = host
        self._text_files = text_files
        self._began = began
        self._artifacts = artifacts
        self._asking = asking
        self._as_agent = Requester(agent_actor(asking.turn_id), asking.requester.allows)

    @property
    def cell_id(self) -> CellId:
        """See `Workplace`."""
        return self._asking.cell_id

    async def permit(self, effect: Effect) -> None:
        """See `Workplace`."""
        await self._require(needed(effect))

    async def _require(self, capability: Capability) -> None:
        if not await self._as_agent.allows(capability):
            action, resource = capability.value
            who = self._asking.requester.actor
            raise NotAuthorized(f"{who} may not {action} {resource} on this server.")

    async def read(self, view: Callable[[NotebookDoc], T]) -> T:
        """See `Workplace`."""
        document = await self._host.document()
        return await document.room.read(view, patient=False)

    async def each(self, view: Callable[[NotebookDoc, CellId, int], T]) -> list[T]:
        """See `Workplace`."""
        waiting = await self.read(lambda doc: list(enumerate(doc.cell_ids, 1))[::-1])
        found: list[T] = []

        def some(doc: NotebookDoc) -> None:
            until = time.perf_counter() + SLICE_SECONDS
            while waiting and time.perf_counter() < until:
                number, cell_id = waiting.pop()
                if is_visible(doc, cell_id):
                    found.append(view(doc, cell_id, number))

        while waiting:
            await self.read(some)
        return found

    async def whole(self, output: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `Workplace`."""
        cell = {"cell_type": "code", "outputs": [output]}
        completed = await self._artifacts.complete({"cells": [cell]})
        whole: Mapping[str, Any] = completed["cells"][0]["outputs"][0]
        return whole

    async def foreign(self, shown: Collection[CellId], read: Collection[CellId]) -> bool:
        """See `Workplace`."""
        own = (self._asking.requester.actor, self._as_agent.actor)
        authors, log = self._host.approvals.authors, self._host.log
        return await authors.others(log, read, own) or await authors.others(
            log, shown, {*own, OPENING}
        )

    async def touched(self, cell_id: CellId) -> bool:
        """See `Workplace`."""
        try:
            async for events in pages(self._host.log, self._host.notebook_id, self._began, UPDATES):
                if any(_wrote(event, cell_id, self._as_agent.actor) for event in events):
                    return True
        except Compacted:  # who knows
            return True
        return False

    def beside(self, path: str) -> str:
        """See `Workplace`."""
        return beside(self._host.path, path)

    async def file_text(self, path: str) -> str:
        """See `Workplace`."""
        await self._require(Capability.READ)
        return await self._text_files.read(path)

    async def perform(self, command: Command) -> Sequence[Event]:
        """See `Workplace`."""
        await self._require(required(command))
        cause = f"turn:{self._asking.turn_id}"
        return (await self._host.perform(command, self._as_agent, cause)).events

    def execution(self, execution_id: ExecutionId) -> Execution | None:
        """See `Workplace`."""
        return self._host.writer.state.executions.get(execution_id)

    async def ended(self, execution_ids: Sequence[ExecutionId], seconds: float) -> bool:
        """See `Workplace`."""
        try:
            async with asyncio.timeout(seconds):
                while self._going_on(execution_ids):
                    await self._host.writer.changed()
        except TimeoutError:
            return False
        return True

    def _going_on(self, execution_ids: Sequence[ExecutionId]) -> bool:
        known = map(self.execution, execution_ids)
        return any(each is not None and not each.ended for each in known)

    async def ask_kernel(
        self, request: Mapping[str, Any], seconds: float, *, interrupts: bool = False
    ) -> Any:
        """See `Workplace`."""
        await self._require(Capability.EXECUTE)  # it is code, whoever wrote it
        source = await to_thread(files("jupyter_runt").joinpath("kernel.py").read_text, "utf-8")
        code = expression(source, request)
        return await kernel_answer(self._host.runtime, code, seconds, interrupts=interrupts)


def _wrote(event: Event, cell_id: CellId, agent: ActorId) -> bool:
    """Tell whether somebody else than an agent wrote in a cell, or made it, by an event."""
    if event.actor == agent or not isinstance(event.payload, DocumentUpdated):
        return False
    return any(
        isinstance(change, SourceChanged | CellCreated | CellTypeChanged)
        and change.cell_id == cell_id
        for change in event.payload.changes
    )
