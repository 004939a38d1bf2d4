"""The client side of a kernel, on the event loop, restarts included."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import zmq

from jupyter_runt import wire
from jupyter_runt.errors import Conflict, RuntimeLost
from jupyter_runt.execution.agent_link import AgentDoor, AgentLink
from jupyter_runt.execution.links import ConnectionInfo, Link, Listener, ZmqLink
from jupyter_runt.ids import new_id
from jupyter_runt.protocols import KernelMessage

WIDGETS: Final = "jupyter.widget"
"""The target of comms that are widgets."""

WIDGETS_VERSION: Final = {"version": "1.0.0"}
"""Of the protocol in which all of them are asked for."""

READY_SECONDS: Final = 60.0
"""How long a kernel may take to answer after its process was started."""

NUDGE_SECONDS: Final = 0.2
"""How often a kernel that has not answered is asked again."""


class LinkedKernelConnection:
    """A `KernelConnection` over links, one for each process of the kernel.

    It speaks for itself: its identity is its own, so that no other client of the kernel gets its
    replies. Each kernel process is met with new sockets, so that nothing that the last one left in
    a pipe reaches the next one.

    Args:
        overhear: told all that the kernel says on iopub, answers to us and to others, before the
            listener.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], overhear: Listener) -> None:
        self._context = context
        self._overhear = overhear
        self._listener: Listener = _ignore
        self._link: Link | None = None
        self._widgets_asked: str | None = None
        self._cell: str | None = None
        """The request of the cell that the kernel's main shell is at, or comes to next."""
        self._changed = asyncio.Event()
        self._closed: str | None = None
        self._asked: dict[str, tuple[asyncio.Future[dict[str, Any]], Callable[[], None]]] = {}

    def connect(self, info: ConnectionInfo, door: AgentDoor | None = None) -> None:
        """Meet a kernel process.

        Args:
            info: what its connection file says.
            door: where its agent is, if it has one.
        """
        self.disconnect()
        self._cell = None
        if door is None:
            self._link = ZmqLink(self._context, info, self._hear, self._overhear)
        else:
            self._link = AgentLink(door, info, self._hear, self._overhear)
        self._changed.set()

    async def adopt(self, info: ConnectionInfo, door: AgentDoor) -> dict[str, Any]:
        """Meet a kernel process that is at work, and return what its last server left with it.

        What it says is held back until `resume`.

        Raises:
            RuntimeLost: its agent does not let us in.
        """
        link = AgentLink(door, info, self._hear, self._overhear, at_work=True)
        try:
            note = await link.welcome()
        except RuntimeLost:
            link.close()
            raise
        self._link = link
        self._changed.set()
        return note

    def disconnect(self) -> None:
        """Let go of a kernel process that is gone or about to go."""
        if self._link is not None:
            self._link.close()
            self._link = None
            self._changed.set()
        for reply, _ in self._asked.values():
            if not reply.done():
                reply.set_exception(RuntimeLost("The kernel went away."))

    def close(self, reason: str) -> None:
        """Let go for ever; `reason` is what `ready` raises from now on."""
        self._closed = reason
        self.disconnect()
        self._changed.set()

    @property
    def left(self) -> dict[str, Any]:
        """See `KernelConnection.left`."""
        return self._link.left if isinstance(self._link, AgentLink) else {}

    @property
    def subshell(self) -> str | None:
        """Where the kernel answers whatever it runs, if it has such a thing."""
        return None if self._link is None else self._link.subshell

    @property
    def info(self) -> dict[str, Any]:
        """What the kernel said of itself; nothing where it did not yet."""
        return {} if self._link is None else self._link.info

    @property
    def runs_cell(self) -> bool:
        """Whether it runs a cell, whoever asked for that, or is to run one of ours."""
        return self._cell is not None

    def listen(self, listener: Listener) -> None:
        """See `KernelConnection.listen`."""
        self._listener = listener

    async def ready(self) -> None:
        """See `KernelConnection.ready`."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                while self._link is None or not self._link.answered:
                    if self._closed is not None:
                        raise RuntimeLost(self._closed)
                    await self._ask()
        except TimeoutError:
            seconds = int(READY_SECONDS)
            raise RuntimeLost(f"The kernel did not answer within {seconds} seconds.") from None

    async def _ask(self) -> None:
        if self._link is not None:
            self._link.nudge()
        self._changed.clear()
        try:
            async with asyncio.timeout(NUDGE_SECONDS):
                await self._changed.wait()
        except TimeoutError:
            pass

    def execute(self, msg_id: str, code: str, *, metadata: dict[str, Any] | None = None) -> None:
        """See `KernelConnection.execute`."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": True,
            "stop_on_error": False,
        }
        if self._link is not None:
            self._cell = msg_id
            self._link.send("shell", "execute_request", content, msg_id, metadata)

    async def evaluate(
        self, expression: str, begun: Callable[[], None], *, aside: bool = False
    ) -> dict[str, Any]:
        """See `KernelConnection.evaluate`."""
        if self._link is None:
            raise RuntimeLost("The kernel is not there.")
        content = {
            "code": "",
            "silent": True,
            "store_history": False,
            "user_expressions": {"answer": expression},
            # The last request says it for all: beside a cell, also for what that asks.
            "allow_stdin": aside,
            "stop_on_error": False,
        }
        reply: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        subshell = self._link.subshell if aside else None
        if aside and subshell is None:
            raise Conflict("The kernel runs a cell, and answers nothing beside it.")
        msg_id = self._link.send("shell", "execute_request", content, subshell=subshell)
        self._asked[msg_id] = (reply, begun)
        try:
            return await reply
        finally:
            del self._asked[msg_id]

    def reply_input(self, value: str) -> None:
        """See `KernelConnection.reply_input`."""
        if self._link is not None:
            self._link.send("stdin", "input_reply", {"status": "ok", "value": value})

    def tell_comm(self, comm_id: str, data: dict[str, Any]) -> None:
        """See `KernelConnection.tell_comm`."""
        if self._link is not None:
            content = {"comm_id": comm_id, "data": data}
            self._link.send("shell", "comm_msg", content, subshell=self._link.subshell)

    def hand_on(self, channel: wire.Channel, parts: Sequence[bytes]) -> None:
        """Send a request of another client, which signed it, to a kernel with an agent."""
        if isinstance(self._link, AgentLink):
            self._link.hand_on(channel, parts)

    def resume(self) -> None:
        """See `KernelConnection.resume`."""
        if isinstance(self._link, AgentLink):
            self._link.resume()
            wanted = {"target_name": WIDGETS}
            send, aside = self._link.send, self._link.subshell
            self._widgets_asked = send("shell", "comm_info_request", wanted, subshell=aside)

    def retire(self, position: int) -> None:
        """See `KernelConnection.retire`."""
        if isinstance(self._link, AgentLink):
            self._link.retire(position)

    def note(self, note: dict[str, Any]) -> None:
        """See `KernelConnection.note`."""
        if isinstance(self._link, AgentLink):
            self._link.note(note)

    def _hear(self, messages: Sequence[KernelMessage], *, answered: bool) -> None:
        if answered:
            self._changed.set()
        if self._widgets_asked is not None:
            self._ask_widgets(messages)
        for message in messages:
            if message.msg_type == "status" and message.parent_type == "execute_request":
                self._note_status(message)
        for message in messages if self._asked else ():
            if (asked := self._asked.get(message.parent_id or "")) is not None:
                reply, begun = asked
                begun()
                if message.channel == "shell" and not reply.done():
                    reply.set_result(message.content)
        if messages:
            self._listener(messages)

    def _note_status(self, message: KernelMessage) -> None:
        if message.aside:
            return
        if message.content.get("execution_state") == "busy":
            self._cell = message.parent_id
        elif self._cell == message.parent_id:
            self._cell = None

    def _ask_widgets(self, messages: Sequence[KernelMessage]) -> None:
        """Have a kernel that has widgets say what they are; who listens hears it."""
        found = [each for each in messages if each.parent_id == self._widgets_asked]
        comms = [each.content.get("comms") for each in found if each.channel == "shell"]
        if not comms or self._link is None:
            return
        self._widgets_asked = None
        if not comms[0]:
            return
        comm_id, aside = new_id(), self._link.subshell
        opened = {"comm_id": comm_id, "target_name": f"{WIDGETS}.control", "data": {}}
        self._link.send("shell", "comm_open", opened, metadata=WIDGETS_VERSION, subshell=aside)
        self.tell_comm(comm_id, {"method": "request_states"})


def _ignore(messages: Sequence[KernelMessage]) -> None:
    """Nobody listens yet: what a kernel says before it is asked is not ours."""
