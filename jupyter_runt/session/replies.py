"""Commands that are sent again: they get the first reply, and nothing happens twice (EX2)."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jupyter_runt.commands import Command
from jupyter_runt.document.materialize import Runtime
from jupyter_runt.events.base import Event
from jupyter_runt.events.runtime import (
    RuntimeCommandPerformed,
    RuntimeSessionEnded,
    RuntimeSessionStarted,
)
from jupyter_runt.ids import ActorId, RuntimeSessionId, Seq, is_runtime
from jupyter_runt.protocols import EventLog
from jupyter_runt.session.decide import ACTS_ON_KERNEL, CHANGES_KERNEL
from jupyter_runt.session.writer import Writer

REMEMBERED_REPLIES: Final = 1000


@dataclass(frozen=True, slots=True)
class Reply:
    """What a command led to at once."""

    seq: Seq
    events: tuple[Event, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the body of the reply."""
        return {"seq": self.seq, "events": [event.to_json() for event in self.events]}


class Replies:
    """The replies to a notebook's commands, by actor and what the command is called."""

    def __init__(self, writer: Writer, log: EventLog) -> None:
        self._writer = writer
        self._log = log
        self._replies: OrderedDict[tuple[ActorId, str], asyncio.Future[Reply]] = OrderedDict()
        self._failed: deque[tuple[ActorId, str]] = deque(maxlen=REMEMBERED_REPLIES)
        """What was not done, although the log may have that it was to be."""

    async def once(
        self,
        actor: ActorId,
        command: Command,
        cause: str,
        perform: Callable[[], Awaitable[Reply]],
    ) -> Reply:
        """Return what `perform` does, or did when it was asked for before; raises what it raises.

        Args:
            command: has a `command_id`.
            cause: what the events say of the command.
        """
        key = (actor, command.command_id or "")
        if key in self._replies:
            return await asyncio.shield(self._replies[key])
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._replies[key] = reply
        try:
            result = None if key in self._failed else await self._earlier(actor, command, cause)
            if result is None:
                result = await perform()
            reply.set_result(result)
            if key in self._failed:
                self._failed.remove(key)
        except BaseException as error:
            del self._replies[key]
            if isinstance(command, ACTS_ON_KERNEL) and key not in self._failed:
                self._failed.append(key)
            reply.set_exception(error)
            reply.exception()  # repeats were told, or there were none
            raise
        while len(self._replies) > REMEMBERED_REPLIES:
            self._replies.popitem(last=False)
        return result

    async def _earlier(self, actor: ActorId, command: Command, cause: str) -> Reply | None:
        """Return the reply that was given before a restart of the server.

        None also where that server died before it had done what the log has that it was to do, and
        it can still be done to what it was about.
        """
        events = await self._log.caused_by(self._writer.notebook_id, cause)
        mine = _of(events, actor)
        if not mine:
            return None
        last = mine[-1].payload
        if not isinstance(last, RuntimeCommandPerformed):
            return Reply(mine[-1].seq, mine)
        led_to = tuple(event for event in events if is_runtime(event.actor))
        if isinstance(command, CHANGES_KERNEL):
            runtime = self._writer.state.runtime
            lives = None if runtime is None or runtime.status == "lost" else runtime
            if _is_to_be_done(last.runtime_session_id, lives, led_to):
                return None
        return Reply((led_to or mine)[-1].seq, led_to)


def announced(command: Command, runtime: Runtime | None) -> tuple[RuntimeCommandPerformed, ...]:
    """Return what the log is to have of a command before it is performed on the kernel."""
    if command.command_id is None or not isinstance(command, ACTS_ON_KERNEL):
        return ()
    lives = runtime is not None and runtime.status != "lost"
    session = runtime.runtime_session_id if runtime is not None and lives else None
    return (RuntimeCommandPerformed(command=command.type, runtime_session_id=session),)


def without_announcement(events: Sequence[Event]) -> list[Event]:
    """Return what a reply tells of the events that a command led to."""
    return [each for each in events if not isinstance(each.payload, RuntimeCommandPerformed)]


def _is_to_be_done(
    about: RuntimeSessionId | None, lives: Runtime | None, led_to: Sequence[Event]
) -> bool:
    """Tell whether a kernel is still as it was when somebody wanted it changed.

    Args:
        about: its session then.
        lives: what there is now.
        led_to: what came of the wish.
    """
    if lives is not None:
        return lives.runtime_session_id == about
    payloads = [each.payload for each in led_to]
    if any(isinstance(each, RuntimeSessionStarted) for each in payloads):
        return False
    half = any(
        isinstance(each, RuntimeSessionEnded) and each.reason == "restart" for each in payloads
    )
    return about is None or half


def _of(events: Sequence[Event], actor: ActorId) -> tuple[Event, ...]:
    return tuple(event for event in events if event.actor == actor)
