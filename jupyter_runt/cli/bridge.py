"""`jupyter runt agent`: run a notebook's kernel on this machine, for a server elsewhere."""

import asyncio
import json
import os
import signal
import socket
import time
from asyncio.subprocess import Process
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager
from jupyter_client.manager import KernelManager
from jupyter_core.paths import jupyter_data_dir
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import (
    WebSocketClientConnection,
    WebSocketClosedError,
    websocket_connect,
)

from jupyter_runt.execution.ferry import Ferry
from jupyter_runt.execution.remote import PROTOCOL
from jupyter_runt.ids import new_id
from jupyter_runt.provisioning.agents import PLAN_ENV, AgentFiles, AgentPlan, launching
from jupyter_runt.provisioning.provisioner import SECRETS

TOKEN_ENV: Final = "JUPYTER_RUNT_TOKEN"  # noqa: S105 (its name)

RENEWALS: Final = 6
"""How often a lease is renewed before it would end."""

MARGIN: Final = 0.2
"""Which part of a lease is given up, so that the kernel ends before the server counts on it."""

PING_SECONDS: Final = 5.0
"""How long a connection may be silent before we ask, and then before it counts as lost."""

AGAIN_SECONDS: Final = 5.0
"""How long we wait at most before we try to connect again."""

JOURNAL_BYTES: Final = 1_000_000_000
GRACE: Final = 3.0
"""Seconds that a kernel has between SIGTERM and SIGKILL."""


class Refused(Exception):
    """The server does not want us."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What is offered to whom."""

    url: str
    """Of the server."""
    notebook: str
    """A path to it, as the server has it, or its id."""
    token: str
    kernel_name: str | None
    """Name of a kernelspec of this machine."""
    folder: Path
    """Where the kernel works."""
    host: str = field(default_factory=socket.gethostname)

    def request(self) -> HTTPRequest:
        """Return what opens a connection."""
        base = self.url.rstrip("/").replace("http", "ws", 1)
        return HTTPRequest(
            f"{base}/api/runt/agents?notebook={quote(self.notebook, safe='')}",
            headers={"Authorization": f"Bearer {self.token}"},
            connect_timeout=10,
        )


