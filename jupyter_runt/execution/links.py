"""How one kernel process is reached: requests signed, messages read, over ZeroMQ by default."""

import asyncio
import json
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hmac import compare_digest
from typing import Any, Final, Literal

import zmq
from jupyter_client.session import DELIM, Session

from jupyter_runt.execution.said import MAX_DEPTH, is_deep, sound
from jupyter_runt.protocols import KernelMessage

SLICE_SECONDS: Final = 0.004
"""How long one turn of reading may hold the event loop."""

RECONNECT_MS: Final = 20
"""How often ZeroMQ tries a port on which the kernel does not listen yet."""

REPLAYED: Final = "journal_replayed"
"""`msg_type` of no kernel: what comes now is not from a journal that an earlier server was told."""

IPYTHON: Final = "ipython"
"""The implementation of kernels that we know well enough to ask them for more."""

SUBSHELLS: Final = "kernel subshells"
"""What a kernel calls it that it answers some requests whatever it runs (JEP 91)."""

UNSENT_MESSAGES: Final = 200_000
"""How far behind a reader of a kernel's outputs may be before the kernel drops them."""

_KEEP_UNSENT: Final = (
    # In the thread that the socket belongs to; ZeroMQ's own limit is a thousand messages.
    "(lambda thread: thread.schedule("
    f"lambda: setattr(thread.socket, 'sndhwm', {UNSENT_MESSAGES})))"
    "(get_ipython().kernel.iopub_thread)"
)
"""Has an IPython kernel keep what a reader without processor time does not take at once."""

_ROUTE_COMMS: Final = (
    "(lambda comm, loop, current, subshells: setattr(comm, '_reply_subshell_for', "
    "(lambda own: lambda self, data, asked: "
    "(found if (found := own(self, data, asked)) in subshells() else None) "
    "or (asked if current(loop) else None))(comm._reply_subshell_for)))"
    "(__import__('ipykernel.comm.comm').comm.comm.BaseComm, "
    "get_ipython().kernel.io_loop.asyncio_loop, __import__('asyncio').current_task, "
    "get_ipython().kernel.shell_channel_thread.manager.list_subshell)"
)
"""Has an IPython kernel take messages of widgets where they were sent to, while a cell blocks where
it would take them itself, or where that was the subshell of a page which is closed."""

_END_NO_CELL: Final = (
    "(lambda events, threading: setattr(events, 'trigger', (lambda own: "
    "lambda event, *given, **named: None if event == 'post_execute' and "
    "threading.current_thread() is not threading.main_thread() "
    "else own(event, *given, **named))(events.trigger)))"
    "(get_ipython().events, __import__('threading'))"
)
"""Has an IPython kernel not take the end of a request to a subshell for that of the cell that runs:
its plots would be shown, half done, for nobody."""

_PREPARE: Final = {
    "code": "",
    "silent": True,
    "store_history": False,
    "allow_stdin": False,
    "user_expressions": {"unsent": _KEEP_UNSENT, "comms": _ROUTE_COMMS, "events": _END_NO_CELL},
}

Channel = Literal["control", "shell", "iopub", "stdin"]
ConnectionInfo = Mapping[str, Any]
Listener = Callable[[Sequence[KernelMessage]], None]

log = logging.getLogger(__name__)


