"""Commands that are sent again: they get the first reply, and nothing happens twice (EX2)."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from jupyter_runt.commands import Command
from jupyter_runt.errors import StoreUnavailable
from jupyter_runt.events.base import Draft, Event
from jupyter_runt.events.runtime import RuntimeCommandPerformed
from jupyter_runt.ids import ActorId, Seq, is_runtime
from jupyter_runt.protocols import EventLog
from jupyter_runt.session.decide import ACTS_ON_KERNEL
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
            result = await self._earlier(actor, cause)
            if result is None:
                result = await perform()
                await self._note(actor, command, cause, result)
            reply.set_result(result)
        except BaseException as error:
            del self._replies[key]
            reply.set_exception(error)
            reply.exception()  # repeats were told, or there were none
            raise
        while len(self._replies) > REMEMBERED_REPLIES:
            self._replies.popitem(last=False)
        return result

    async def _note(self, actor: ActorId, command: Command, cause: str, reply: Reply) -> None:
        """Have the next server know of what left no trace with its author's name."""
        if not isinstance(command, ACTS_ON_KERNEL) or _of(reply.events, actor):
            return
        performed = RuntimeCommandPerformed(command=command.type)
        with suppress(StoreUnavailable):  # it was done, and this server knows
            await self._writer.append(Draft(payload=performed, actor=actor, caused_by=cause))

    async def _earlier(self, actor: ActorId, cause: str) -> Reply | None:
        """Return the reply that was given before a restart of the server."""
        events = await self._log.caused_by(self._writer.notebook_id, cause)
        mine = _of(events, actor)
        if not mine:
            return None
        if not isinstance(mine[-1].payload, RuntimeCommandPerformed):
            return Reply(mine[-1].seq, mine)
        led_to = tuple(event for event in events if is_runtime(event.actor))
        return Reply(led_to[-1].seq if led_to else Seq(mine[-1].seq - 1), led_to)


def _of(events: Sequence[Event], actor: ActorId) -> tuple[Event, ...]:
    return tuple(event for event in events if event.actor == actor)