def clock() -> float:
    """Return a time that goes on while the machine sleeps, and that nobody sets."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


class Bridge:
    """Runs the kernel, and tells the server what its agent says, over connections that come and go.

    Args:
        say: told what people may want to know.

    Raises:
        NoSuchKernel: there is no such kernelspec.
    """

    def __init__(self, offer: Offer, say: Callable[[str], None]) -> None:
        self._offer = offer
        self._say = say
        self._kernel_id = new_id()
        self._manager = KernelManager(kernel_name=offer.kernel_name or NATIVE_KERNEL_NAME)
        self._manager._launch_args = {}
        self._spec = KernelSpecManager().get_kernel_spec(self._manager.kernel_name)
        self._socket: WebSocketClientConnection | None = None
        self._stream = 0
        self._ferry: Ferry | None = None
        self._agent: Process | None = None
        self._files: AgentFiles | None = None
        self._carrying: asyncio.Task[None] | None = None
        self._lease = 60.0
        self._deadline = float("inf")
        self._renewals: dict[int, float] = {}
        self._number = 0
        self._tasks = asyncio.TaskGroup()

    async def run(self) -> str:
        """Serve until the server wants no more of us, and return what it says.

        Raises:
            Refused: it never wanted us, or our lease ended.
        """
        self._manager.write_connection_file()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._leave)
        try:
            async with asyncio.TaskGroup() as self._tasks:
                fence = self._tasks.create_task(self._fence())
                try:
                    return await self._serve()
                finally:
                    fence.cancel()
                    await self._end_kernel()
        except ExceptionGroup as group:
            raise _first(group) from None
        finally:
            self._manager._close_control_socket()
            self._manager.cleanup_connection_file()

    def _leave(self) -> None:
        """Have the server say farewell; where it is out of reach, it hears nothing for too long."""
        self._deadline = min(self._deadline, clock() + GRACE)
        self._post({"type": "leave"})

    # the connection

    async def _serve(self) -> str:
        pause = 0.1
        while True:
            asked_at = clock()
            try:
                connection = self._socket = await websocket_connect(
                    self._offer.request(), ping_interval=PING_SECONDS, ping_timeout=PING_SECONDS
                )
                pause = 0.1
                self._register(asked_at)
                if (farewell := await self._listen(connection)) is not None:
                    return farewell
            except HTTPClientError as error:
                if error.code in {400, 403, 404} or self._stream == 0:
                    raise Refused(f"{self._offer.url}: {_reason(error)}") from error
            except OSError as error:
                if self._stream == 0:
                    raise Refused(f"{self._offer.url}: {error}") from error
            self._lost()
            await asyncio.sleep(pause)
            pause = min(2 * pause, AGAIN_SECONDS)

    def _register(self, asked_at: float) -> None:
        spec, info = self._spec, self._manager.get_connection_info()
        key: Any = info["key"]
        self._renewals = {0: asked_at}
        self._post(
            {
                "type": "register",
                "protocol": PROTOCOL,
                "kernel_id": self._kernel_id,
                "kernel_name": self._manager.kernel_name,
                "display_name": spec.display_name,
                "language": spec.language,
                "interrupt_mode": spec.interrupt_mode,
                "host": self._offer.host,
                "key": key.decode() if isinstance(key, bytes) else key,
                "signature_scheme": info["signature_scheme"],
                "stream": self._stream,
                "received": 0 if self._ferry is None else self._ferry.received,
            }
        )

    async def _listen(self, connection: WebSocketClientConnection) -> str | None:
        """Do what the server says until the connection ends; return its farewell, if any."""
        registered = asyncio.Event()
        renewing = self._tasks.create_task(self._renew(registered))
        try:
            while (message := await connection.read_message()) is not None:
                if isinstance(message, bytes):
                    if self._ferry is not None:
                        place = await self._ferry.take(message)
                        said = {"type": "received", "stream": self._stream, "place": place}
                        self._post(said)
                    continue
                if (farewell := await self._obey(json.loads(message))) is not None:
                    return farewell
                registered.set()  # whatever it said: this is what it says first
            return None
        finally:
            renewing.cancel()

    async def _obey(self, said: dict[str, Any]) -> str | None:
        match said:
            case {"type": "registered", "lease_seconds": seconds, "stream": stream} as greeting:
                self._lease = float(seconds)
                self._renewed(0)
                if stream != self._stream:
                    await self._start(int(stream))
                elif self._ferry is not None and greeting["received"] is not None:
                    self._ferry.connected(self._send, int(greeting["received"]))
                self._say(f"Connected to {self._offer.url}.")
            case {"type": "renewed", "number": number}:
                self._renewed(int(number))
            case {"type": "start", "stream": stream}:
                await self._start(int(stream))
            case {"type": "adopt", "stream": stream}:
                await self._meet_again(int(stream))
            case {"type": "received" | "signal" | "shutdown", "stream": stream} if (
                stream == self._stream
            ):
                self._obey_for_kernel(said)
            case {"type": "end", "reason": "refused", "message": str(message)}:
                raise Refused(message)
            case {"type": "end", "message": str(message)}:
                return message
            case _:
                pass  # of a newer server, which does without an answer
        return None

    def _obey_for_kernel(self, said: dict[str, Any]) -> None:
        match said:
            case {"type": "received", "place": place} if self._ferry is not None:
                self._ferry.acknowledged(int(place))
            case {"type": "signal", "number": number}:
                self._signal(int(number))
            case {"type": "shutdown", "restart": restart}:
                self._shut_down(restart=bool(restart))
            case _:
                pass

    def _lost(self) -> None:
        self._socket = None
        if self._ferry is not None:
            self._ferry.disconnected()
        self._say(f"{self._offer.url} is out of reach; the kernel goes on.")

    def _post(self, message: dict[str, Any]) -> None:
        self._send(json.dumps(message))

    def _send(self, message: str | bytes) -> None:
        if self._socket is not None:
            with suppress(WebSocketClosedError):  # that is heard where it is read
                self._socket.write_message(message, binary=isinstance(message, bytes))

    # the lease

    async def _renew(self, registered: asyncio.Event) -> None:
        await registered.wait()
        while True:
            await asyncio.sleep(self._lease / RENEWALS)
            self._number += 1
            self._renewals[self._number] = clock()
            self._post({"type": "renew", "number": self._number})

    def _renewed(self, number: int) -> None:
        """Count the lease from when it was asked for: the server counts from later."""
        asked_at = self._renewals.pop(number, None)
        if asked_at is not None:
            self._deadline = asked_at + self._lease * (1 - MARGIN)

    async def _fence(self) -> None:
        while True:
            if clock() > self._deadline:
                await self._end_kernel(at_once=True)
                raise Refused(f"{self._offer.url} was out of reach for too long.")
            await asyncio.sleep(min(1.0, self._lease / 20))

    # the kernel

    async def _start(self, stream: int) -> None:
        await self._end_kernel(at_once=True)
        self._stream = stream
        try:
            agent, self._ferry = await self._launch()
        except OSError as error:
            self._post({"type": "failed", "stream": stream, "message": str(error)})
            return
        self._agent = agent
        self._begin(stream, agent, self._ferry)

    async def _meet_again(self, stream: int) -> None:
        """Have a server that comes after another one reach the kernel's agent."""
        self._stream = stream
        if self._carrying is not None:
            self._carrying.cancel()
        agent = self._agent
        try:
            if agent is None or self._files is None:
                raise OSError("the kernel is gone")
            self._ferry = await Ferry.open(self._files.connect())
        except OSError as error:
            self._post({"type": "failed", "stream": stream, "message": str(error)})
            return
        self._begin(stream, agent, self._ferry)

    def _begin(self, stream: int, agent: Process, ferry: Ferry) -> None:
        self._carrying = self._tasks.create_task(self._carry(stream, agent, ferry))
        self._post({"type": "started", "stream": stream})
        ferry.connected(self._send, 0)

    async def _carry(self, stream: int, agent: Process, ferry: Ferry) -> None:
        await ferry.run()
        code = await agent.wait()
        self._post({"type": "ended", "stream": stream, "code": code})

    async def _launch(self) -> tuple[Process, Ferry]:
        command = self._manager.format_kernel_cmd()
        withheld = {*SECRETS, TOKEN_ENV, PLAN_ENV}
        kept = {name: value for name, value in os.environ.items() if name not in withheld}
        env = {**kept, **(self._spec.env or {})}
        plan = AgentPlan(
            Path(jupyter_data_dir()) / "runt/journals",
            self._lease,
            JOURNAL_BYTES,
            kernel_id=self._kernel_id,
            kernel_name=self._manager.kernel_name,
            notebook_id=self._offer.notebook,
            root=self._offer.url,
        )
        file = self._manager.connection_file
        with launching(plan.to_env()[PLAN_ENV], command, file) as launch:
            agent = await asyncio.create_subprocess_exec(
                *launch.command,
                pass_fds=launch.pass_fds,
                start_new_session=True,
                env=env,
                cwd=self._offer.folder,
            )
            self._files = launch.files
            return agent, await Ferry.open(launch.files.connect())

    def _signal(self, number: int) -> None:
        if self._agent is not None and self._agent.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._agent.pid, number)

    def _shut_down(self, *, restart: bool) -> None:
        """Ask the kernel to end by itself, as Jupyter does."""
        manager: Any = self._manager
        manager._connect_control_socket()
        request = manager.session.msg("shutdown_request", content={"restart": restart})
        manager.session.send(manager._control_socket, request)

    async def _end_kernel(self, *, at_once: bool = False) -> None:
        if self._agent is None:
            return
        if not at_once:
            self._signal(signal.SIGTERM)
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE):
                    await self._agent.wait()
        self._signal(signal.SIGKILL)
        await self._agent.wait()
        if self._carrying is not None:
            self._carrying.cancel()


def _first(error: Exception) -> Exception:
    """Return what went wrong in a group of tasks."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _reason(error: HTTPClientError) -> str:
    """Return why a server refused us."""
    try:
        return str(json.loads(error.response.body if error.response else b"")["message"])
    except (TypeError, ValueError, KeyError):
        return str(error)
