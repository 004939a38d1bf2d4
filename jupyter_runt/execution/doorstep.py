"""Where Jupyter's clients on this machine meet a kernel that runs on another one.

Jupyter reaches kernels over ZeroMQ, at the ports of a connection file. For a kernel of another
machine they are here: what comes is handed on over the one connection that there is, and answers
are given to whoever asked.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final

import zmq
from jupyter_client.session import DELIM

from jupyter_runt import wire

REMEMBERED: Final = 10_000
"""Requests whose answers may still come."""

_ROUTERS: Final = {
    "shell": wire.Channel.SHELL_REQUEST,
    "control": wire.Channel.CONTROL_REQUEST,
    "stdin": wire.Channel.STDIN_REQUEST,
}
_ANSWERS: Final = {
    wire.Channel.SHELL: "shell",
    wire.Channel.CONTROL: "control",
    wire.Channel.STDIN: "stdin",
}

HandOn = Callable[[wire.Channel, Sequence[bytes]], None]


class Doorstep:
    """The ports of a kernel that is elsewhere, on the loopback device.

    Args:
        hand_on: sends a request to the kernel.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], hand_on: HandOn) -> None:
        self._loop = asyncio.get_running_loop()
        self._hand_on = hand_on
        self._askers: OrderedDict[Any, bytes] = OrderedDict()
        self._sockets: dict[str, zmq.Socket[bytes]] = {}
        self.ports: dict[str, int] = {}
        """As a connection file has them."""
        kinds = {"shell": zmq.ROUTER, "control": zmq.ROUTER, "stdin": zmq.ROUTER}
        for name, kind in {**kinds, "iopub": zmq.XPUB, "hb": zmq.REP}.items():
            socket = self._sockets[name] = context.socket(kind)
            socket.linger = 0
            self.ports[f"{name}_port"] = socket.bind_to_random_port("tcp://127.0.0.1")
            self._loop.add_reader(socket.fileno(), self._read)
        self._wake = self._loop.call_soon(self._read)

    def close(self) -> None:
        """Be there no more."""
        self._wake.cancel()
        for socket in self._sockets.values():
            self._loop.remove_reader(socket.fileno())
            socket.close(linger=0)
        self._sockets.clear()

    def tell(self, record: wire.Record) -> None:
        """Give to whom it concerns what the kernel said."""
        if record.channel is wire.Channel.IOPUB:
            self._sockets["iopub"].send_multipart(record.parts, zmq.NOBLOCK)
        elif (name := _ANSWERS.get(record.channel)) is not None:
            asker = self._askers.get(_id_in(record.parts, header=3))
            if asker is not None:
                self._sockets[name].send_multipart([asker, *record.parts], zmq.NOBLOCK)
        self._read_soon()

    def _read_soon(self) -> None:
        self._wake.cancel()  # sending may have used up the edge that tells of what has come
        self._wake = self._loop.call_soon(self._read)

    def _read(self) -> None:
        for name, socket in self._sockets.items():
            while True:
                try:
                    parts = socket.recv_multipart(zmq.NOBLOCK)
                except zmq.Again:
                    break
                if name == "hb":
                    socket.send_multipart(parts)
                elif name in _ROUTERS:
                    self._pass_on(_ROUTERS[name], parts)

    def _pass_on(self, channel: wire.Channel, parts: list[bytes]) -> None:
        asker, *message = parts
        if (msg_id := _id_in(message, header=2)) is None:
            return
        self._askers[msg_id] = asker
        while len(self._askers) > REMEMBERED:
            self._askers.popitem(last=False)
        self._hand_on(channel, message)


def _id_in(parts: Sequence[bytes], header: int) -> Any:
    """Return the `msg_id` of a header (2) or of its parent's (3), None where there is none."""
    try:
        found = wire.parse_json(memoryview(parts[parts.index(DELIM) + header]))
    except (ValueError, IndexError, wire.BadFrame):
        return None
    return found.get("msg_id")
