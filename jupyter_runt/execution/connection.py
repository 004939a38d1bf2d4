"""The client side of a kernel over ZeroMQ, on the event loop, restarts included."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from hmac import compare_digest
from typing import Any, Final, Literal, cast

import zmq
from jupyter_client.session import DELIM, Session

from jupyter_runt.errors import RuntimeLost
from jupyter_runt.protocols import KernelMessage

READY_SECONDS: Final = 60.0
"""How long a kernel may take to answer after its process was started."""

NUDGE_SECONDS: Final = 0.2
"""How often a kernel that has not answered is asked again."""

SLICE_SECONDS: Final = 0.004
"""How long one turn of reading may hold the event loop."""

RECONNECT_MS: Final = 20
"""How often ZeroMQ tries a port on which the kernel does not listen yet."""

Channel = Literal["shell", "iopub", "stdin"]
ConnectionInfo = Mapping[str, Any]
Listener = Callable[[Sequence[KernelMessage]], None]

log = logging.getLogger(__name__)


class ZmqKernelConnection:
    """A `KernelConnection` over ZeroMQ.

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
        self._link: _Link | None = None
        self._changed = asyncio.Event()
        self._closed: str | None = None

    def connect(self, info: ConnectionInfo) -> None:
        """Meet a kernel process; `info` is what its connection file says."""
        self.disconnect()
        self._link = _Link(self._context, info, self._hear, self._overhear)
        self._changed.set()

    def disconnect(self) -> None:
        """Let go of a kernel process that is gone or about to go."""
        if self._link is not None:
            self._link.close()
            self._link = None
            self._changed.set()

    def close(self, reason: str) -> None:
        """Let go for ever; `reason` is what `ready` raises from now on."""
        self._closed = reason
        self.disconnect()
        self._changed.set()

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
            self._link.send("shell", "execute_request", content, msg_id, metadata)

    def reply_input(self, value: str) -> None:
        """See `KernelConnection.reply_input`."""
        if self._link is not None:
            self._link.send("stdin", "input_reply", {"status": "ok", "value": value})

    def tell_comm(self, comm_id: str, data: dict[str, Any]) -> None:
        """See `KernelConnection.tell_comm`."""
        if self._link is not None:
            self._link.send("shell", "comm_msg", {"comm_id": comm_id, "data": data})

    def _hear(self, messages: Sequence[KernelMessage], *, answered: bool) -> None:
        if answered:
            self._changed.set()
        if messages:
            self._listener(messages)


class _Link:
    """The sockets to one kernel process."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        info: ConnectionInfo,
        hear: Callable[..., None],
        overhear: Listener,
    ) -> None:
        self._hear = hear
        self._overhear = overhear
        self._loop = asyncio.get_running_loop()
        key = info["key"]
        self._session = Session(
            key=key if isinstance(key, bytes) else str(key).encode(),
            signature_scheme=info["signature_scheme"],
        )
        self._nudges: set[str] = set()
        self._missing: set[str] = {"shell", "iopub"}
        self._sockets: dict[Channel, zmq.Socket[bytes]] = {}
        kinds: tuple[tuple[Channel, int], ...] = (
            ("shell", zmq.DEALER),
            ("stdin", zmq.DEALER),
            ("iopub", zmq.SUB),  # last: a flood must not hide the others
        )
        for channel, kind in kinds:
            socket = _socket(context, kind, info, channel, self._session.bsession)
            self._sockets[channel] = socket
            self._loop.add_reader(socket.fileno(), self._read)
        self._wake = self._loop.call_soon(self._read)

    @property
    def answered(self) -> bool:
        """Whether the kernel replied, and its outputs arrive."""
        return not self._missing

    def close(self) -> None:
        """Close the sockets; what was not sent yet is dropped."""
        self._wake.cancel()
        for socket in self._sockets.values():
            self._loop.remove_reader(socket.fileno())
            socket.close(linger=0)
        self._sockets.clear()

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
    ) -> str:
        """Send a request and return its id."""
        header = self._session.msg_header(msg_type)
        if msg_id is not None:
            header["msg_id"] = msg_id
        sent = self._session.send(
            self._sockets[channel], msg_type, content, header=header, metadata=metadata
        )
        # Sending can use up the edge that the file descriptor signals new messages with.
        self._read_soon()
        return cast("str", sent["header"]["msg_id"]) if sent else ""

    def _read_soon(self) -> None:
        self._wake.cancel()
        self._wake = self._loop.call_soon(self._read)

    def _read(self) -> None:
        until = time.perf_counter() + SLICE_SECONDS
        messages: list[KernelMessage] = []
        broadcast: list[KernelMessage] = []
        waited = bool(self._missing)
        for channel, parts in self._received():
            try:
                message = _decode(self._session, channel, parts)
            except (ValueError, TypeError, KeyError, IndexError):
                log.warning("A malformed message on %s was ignored.", channel, exc_info=True)
                continue
            if channel == "iopub":
                broadcast.append(message)
            if message.parent_id in self._nudges or message.msg_type == "iopub_welcome":
                self._missing.discard(channel)
            else:
                messages.append(message)
            if time.perf_counter() > until:
                self._read_soon()
                break
        if broadcast:
            self._overhear(broadcast)
        self._hear(messages, answered=waited and not self._missing)

    def _received(self) -> Iterator[tuple[Channel, list[bytes]]]:
        for channel, socket in self._sockets.items():
            while True:
                try:
                    parts = socket.recv_multipart(zmq.NOBLOCK)
                except zmq.Again:
                    break
                yield channel, parts


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


def _decode(session: Session, channel: Channel, parts: list[bytes]) -> KernelMessage:
    """Return the message in the parts that arrived.

    `Session.deserialize` does the same and parses every date, which takes four times as long.

    Raises:
        ValueError: the parts are not a signed message of this kernel.
    """
    parts = parts[parts.index(DELIM) + 1 :]
    if session.auth is not None and not compare_digest(parts[0], session.sign(parts[1:5])):
        raise ValueError("the signature is wrong")
    header, parent, metadata, content = (_load(part) for part in parts[1:5])
    return KernelMessage(
        channel=channel,
        msg_type=header["msg_type"],
        parent_id=parent.get("msg_id"),
        content=content,
        metadata=metadata,
        buffers=tuple(memoryview(part) for part in parts[5:]),
        parent_type=parent.get("msg_type"),
    )


def _load(part: bytes) -> dict[str, Any]:
    text = part.decode("utf-8", "replace")
    value = json.loads(text)
    if "\\ud" in text or "\\uD" in text:  # half a character, which no document can hold
        value = _whole(value)
    if not isinstance(value, dict):
        raise TypeError("not an object")
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


def _ignore(messages: Sequence[KernelMessage]) -> None:
    """Nobody listens yet: what a kernel says before it is asked is not ours."""
