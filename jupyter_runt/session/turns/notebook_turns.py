"""The AI's turns of a notebook: each is a task of its session, and ends whatever happens."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from jupyter_runt.ai.loop import Ended
from jupyter_runt.errors import RuntError, TurnNotFound
from jupyter_runt.events.agent import TurnCompleted, TurnStarted
from jupyter_runt.events.base import Event
from jupyter_runt.events.document import CellDeleted, CellTypeChanged, Change
from jupyter_runt.ids import ActorId, CellId, TurnId
from jupyter_runt.session.capabilities import Requester
from jupyter_runt.session.turns.answering import Answering, Chooser, TurnHost
from jupyter_runt.tools import Toolbox

log = logging.getLogger(__name__)

CELL_GONE: Final = "The cell was deleted, or is none of the AI any more."
SERVER_STOPPED: Final = "The server stopped while this was being answered."
EXIT_SECONDS: Final = 3.0
"""How long turns that end with the server may take to say so."""


@dataclass(frozen=True, slots=True)
class TurnScope:
    """What the tools of one turn belong to."""

    host: TurnHost
    turn: TurnStarted
    requester: Requester
    """Who asked, and what they may do while it goes on."""


@dataclass(frozen=True, slots=True)
class TurnServices:
    """What all turns of a server share."""

    models: Chooser
    make_toolbox: Callable[[TurnScope], Awaitable[Toolbox]]
    approval_seconds: float = 900.0
    """How long a call waits for the person who decides about it."""


@dataclass(slots=True)
class _Running:
    answering: Answering
    answer: asyncio.Task[Ended]
    ended: Ended | None = None
    """How it is to end, where it does not by itself."""
    by: ActorId | None = None


class NotebookTurns:
    """Starts and ends turns; what a dead server left behind is ended first."""

    def __init__(self, host: TurnHost, services: TurnServices, group: asyncio.TaskGroup) -> None:
        self._host = host
        self._services = services
        self._group = group
        self._running: dict[TurnId, _Running] = {}
        """Those that are being answered."""
        self._hosts: dict[TurnId, asyncio.Task[None]] = {}
        """What sees each of them to its end."""

    async def __aenter__(self) -> Self:
        """Record how ended what a server did not live to record."""
        for turn in self._host.writer.state.turns.going_on:
            ended = Ended("lost", SERVER_STOPPED)
            try:
                await self._conclude(turn.turn_id, ended, None)
            except Exception:  # noqa: BLE001  (the notebook opens, and that is tried again and told)
                left = Answering(self._host, turn.turn_id, self._services.models)
                self._hosts[turn.turn_id] = self._group.create_task(
                    self._record(left, ended, None), name=f"end of turn {turn.turn_id}"
                )
        return self

    async def _conclude(self, turn_id: TurnId, ended: Ended, by: ActorId | None) -> None:
        left = Answering(self._host, turn_id, self._services.models, patient=False)
        await left.conclude(ended, by)

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """End what goes on; what had arrived stays."""
        for turn_id in list(self._running):
            self._end(turn_id, Ended("lost", SERVER_STOPPED), None)
        if self._hosts:
            _, late = await asyncio.wait(list(self._hosts.values()), timeout=EXIT_SECONDS)
            for task in late:  # the next server records it
                task.cancel()

    @property
    def busy(self) -> bool:
        """Whether the AI answers in this notebook."""
        return bool(self._hosts)

    def start(self, events: Iterable[Event], requester: Requester) -> None:
        """Begin the turns that these events start."""
        for event in events:
            if isinstance(event.payload, TurnStarted):
                self._start(event.payload, requester)

    def _start(self, started: TurnStarted, requester: Requester) -> None:
        turn_id = started.turn_id
        scope = TurnScope(self._host, started, requester)
        answering = Answering(self._host, turn_id, self._services.models)
        answer = asyncio.create_task(
            answering.answer(started, lambda: self._services.make_toolbox(scope)),
            name=f"answer of turn {turn_id}",
        )
        running = self._running[turn_id] = _Running(answering, answer)
        self._hosts[turn_id] = self._group.create_task(
            self._see_to_its_end(turn_id, running), name=f"turn {turn_id}"
        )

    async def cancel(self, turn_id: TurnId, actor: ActorId) -> list[Event]:
        """End a turn where it is, and return the event of that; none if it had ended.

        Raises:
            TurnNotFound: the state has none of that id.
            StoreUnavailable: nobody answers it any more, and the store cannot take note of that.
        """
        turn = self._host.writer.state.turns.by_id.get(turn_id)
        if turn is None:
            raise TurnNotFound(f"There is no turn {turn_id}.", turn_id=turn_id)
        if turn.ended:
            return []
        if (host := self._hosts.get(turn_id)) is None:
            await self._conclude(turn_id, Ended("cancelled"), actor)
        else:
            self._end(turn_id, Ended("cancelled"), actor)
            await asyncio.wait([host])
        return [
            event
            for event in await self._host.log.caused_by(self._host.notebook_id, f"turn:{turn_id}")
            if isinstance(event.payload, TurnCompleted)
        ]

    def edited(self, changes: Iterable[Change], actor: ActorId) -> None:
        """End the turns whose cells are gone, or of another type, by an edit."""
        gone = {each.cell_id for each in changes if isinstance(each, CellDeleted | CellTypeChanged)}
        self.forsake(gone, actor)

    def forsake(self, cells: Collection[CellId], actor: ActorId) -> None:
        """End the turns of cells that somebody deleted, or made others of: nobody sees them."""
        for turn_id, running in self._running.items():
            if running.answering.cell_id in cells:
                self._end(turn_id, Ended("cancelled", CELL_GONE), actor)

    def _end(self, turn_id: TurnId, ended: Ended, by: ActorId | None) -> None:
        running = self._running.get(turn_id)
        if running is not None and running.ended is None:
            running.ended, running.by = ended, by
            running.answer.cancel()

    async def _see_to_its_end(self, turn_id: TurnId, running: _Running) -> None:
        """Wait for a turn, and record how it ends."""
        try:
            await asyncio.wait([running.answer])
            del self._running[turn_id]
            ended = running.ended or _ended(running.answer)
            await self._record(running.answering, ended, running.by)
        finally:
            running.answer.cancel()
            self._running.pop(turn_id, None)
            self._hosts.pop(turn_id, None)

    async def _record(self, answering: Answering, ended: Ended, by: ActorId | None) -> None:
        """Record how a turn ended: if not all of that can be, then that it did."""
        try:
            try:
                await answering.conclude(ended, by)
            except Exception as error:
                log.exception("How a turn of %s ended was not recorded whole.", self._host.path)
                await answering.end(Ended("error", _reason(error)), by)
        except Exception:  # a fault here must not take the session's other tasks with it
            log.exception("A turn of %s has no end.", self._host.path)
        finally:
            self._hosts.pop(answering.turn_id, None)


def _ended(answer: asyncio.Task[Ended]) -> Ended:
    if answer.cancelled():
        return Ended("lost", SERVER_STOPPED)
    if (error := answer.exception()) is None:
        return answer.result()
    if not isinstance(error, RuntError):
        log.error("A turn failed.", exc_info=error)
    return Ended("error", _reason(error))


def _reason(error: BaseException) -> str:
    if isinstance(error, RuntError):
        return error.message
    return f"The server has a fault ({type(error).__name__}); its log says more."
