"""Commands that are sent again: they get the first reply, and nothing happens twice (EX2)."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from jupyter_runt.events.base import Event
from jupyter_runt.ids import ActorId, CommandId, NotebookId, Seq
from jupyter_runt.protocols import EventLog

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

    def __init__(self, notebook_id: NotebookId, log: EventLog) -> None:
        self._notebook_id = notebook_id
        self._log = log
        self._replies: OrderedDict[tuple[ActorId, CommandId], asyncio.Future[Reply]] = OrderedDict()

    async def once(
        self,
        actor: ActorId,
        command_id: CommandId,
        cause: str,
        perform: Callable[[], Awaitable[Reply]],
    ) -> Reply:
        """Return what `perform` does, or did when it was asked for before; raises what it raises.

        Args:
            cause: what the events say of the command.
        """
        key = (actor, command_id)
        if key in self._replies:
            return await asyncio.shield(self._replies[key])
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._replies[key] = reply
        try:
            result = await self._earlier(actor, cause) or await perform()
            reply.set_result(result)
        except BaseException as error:
            del self._replies[key]
            reply.set_exception(error)
            reply.exception()  # repeats were told, or there were none
            raise
        while len(self._replies) > REMEMBERED_REPLIES:
            self._replies.popitem(last=False)
        return result

    async def _earlier(self, actor: ActorId, cause: str) -> Reply | None:
        """Return the reply that was given before a restart of the server."""
        events = await self._log.caused_by(self._notebook_id, cause)
        mine = tuple(event for event in events if event.actor == actor)
        return Reply(mine[-1].seq, mine) if mine else None
