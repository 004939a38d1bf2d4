"""One turn in its notebook: what it reads, what it writes down, what stays in the cell."""

import asyncio
import logging
from asyncio import to_thread
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, Protocol

from jupyter_runt.ai.context import Context, build
from jupyter_runt.ai.envelope import Envelope
from jupyter_runt.ai.failures import ProviderFailure
from jupyter_runt.ai.loop import Ended, Price, Turn, size_of
from jupyter_runt.ai.models import Choice
from jupyter_runt.ai.providers import AiConfig
from jupyter_runt.commands import Command
from jupyter_runt.document.answers import clear_answer, write_answer
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.shared import is_panic
from jupyter_runt.document.turns import Turn as TurnState
from jupyter_runt.document.turns import completed
from jupyter_runt.document.values import to_shared
from jupyter_runt.errors import StoreUnavailable
from jupyter_runt.events.agent import (
    Effect,
    ToolCallCompleted,
    ToolCallRequested,
    TurnCompleted,
    TurnContextGiven,
    TurnStarted,
    TurnTextAppended,
)
from jupyter_runt.events.base import Draft, Payload
from jupyter_runt.ids import ActorId, CellId, NotebookId, TurnId, agent_actor
from jupyter_runt.protocols import EventLog
from jupyter_runt.session.apart import edit_apart
from jupyter_runt.session.artifacts import NotebookArtifacts
from jupyter_runt.session.capabilities import Requester
from jupyter_runt.session.open_document import OpenDocument
from jupyter_runt.session.replies import Reply
from jupyter_runt.session.runtime import NotebookRuntime
from jupyter_runt.session.turns.approvals import Approvals
from jupyter_runt.session.turns.view import view_of, with_pictures
from jupyter_runt.session.writer import Writer
from jupyter_runt.tools import Toolbox, ToolCall, ToolResult

log = logging.getLogger(__name__)

BATCH: Final = 0.1
"""Seconds between two appends of text; the first one goes at once."""

STORE_RETRY: Final = 0.5
"""Seconds between tries to write down what a model said while the store cannot write (EL5)."""


class TurnHost(Protocol):
    """The notebook, as a turn in it needs it."""

    notebook_id: NotebookId
    writer: Writer
    runtime: NotebookRuntime
    approvals: Approvals

    @property
    def log(self) -> EventLog:
        """Its log."""
        ...

    @property
    def artifacts(self) -> NotebookArtifacts:
        """What is kept beside its document."""
        ...

    @property
    def path(self) -> str:
        """Where it is, root-relative."""
        ...

    async def document(self) -> OpenDocument[NotebookDoc]:
        """Return the document; raises RuntError if it cannot be opened."""
        ...

    async def perform(
        self, command: Command, requester: Requester, cause: str | None = None
    ) -> Reply:
        """Perform a command; raises RuntError if it cannot be."""
        ...


class Chooser(Protocol):
    """`Models`, as a turn needs them."""

    @property
    def config(self) -> AiConfig:
        """What is configured."""
        ...

    async def choose(self, wanted: str, actor: ActorId) -> Choice:
        """See `Models`."""
        ...


