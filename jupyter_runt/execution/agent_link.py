"""A kernel reached through its agent: the same messages, each with its place in the journal."""

import asyncio
import json
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jupyter_client.session import DELIM

from jupyter_runt import wire
from jupyter_runt.errors import RuntimeLost
from jupyter_runt.execution.links import REPLAYED, Channel, ConnectionInfo, Link, Listener
from jupyter_runt.protocols import KernelMessage

CHUNK: Final = 256 * 1024

WELCOME_SECONDS: Final = 3.0
"""How long an agent that is to be adopted may take to answer; a frozen one does not."""

DROPPED_TEXT: Final = "\n[Output was dropped here: the kernel's journal is full.]\n"

_FROM: Final[dict[wire.Channel, Channel]] = {
    wire.Channel.SHELL: "shell",
    wire.Channel.STDIN: "stdin",
    wire.Channel.IOPUB: "iopub",
    wire.Channel.CONTROL: "control",
}
_TO: Final[dict[Channel, wire.Channel]] = {
    "shell": wire.Channel.SHELL_REQUEST,
    "stdin": wire.Channel.STDIN_REQUEST,
    "control": wire.Channel.CONTROL_REQUEST,
}


@dataclass(frozen=True, slots=True)
class AgentEnd:
    """How a kernel ended, as its parent tells it. Without a `code`, the agent is gone."""

    code: int | None = None
    oom: bool = False
    refusal: str | None = None
    """Why the agent serves us no more, where it lives."""


@dataclass(frozen=True, slots=True)
class AgentDoor:
    """Where an agent is met, and as whom."""

    connect: Callable[[], socket.socket]
    """Returns a connection to it; raises OSError."""
    fence: int
    on_end: Callable[[AgentEnd], None]
    """Told once when there is no more to come, after all that was said."""
    overhear: Callable[[wire.Record], None] | None = None
    """Told what the kernel says, as it says it."""


