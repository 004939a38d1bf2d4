"""A notebook's kernel on another machine, as this server knows it (docs/decisions/0018)."""

import asyncio
import json
import os
import re
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

from jupyter_runt.errors import InvalidRequest, RuntimeLost
from jupyter_runt.execution.ferry import Ferry
from jupyter_runt.protocols import Kernel, Lease
from jupyter_runt.provisioning.provisioner import KernelExit

PROTOCOL: Final = 2
"""Of the messages between a server and the agents of other machines."""

_UUID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

SILENCE: Final = 0.5
"""After which part of a lease a machine that says nothing counts as out of reach: it renews the
lease more often than that."""

START_SECONDS: Final = 60.0
"""How long another machine may take to start a kernel."""


@dataclass(frozen=True, slots=True)
class Introduction:
    """What an agent on another machine says of itself; `docs/api.md` has the fields."""

    kernel_id: str
    kernel_name: str
    display_name: str
    language: str
    interrupt_mode: str
    host: str
    key: str
    signature_scheme: str

    @classmethod
    def of(cls, said: dict[str, Any]) -> "Introduction":
        """Return what a message says.

        Raises:
            InvalidRequest: it is no introduction, or of another version.
        """
        if said.get("type") != "register" or said.get("protocol") != PROTOCOL:
            raise InvalidRequest(f"An agent must register with protocol {PROTOCOL}.", field="")
        for name in cls.__slots__:
            if not isinstance(said.get(name), str) or len(said[name]) > 1000:
                raise InvalidRequest(f"{name} is missing.", field=name)
        if not _UUID.fullmatch(said["kernel_id"]):  # there will be a file of that name
            raise InvalidRequest("kernel_id is not a UUID.", field="kernel_id")
        return cls(**{name: said[name] for name in cls.__slots__})


class Channel(Protocol):
    """One connection to another machine."""

    token_id: str | None
    """Of the token that let it in, if one did."""

    def tell(self, message: str | bytes) -> None:
        """Send a message; it may be lost with the connection."""
        ...

    def close(self) -> None:
        """Let it go, once what was told is sent."""
        ...