class Answering:
    """The `Listener` of a turn, and all that it does to its notebook."""

    def __init__(
        self, host: TurnHost, turn_id: TurnId, models: Chooser, *, patient: bool = True
    ) -> None:
        """Look at a turn that the state has; who is patient waits for a store to write."""
        self._host = host
        self._patient = patient
        self.turn_id = turn_id
        self._models = models
        self._actor = agent_actor(turn_id)
        self._cause = f"turn:{turn_id}"
        self._text = self._state.text
        """All that the model wrote; what of it is in the log, the state says."""
        self._half = ""
        """The first half of a character whose second one has not come."""
        self._some = asyncio.Event()
        self._flushing = asyncio.Lock()

    @property
    def cell_id(self) -> CellId:
        """The cell that is answered."""
        return self._state.cell_id

    @property
    def _state(self) -> TurnState:
        return self._host.writer.state.turns.by_id[self.turn_id]

    # from the question to the last word

    async def answer(
        self, started: TurnStarted, make_toolbox: Callable[[], Awaitable[Toolbox]]
    ) -> Ended:
        """Answer; raises RuntError where the notebook cannot be read."""
        if (failed := await self._executed(started)) is not None:
            return failed
        await self._clear()
        try:
            choice = await self._models.choose(started.model or "", started.requested_by)
        except ProviderFailure as failure:
            return Ended("error", str(failure))
        toolbox = await make_toolbox()
        envelope = Envelope.of(self.turn_id)
        document = await self._host.document()
        view, settings = await view_of(document.room, started.cell_id, started.cells)
        specs = toolbox.specs() if "tools" in choice.info.capabilities else ()
        if size_of(specs) > choice.budget // 2:
            specs = ()  # a small model has better use for its context
        sees = "vision" in choice.info.capabilities
        most = self._models.config.max_images if sees else 0
        view = await with_pictures(view, self._host.artifacts, most)
        room = choice.budget - size_of(specs)
        context = await to_thread(
            build, view, started.prompt, envelope, budget=room, max_images=most
        )
        names = [spec.name for spec in specs]
        await self._append(self._given(choice, context, names, started.cells))
        toolbox.was_shown(context.sources, tainted=context.tainted)
        turn = Turn(
            model=choice.conversation,
            messages=context.messages,
            toolbox=toolbox,
            listener=self,
            envelope=envelope,
            budget=choice.budget,
            limits=self._models.config.limits.narrowed(settings),
            prefix=self.turn_id,
            price=Price(choice.price.input, choice.price.output) if choice.price else None,
            with_tools=bool(specs),
            sees=sees,
        )
        return await self._followed(turn)

    async def _followed(self, turn: Turn) -> Ended:
        """Run a turn, and write down what it says meanwhile."""
        try:
            async with asyncio.TaskGroup() as group:
                scribe = group.create_task(self._write_down())
                ended = await turn.run()
                scribe.cancel()
        except ExceptionGroup as faults:
            raise faults.exceptions[0] from None
        return ended

    async def _executed(self, started: TurnStarted) -> Ended | None:
        """Wait for the cells that were to run before; return how the turn ends if one failed."""
        while not set(started.after).isdisjoint(self._host.writer.state.queue):
            await self._host.writer.changed()
        known = self._host.writer.state.executions
        before = [known[execution_id] for execution_id in started.after if execution_id in known]
        if any(each.status != "ok" and each.stop_on_error for each in before):
            return Ended("cancelled", "A cell before it did not end well.")
        return None

    def _given(
        self,
        choice: Choice,
        context: Context,
        tools: Sequence[str],
        chosen: tuple[CellId, ...] | None,
    ) -> Payload:
        return TurnContextGiven(
            turn_id=self.turn_id,
            model=choice.model_id,
            messages=context.told,
            tools=tuple(tools),
            left_out=context.left_out,
            chosen=chosen,
            tokens=context.tokens,
            budget=context.budget,
            tainted=context.tainted,
        )

    # what the loop tells

    def wrote(self, text: str) -> None:
        """See `Listener`."""
        text = self._half + text
        cut = len(text) - ("\ud800" <= text[-1:] <= "\udbff")
        self._half = text[cut:]
        self._text += to_shared(text[:cut])
        self._some.set()

    async def called(self, calls: Sequence[tuple[ToolCall, Effect]]) -> None:
        """See `Listener`."""
        await self._flush()
        await self._append(
            *(
                ToolCallRequested(
                    turn_id=self.turn_id,
                    call_id=call.call_id,
                    tool=to_shared(call.name),
                    effect=effect,
                    arguments=to_shared(call.arguments),
                )
                for call, effect in calls
            )
        )

    async def returned(self, result: ToolResult) -> None:
        """See `Listener`."""
        await self._append(
            ToolCallCompleted(
                turn_id=self.turn_id,
                call_id=result.call_id,
                status=result.status,
                result=to_shared(result.text),
                tainted=result.tainted,
            )
        )

    async def _write_down(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            await self._flush()
            await asyncio.sleep(BATCH)

    async def _flush(self) -> None:
        """Have all that was written in the log.

        What the log has is asked of the state: an append that was cut off may have come about.
        """
        async with self._flushing:
            written = len(self._state.text)
            if written < len(self._text):
                text = self._text[written:]
                await self._append(TurnTextAppended(turn_id=self.turn_id, text=text))

    async def _append(self, *payloads: Payload) -> None:
        drafts = [Draft(payload, self._actor, self._cause) for payload in payloads]
        await self._patiently(lambda: self._host.writer.append(*drafts))

    async def _patiently(self, write: Callable[[], Awaitable[object]]) -> None:
        """Write something, as soon as the store can."""
        while True:
            try:
                await write()
                return
            except StoreUnavailable as error:
                if not self._patient:
                    raise
                log.warning("%s What the AI says in %s waits.", error, self._host.path)
                await asyncio.sleep(STORE_RETRY)

    # in the notebook

    async def _clear(self) -> None:
        document = await self._host.document()
        turn = self._state
        await document.room.edit(
            lambda doc: clear_answer(doc, turn), actor=self._actor, caused_by=self._cause
        )

    async def conclude(self, ended: Ended, by: ActorId | None) -> None:
        """Write the answer into its cell, and record how the turn ended.

        Raises:
            StoreUnavailable: the store cannot write, and nobody wants to wait.
        """
        await self._flush()
        turn = completed(self._state, ended.status, ended.error, ended.usage)
        try:
            await self._patiently(lambda: self._show(turn))
        except StoreUnavailable:
            raise
        except BaseException as error:
            if not (isinstance(error, Exception) or is_panic(error)):
                raise
            # That it ended is the more important of the two.
            log.exception("%s has no answer of %s.", self._host.path, self.turn_id)
        await self.end(ended, by)

    async def end(self, ended: Ended, by: ActorId | None) -> None:
        """Record how the turn ended, and nothing else; raises as `conclude`."""
        await self._append(
            TurnCompleted(
                turn_id=self.turn_id,
                status=ended.status,
                error=ended.error and to_shared(ended.error),
                usage=ended.usage,
                by=by,
            )
        )

    async def _show(self, turn: TurnState) -> None:
        document = await self._host.document()

        def edit(doc: NotebookDoc) -> Any:
            write_answer(doc, turn)

        # As a new client: a browser must not take what a model wrote for the server's (EX9).
        empty = partial(document.content.empty, None)
        await edit_apart(document.room, empty, edit, self._actor, self._cause)