class AgentLink(Link):
    """The connection to a kernel's agent.

    Args:
        at_work: the kernel was another server's. What it says is held back until `resume`; then
            comes what the journal has, a `REPLAYED` message, and what is new.
    """

    def __init__(
        self,
        door: AgentDoor,
        info: ConnectionInfo,
        hear: Callable[..., None],
        overhear: Listener,
        *,
        at_work: bool = False,
    ) -> None:
        super().__init__(info, hear, overhear)
        self._door = door
        self._loop = asyncio.get_running_loop()
        self._held = at_work
        self._replay_to = 0 if at_work else None
        """The last place of the journal as we met it, until that was told."""
        self._position = 0
        self._welcomed: asyncio.Future[dict[str, Any] | AgentEnd] = self._loop.create_future()
        self.left: dict[str, Any] = {}
        """What was left with the agent."""
        self._request: wire.Record | None = None
        self._records: deque[wire.Record] = deque()
        self._end: AgentEnd | None = None
        self._end_told = False
        self._decoder = wire.Decoder()
        self._unsent = b""
        self._writes = False
        self._wake = self._loop.call_soon(self._read)
        try:
            self._socket = door.connect()
        except OSError:
            self._socket = socket.socket()
            self._ended(AgentEnd())
            return
        self._socket.setblocking(False)
        self._loop.add_reader(self._socket.fileno(), self._read)
        hello = {"protocol": wire.PROTOCOL, "fence": door.fence, "from_seq": 0}
        self._write([wire.json_frame(wire.Kind.HELLO, hello)])

    async def welcome(self) -> dict[str, Any]:
        """Return what was left with the agent; raises RuntimeLost if it does not let us in."""
        try:
            async with asyncio.timeout(WELCOME_SECONDS):
                answer = await asyncio.shield(self._welcomed)
        except TimeoutError:
            raise RuntimeLost("its agent does not answer") from None
        if isinstance(answer, AgentEnd):
            raise RuntimeLost(answer.refusal or "its agent is gone")
        note = answer.get("note")
        self.left = note if isinstance(note, dict) else {}
        self.info, self.subshell = self.left.get("info") or {}, self.left.get("subshell")
        return self.left

    def resume(self) -> None:
        """Let what was held back come."""
        self._held = False
        if self._end is None:
            self._loop.add_reader(self._socket.fileno(), self._read)
        self._read_soon()

    def retire(self, position: int) -> None:
        """Let the agent forget everything up to a place."""
        self._write([wire.retire_frame(position)])

    def note(self, note: dict[str, Any]) -> None:
        """Leave something for the next server, beside what was left before."""
        self.left |= note
        self._write([wire.json_frame(wire.Kind.NOTE, self.left)])

    def _learned(self) -> None:
        self.note({"info": self.info, "subshell": self.subshell})

    def close(self) -> None:
        """Let go: the kernel may end without telling us."""
        self._write([wire.json_frame(wire.Kind.LET_GO, {})])
        self._wake.cancel()
        self._disconnect()
        self._end_told = True

    def _disconnect(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._loop.remove_writer(self._socket.fileno())
            self._socket.close()

    # to the agent

    def hand_on(self, channel: wire.Channel, parts: Sequence[bytes]) -> None:
        """Send a request of somebody else, who signed it."""
        self._write(wire.send_frame(channel, parts))

    def _post(self, channel: Channel, parts: list[bytes]) -> None:
        self._write(wire.send_frame(_TO[channel], parts))

    def _write(self, buffers: Sequence[bytes]) -> None:
        if self._socket.fileno() < 0:
            return  # it is gone, as is told elsewhere
        self._unsent += b"".join(buffers)
        if not self._writes:
            self._flush()

    def _flush(self) -> None:
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent = b""  # reading tells why
        if self._writes != bool(self._unsent):
            self._writes = not self._writes
            if self._writes:
                self._loop.add_writer(self._socket.fileno(), self._flush)
            else:
                self._loop.remove_writer(self._socket.fileno())

    # from the agent

    def _read_soon(self) -> None:
        self._wake.cancel()
        self._wake = self._loop.call_soon(self._read)

    def _read(self) -> None:
        if not self._records and self._end is None:
            self._receive()
        if self._held:
            if self._welcomed.done() and self._end is None:
                # What comes now waits in the agent's journal, which is the place for it.
                self._loop.remove_reader(self._socket.fileno())
            return
        if self._take(self._received()) or self._records:
            self._read_soon()
        elif self._end is not None and not self._end_told:
            self._end_told = True
            self._door.on_end(self._end)

    def _receive(self) -> None:
        try:
            data = self._socket.recv(CHUNK)
            for kind, payload in self._decoder.feed(data):
                self._sort(kind, payload)
        except BlockingIOError:
            return
        except (OSError, wire.BadFrame):
            data = b""
        if not data:
            self._ended(AgentEnd())

    def _sort(self, kind: wire.Kind, payload: memoryview) -> None:
        match kind:
            case wire.Kind.RECORD:
                self._records.append(wire.parse_record(payload))
            case wire.Kind.WELCOME:
                content = wire.parse_json(payload)
                self._position = int(content["first_seq"]) - 1
                if self._replay_to is not None:
                    self._replay_to = int(content["next_seq"]) - 1
                self._welcome(content)
            case wire.Kind.REFUSED:
                self._ended(AgentEnd(refusal=str(wire.parse_json(payload).get("reason"))))
            case wire.Kind.EXITED:
                content = wire.parse_json(payload)
                self._ended(AgentEnd(int(content["code"]), bool(content["oom"])))
            case _:
                raise wire.BadFrame("not for a server")

    def _welcome(self, answer: dict[str, Any] | AgentEnd) -> None:
        if not self._welcomed.done():
            self._welcomed.set_result(answer)

    def _ended(self, end: AgentEnd) -> None:
        if self._end is None:
            self._end = end
            self._welcome(end)
            self._disconnect()
            self._read_soon()

    def _received(self) -> Iterator[KernelMessage]:
        while True:
            if self._replay_to is not None and self._position >= self._replay_to:
                self._replay_to = None
                yield KernelMessage("shell", REPLAYED, None, {}, {}, position=self._position)
            if not self._records:
                return
            record = self._records.popleft()
            self._position = record.seq
            if self._door.overhear is not None and self._replay_to is None:
                self._door.overhear(record)
            if (message := self._message(record)) is not None:
                yield message

    def _message(self, record: wire.Record) -> KernelMessage | None:
        match record.channel:
            case wire.Channel.SHELL_REQUEST:
                if b"execute_request" in record.parts[2]:  # its header
                    self._request = record
                return None if self._replay_to is None else _request(record)
            case wire.Channel.STDIN_REQUEST | wire.Channel.CONTROL_REQUEST:
                return None
            case wire.Channel.DROPPED:
                asked = None if self._request is None else _request(self._request).parent_id
                text = {"name": "stderr", "text": DROPPED_TEXT}
                return KernelMessage("iopub", "stream", asked, text, {}, position=record.seq)
            case channel:
                return self._decoded(_FROM[channel], record.parts, record.seq)


def _request(record: wire.Record) -> KernelMessage:
    """Return a request that was sent, as if the kernel said that it had it."""
    header = json.loads(record.parts[record.parts.index(DELIM) + 2])
    kind, msg_id = str(header["msg_type"]), str(header["msg_id"])
    return KernelMessage("shell", kind, msg_id, {}, {}, position=record.seq)