class RemoteMachine:
    """A machine that offered to run a notebook's kernel, for as long as its lease is good.

    Connections come and go. The lease is renewed by what is heard; `watch` notices when it ends,
    which the machine does a little earlier by its own clock, and ends its kernel.

    Args:
        lease_seconds: how long after its last word the machine may still run the kernel.
        on_presence: told when the machine comes and goes.
        launch: starts its kernel, for the notebook of a lease; see `start_elsewhere`.
        spawn: begins a task that ends before the server.
        stream: which kernel process it has from a server that died; 0 if none.
    """

    def __init__(
        self,
        about: Introduction,
        lease_seconds: float,
        on_presence: Callable[["RemoteMachine"], None],
        launch: Callable[..., Awaitable[Kernel]],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        stream: int = 0,
    ) -> None:
        self.about = about
        self.lease_seconds = lease_seconds
        self.exits: list[KernelExit] = []
        self.farewell = ("shutdown", "The kernel was shut down.")
        """Why it is let go of, and the same for people."""
        self.token_id: str | None = None
        """Of the token that let in its last connection."""
        self._on_presence = on_presence
        self._launch = launch
        self._channel: Channel | None = None
        self._stream = stream
        self._ferry: Ferry | None = None
        self._started: asyncio.Future[None] | None = None
        self._runs = False
        self._ended = asyncio.Event()
        self._gone = asyncio.Event()
        self._leaves = asyncio.Event()
        self._heard_at = asyncio.get_running_loop().time()
        self._spawn = spawn
        self._carrying: asyncio.Task[None] | None = None

    @property
    def present(self) -> bool:
        """Whether there is a connection."""
        return self._channel is not None

    @property
    def gone(self) -> bool:
        """Whether it is let go of."""
        return self._gone.is_set()

    # connections

    def attach(self, channel: Channel, stream: int, received: int) -> None:
        """Go on over a new connection; an earlier one is closed.

        Args:
            stream: which kernel process the machine has; 0 if none.
            received: how much of what we sent to that has come.

        Raises:
            BadStream: it cannot have come so far.
        """
        if self._channel is not None:
            self._channel.close()
        self._channel, self.token_id = channel, channel.token_id
        self._renewed()
        greeting = {
            "type": "registered",
            "lease_seconds": self.lease_seconds,
            "stream": self._stream,
            "received": None if self._ferry is None else self._ferry.received,
        }
        channel.tell(json.dumps(greeting))
        if self._ferry is not None and stream == self._stream:
            self._ferry.connected(channel.tell, received)
        self._on_presence(self)

    def detach(self, channel: Channel) -> None:
        """Note that a connection ended."""
        if channel is self._channel:
            self._channel = None
            if self._ferry is not None:
                self._ferry.disconnected()
            self._on_presence(self)

    async def hear(self, message: str | bytes) -> None:
        """Take what the machine says; raises BadStream, or ValueError if it is nonsense."""
        self._renewed()
        if isinstance(message, bytes):
            if self._ferry is not None:
                received = await self._ferry.take(message)
                self._post({"type": "received", "stream": self._stream, "place": received})
            return
        said = json.loads(message)
        match said:
            case {"type": "renew", "number": int(number)}:
                self._post({"type": "renewed", "number": number})
            case {"type": "received", "stream": int(stream), "place": int(place)}:
                if self._ferry is not None and stream == self._stream:
                    self._ferry.acknowledged(place)
            case {"type": "leave"}:
                self._leaves.set()
            case {"type": "started", "stream": int(stream)}:
                self._has_started(stream, None)
            case {"type": "ended", "stream": int(stream), "code": int(code)}:
                # Whoever listens to the agent hears more of it there.
                if stream == self._stream and (self._carrying is None or self._carrying.done()):
                    self.ended(code, oom=False, requested=True)
            case {"type": "failed", "stream": int(stream), "message": str(reason)}:
                self._has_started(stream, reason)
            case _:
                raise ValueError("no message of an agent")

    def _renewed(self) -> None:
        self._heard_at = asyncio.get_running_loop().time()

    def _post(self, message: dict[str, Any]) -> None:
        if self._channel is not None:
            self._channel.tell(json.dumps(message))

    async def expired(self) -> str | None:
        """Wait for the end of the lease, and return a sentence why; None if it was let go of.

        A connection over which nothing comes is closed before that: people are told.
        """
        loop = asyncio.get_running_loop()
        while (left := self._heard_at + self.lease_seconds - loop.time()) > 0:
            silence = left - self.lease_seconds * (1 - SILENCE)
            if silence <= 0 and self._channel is not None:
                self._channel.close()
                self.detach(self._channel)
            with suppress(TimeoutError):
                async with asyncio.timeout(left if self._channel is None else silence):
                    await self._leaves.wait()
                    break
        if self.gone:
            return None
        if self._leaves.is_set():
            return f"{self.about.host} runs the kernel no more."
        return f"{self.about.host} was not heard of for {self.lease_seconds:g} seconds."

    # its kernel

    async def launch(self, lease: Lease, *, again: bool = False) -> Kernel:
        """Start a kernel for the notebook of a lease, and connect to it; raises RuntimeLost.

        Args:
            again: go on with the one that it has.
        """
        return await self._launch(self, lease, again=again)

    async def start(self, *, again: bool = False) -> None:
        """Have a kernel process started, or another stream to the one there is.

        Raises:
            RuntimeLost: there is none.
        """
        await self._drop_ferry()
        self._stream += 1
        self._started = asyncio.get_running_loop().create_future()
        self._post({"type": "adopt" if again else "start", "stream": self._stream})
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._started
        except TimeoutError:
            raise RuntimeLost(f"{self.about.host} did not start a kernel in time.") from None
        finally:
            self._started = None
        self._runs = True
        self._ended.clear()

    def _has_started(self, stream: int, problem: str | None) -> None:
        waiting = self._started
        if stream != self._stream or waiting is None or waiting.done():
            return
        if problem is None:
            waiting.set_result(None)
        else:
            waiting.set_exception(RuntimeLost(f"{self.about.host}: {problem}"))

    def connect(self) -> socket.socket:
        """Return a connection to the kernel's agent, which the caller closes."""
        ours, theirs = socket.socketpair()
        self._carrying = self._spawn(self._carry(theirs))
        return ours

    async def _carry(self, local: socket.socket) -> None:
        ferry = self._ferry = await Ferry.open(local)
        if self._channel is not None:
            ferry.connected(self._channel.tell, 0)
        await ferry.run()

    async def _drop_ferry(self) -> None:
        self._ferry = None
        if self._carrying is not None:
            self._carrying.cancel()
            await asyncio.wait([self._carrying])

    def poll(self) -> int | None:
        """Return how the kernel ended, None while it runs."""
        return None if self._runs else (self.exits[-1].code if self.exits else 0)

    async def wait(self) -> None:
        """Wait until the kernel ended."""
        if self._runs:
            await self._ended.wait()

    def signal(self, number: int) -> None:
        """Send a signal to the kernel; nothing happens while the machine is away."""
        self._post({"type": "signal", "stream": self._stream, "number": number})
        if number == signal.SIGKILL:
            self.ended(-number, oom=False)

    def shut_down(self, *, restart: bool) -> None:
        """Ask the kernel to end by itself."""
        self._post({"type": "shutdown", "stream": self._stream, "restart": restart})

    def ended(self, code: int, *, oom: bool, requested: bool = False) -> None:
        """Note how the kernel ended."""
        if self._runs:
            self._runs = False
            self.exits.append(KernelExit(self._stream, code, requested, oom))
            self._ended.set()

    async def let_go(self) -> None:
        """Have the machine end what it runs, and know it no more."""
        reason, message = self.farewell
        self.ended(-signal.SIGTERM, oom=False, requested=True)
        self._post({"type": "end", "reason": reason, "message": message})
        if self._channel is not None:
            self._channel.close()
        self._channel = None
        self._gone.set()
        self._leaves.set()
        await self._drop_ferry()


def write_connection_file(path: str, about: Introduction, ports: dict[str, int]) -> None:
    """Write what Jupyter's clients on this machine need to reach the kernel."""
    content = {
        **ports,
        "transport": "tcp",
        "ip": "127.0.0.1",
        "key": about.key,
        "signature_scheme": about.signature_scheme,
        "kernel_name": about.kernel_name,
    }
    descriptor = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
