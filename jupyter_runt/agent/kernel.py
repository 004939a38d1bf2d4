"""The agent's sockets to its kernel: messages go through as they are, signatures included."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import zmq

from jupyter_runt.wire import Channel

RECONNECT_MS: Final = 20
"""How often ZeroMQ tries a port on which the kernel does not listen yet."""

REQUESTS: Final = {
    Channel.SHELL_REQUEST: Channel.SHELL,
    Channel.STDIN_REQUEST: Channel.STDIN,
    Channel.CONTROL_REQUEST: Channel.CONTROL,
}

_SOCKETS: Final = (
    (Channel.CONTROL, "control", zmq.DEALER),
    (Channel.SHELL, "shell", zmq.DEALER),
    (Channel.STDIN, "stdin", zmq.DEALER),
    (Channel.IOPUB, "iopub", zmq.SUB),  # last: a flood must not hide the others
)


class KernelSockets:
    """Control, shell, stdin and iopub of one kernel process, under one identity for its whole life.

    Args:
        info: what the kernel's connection file says.
        identity: which client of the kernel we are; a prompt comes to whoever asked.
    """

    def __init__(self, info: Mapping[str, Any], identity: bytes) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.sockets: dict[Channel, zmq.Socket[bytes]] = {}
        separator = ":" if info["transport"] == "tcp" else "-"
        for channel, name, kind in _SOCKETS:
            socket = self._context.socket(kind)
            socket.linger = 0
            socket.sndhwm = 0
            socket.rcvhwm = 0  # whatever we are busy with, no output is lost
            socket.reconnect_ivl = RECONNECT_MS
            if info.get("curve_publickey"):
                socket.curve_publickey = _bytes(info["curve_publickey"])
                socket.curve_secretkey = _bytes(info["curve_secretkey"])
                socket.curve_serverkey = _bytes(info["curve_publickey"])
            if kind == zmq.SUB:
                socket.subscribe(b"")
            else:
                socket.identity = identity
            socket.connect(f"{info['transport']}://{info['ip']}{separator}{info[f'{name}_port']}")
            self.sockets[channel] = socket

    def send(self, channel: Channel, parts: Sequence[bytes]) -> None:
        """Send a request; the kernel's own queue is without bound."""
        self.sockets[REQUESTS[channel]].send_multipart(parts, zmq.NOBLOCK)

    def received(self, channel: Channel, at_most: int) -> Iterator[list[bytes]]:
        """Return what has arrived on a channel, in order."""
        socket = self.sockets[channel]
        for _ in range(at_most):
            try:
                yield socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return

    def close(self) -> None:
        """Let go of the kernel."""
        self._context.destroy(linger=0)


def _bytes(key: str | bytes) -> bytes:
    return key.encode() if isinstance(key, str) else key