class Link(ABC):
    """What all links share: they differ in how bytes come and go.

    Args:
        info: what the kernel's connection file says.
        hear: told what the kernel says, and whether it just became known to answer.
        overhear: told before that what it says on iopub.
    """

    def __init__(self, info: ConnectionInfo, hear: Callable[..., None], overhear: Listener) -> None:
        key = info["key"]
        self._session = Session(
            key=key if isinstance(key, bytes) else str(key).encode(),
            signature_scheme=info["signature_scheme"],
        )
        self._hear = hear
        self._overhear = overhear
        self._nudges: set[str] = set()
        self._missing: set[str] = {"shell", "iopub"}
        self._subshell_asked: str | None = None
        self.info: dict[str, Any] = {}
        """What the kernel said of itself, once it did."""
        self.subshell: str | None = None
        """Where requests are answered whatever the kernel runs, if it has such a thing."""

    @property
    def answered(self) -> bool:
        """Whether the kernel replied, and its outputs arrive."""
        return not self._missing

    @abstractmethod
    def close(self) -> None:
        """Let go; what was not sent yet is dropped."""

    @abstractmethod
    def _post(self, channel: Channel, parts: list[bytes]) -> None:
        """Send a message."""

    def nudge(self) -> None:
        """Ask for a sign of life on each channel."""
        if self._missing:
            self._nudges.add(self.send("shell", "kernel_info_request", {}))

    def send(
        self,
        channel: Channel,
        msg_type: str,
        content: dict[str, Any],
        msg_id: str | None = None,
        metadata: dict[str, Any] | None = None,
        subshell: str | None = None,
    ) -> str:
        """Send a request and return its id."""
        header = self._session.msg_header(msg_type)
        if msg_id is not None:
            header["msg_id"] = msg_id
        if subshell is not None:
            header["subshell_id"] = subshell
        message = self._session.msg(msg_type, content=content, header=header, metadata=metadata)
        self._post(channel, self._session.serialize(message))
        return str(header["msg_id"])

    def _decoded(
        self, channel: Channel, parts: Sequence[bytes], position: int = 0
    ) -> KernelMessage | None:
        try:
            return decode(self._session, channel, parts, position)
        except (ValueError, TypeError, KeyError, IndexError, RecursionError):
            log.warning("A malformed message on %s was ignored.", channel, exc_info=True)
            return None

    def _take(self, received: Iterable[KernelMessage]) -> bool:
        """Tell what was received; return whether the time was up before all of it was."""
        until = time.perf_counter() + SLICE_SECONDS
        messages: list[KernelMessage] = []
        broadcast: list[KernelMessage] = []
        waited, late = bool(self._missing), False
        for message in received:
            if message.channel == "iopub":
                broadcast.append(message)
            if message.parent_id in self._nudges or message.msg_type == "iopub_welcome":
                self._missing.discard(message.channel)
                if message.msg_type == "kernel_info_reply" and not self.info:
                    self._meet(message.content)
            elif message.channel == "control":
                self._hear_control(message)
            else:
                messages.append(message)
            if time.perf_counter() > until:
                late = True
                break
        if broadcast:
            self._overhear(broadcast)
        self._hear(messages, answered=waited and not self._missing)
        return late

    def _meet(self, info: dict[str, Any]) -> None:
        """Ask a kernel that just introduced itself for what it can do beyond the usual."""
        self.info = info
        # Kernels of other languages that are made with ipykernel inherit what it says of subshells,
        # and would ask the one process that they wrap in the middle of a cell.
        if info.get("implementation") == IPYTHON:
            if SUBSHELLS in (info.get("supported_features") or ()):
                self._subshell_asked = self.send("control", "create_subshell_request", {})
            self.send("shell", "execute_request", _PREPARE)
        self._learned()

    def _hear_control(self, message: KernelMessage) -> None:
        if self._subshell_asked is not None and message.parent_id == self._subshell_asked:
            self.subshell = message.content.get("subshell_id")
            self._learned()

    @abstractmethod
    def _learned(self) -> None:
        """Have what the kernel said of itself known where it is needed."""


class ZmqLink(Link):
    """The sockets to one kernel process."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        info: ConnectionInfo,
        hear: Callable[..., None],
        overhear: Listener,
    ) -> None:
        super().__init__(info, hear, overhear)
        self._loop = asyncio.get_running_loop()
        self._sockets: dict[Channel, zmq.Socket[bytes]] = {}
        kinds: tuple[tuple[Channel, int], ...] = (
            ("control", zmq.DEALER),
            ("shell", zmq.DEALER),
            ("stdin", zmq.DEALER),
            ("iopub", zmq.SUB),  # last: a flood must not hide the others
        )
        for channel, kind in kinds:
            socket = _socket(context, kind, info, channel, self._session.bsession)
            self._sockets[channel] = socket
            self._loop.add_reader(socket.fileno(), self._read)
        self._wake = self._loop.call_soon(self._read)

    def close(self) -> None:
        """Close the sockets; what was not sent yet is dropped."""
        self._wake.cancel()
        for socket in self._sockets.values():
            self._loop.remove_reader(socket.fileno())
            socket.close(linger=0)
        self._sockets.clear()

    def _post(self, channel: Channel, parts: list[bytes]) -> None:
        self._sockets[channel].send_multipart(parts)
        # Sending can use up the edge that the file descriptor signals new messages with.
        self._read_soon()

    def _learned(self) -> None:
        """Nobody else meets the kernel by this link."""

    def _read_soon(self) -> None:
        self._wake.cancel()
        self._wake = self._loop.call_soon(self._read)

    def _read(self) -> None:
        if self._take(self._received()):
            self._read_soon()

    def _received(self) -> Iterator[KernelMessage]:
        for channel, socket in self._sockets.items():
            while True:
                try:
                    parts = socket.recv_multipart(zmq.NOBLOCK)
                except zmq.Again:
                    break
                if (message := self._decoded(channel, parts)) is not None:
                    yield message


def _socket(
    context: zmq.Context[zmq.Socket[bytes]],
    kind: int,
    info: ConnectionInfo,
    channel: Channel,
    identity: bytes,
) -> zmq.Socket[bytes]:
    socket = context.socket(kind)
    socket.linger = 0
    socket.rcvhwm = 0  # a busy event loop must not lose outputs
    socket.reconnect_ivl = RECONNECT_MS
    if info.get("curve_publickey"):
        socket.curve_publickey = _bytes(info["curve_publickey"])
        socket.curve_secretkey = _bytes(info["curve_secretkey"])
        socket.curve_serverkey = _bytes(info["curve_publickey"])
    if kind == zmq.SUB:
        socket.subscribe(b"")
    else:
        socket.identity = identity
    transport, ip, port = info["transport"], info["ip"], info[f"{channel}_port"]
    socket.connect(f"{transport}://{ip}{':' if transport == 'tcp' else '-'}{port}")
    return socket


def _bytes(key: str | bytes) -> bytes:
    return key.encode() if isinstance(key, str) else key


def decode(
    session: Session, channel: Channel, parts: Sequence[bytes], position: int
) -> KernelMessage:
    """Return the message in the parts that arrived.

    `Session.deserialize` does the same and parses every date, which takes four times as long.

    Raises:
        ValueError: the parts are not a signed message of this kernel.
    """
    parts = parts[parts.index(DELIM) + 1 :]
    if session.auth is not None and not compare_digest(parts[0], session.sign(list(parts[1:5]))):
        raise ValueError("the signature is wrong")
    header, parent, metadata, content = (_load(part) for part in parts[1:5])
    msg_type, asked = str(header["msg_type"]), parent.get("msg_id")
    return KernelMessage(
        channel=channel,
        msg_type=msg_type,
        parent_id=asked if isinstance(asked, str) else None,
        content=sound(msg_type, content),
        metadata=metadata,
        buffers=tuple(memoryview(part) for part in parts[5:]),
        parent_type=parent.get("msg_type"),
        position=position,
        aside=parent.get("subshell_id") is not None,
    )


def _load(part: bytes) -> dict[str, Any]:
    text = part.decode("utf-8", "replace")
    value = json.loads(text)
    if "\\ud" in text or "\\uD" in text:  # half a character, which no document can hold
        value = _whole(value)
    if not isinstance(value, dict):
        raise TypeError("not an object")
    if text.count("[") + text.count("{") > MAX_DEPTH and is_deep(value):
        raise ValueError("values are nested too deep")
    return value


def _whole(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        case dict():
            return {_whole(key): _whole(item) for key, item in value.items()}
        case list():
            return [_whole(item) for item in value]
        case _:
            return value
