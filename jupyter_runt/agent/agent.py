"""The agent: it waits for its kernel, keeps what it says, and tells the server that owns it."""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import zmq

from jupyter_runt.agent import child
from jupyter_runt.agent.client import Client
from jupyter_runt.agent.journal import Journal
from jupyter_runt.agent.kernel import REQUESTS, KernelSockets
from jupyter_runt.wire import (
    PROTOCOL,
    BadFrame,
    Channel,
    Kind,
    json_frame,
    parse_json,
    parse_record,
    parse_retire,
    record_frame,
)

BATCH: Final = 100
"""Messages of a channel that are taken in before others have their turn."""

SILENCE: Final = 0.05
"""Seconds without a word after which a kernel that ended has said everything."""

LOOK: Final = 5.0
"""Seconds between looks, where no server is there, whether one could come."""

GRACE: Final = 2.0
"""Seconds that an orphan has between SIGTERM and SIGKILL."""


class Agent:
    """Runs until the kernel ended and a server knows, or until no server came for too long.

    Args:
        pid: the kernel's process, our child; None if it is nobody's here.
        wakeup: readable when a signal arrived.
        ttl: seconds without a server after which the kernel is ended.
        terminated: tells whether somebody wants an end: nobody needs to hear of it then.
        findable: tells whether a server could find us.
    """

    def __init__(
        self,
        pid: int | None,
        kernel: KernelSockets,
        journal: Journal,
        listener: socket.socket,
        wakeup: socket.socket,
        ttl: float,
        terminated: Callable[[], bool],
        findable: Callable[[], bool],
    ) -> None:
        self._pid = pid
        self._kernel = kernel
        self._journal = journal
        self._listener = listener
        self._wakeup = wakeup
        self._ttl = ttl
        self._terminated = terminated
        self._findable = findable
        self._ooms = child.oom_kills()
        self._fence = 0
        self._note: Any = None
        self._owner: Client | None = None
        self._strangers: dict[int, Client] = {}
        self._poller = zmq.Poller()
        self._polled: dict[int, int] = {}
        self._alone_since = time.monotonic()
        self._heard_at = 0.0
        self._dropping = False
        self._exit: dict[str, Any] | None = None
        self._told: Client | None = None
        self._let_go = False

    def run(self) -> int | None:
        """Work until the end; return how the kernel ended, None if it must be ended yet."""
        for channel in self._kernel.sockets.values():
            self._poller.register(channel, zmq.POLLIN)
        for waiting in (self._listener, self._wakeup):
            waiting.setblocking(False)
            self._poller.register(waiting.fileno(), zmq.POLLIN)
        while not self._done:
            if self._forsaken:
                break
            events = dict(self._poller.poll(self._patience()))
            for source, peer in self._kernel.sockets.items():
                if peer in events:
                    self._hear(source)
            if self._wakeup.fileno() in events:
                self._look_after_child()
            self._serve(events)
        return None if self._exit is None else int(self._exit["code"])

    @property
    def _forsaken(self) -> bool:
        if self._owner is not None:
            return False
        return time.monotonic() > self._alone_since + self._ttl or not self._findable()

    @property
    def _done(self) -> bool:
        if self._exit is None:
            return self._pid is None and self._terminated()
        if self._owner is None:
            return self._let_go or self._terminated()
        return self._told is self._owner and not self._owner.behind and not self._owner.deaf

    def _patience(self) -> int | None:
        """Return how many milliseconds nothing needs to be done by itself."""
        if self._owner is None:
            return int(1000 * min(self._ttl, LOOK))
        # Until it was told, whatever the clock says: the silence may begin at any moment.
        return None if self._exit is None or self._told is self._owner else int(1000 * SILENCE)

    # the kernel

    def _hear(self, channel: Channel) -> None:
        self._heard_at = time.monotonic()
        for parts in self._kernel.received(channel, BATCH):
            if channel is Channel.IOPUB and self._journal.full and not _is_status(parts):
                if not self._dropping:
                    self._keep(Channel.DROPPED, ())
                self._dropping = True
                continue
            self._dropping = False
            self._keep(channel, parts)

    def _keep(self, channel: Channel, parts: list[bytes] | tuple[bytes, ...]) -> None:
        seq = self._journal.next_seq
        buffers = record_frame(seq, channel, parts)
        if self._owner is not None:
            self._owner.tell_record(seq, buffers)  # first: we live as long as what we keep
        self._journal.append(buffers)

    def _look_after_child(self) -> None:
        self._wakeup.recv(1024)
        if self._pid is None:
            return
        code = child.ended(self._pid) if self._exit is None else None
        if code is not None:
            killed = code == -signal.SIGKILL
            self._heard_at = time.monotonic()
            self._exit = {"code": code, "oom": killed and child.oom_kills() > self._ooms}

    @property
    def _silent(self) -> bool:
        return time.monotonic() > self._heard_at + SILENCE

    # servers

    def _serve(self, events: dict[Any, int]) -> None:
        owner = self._owner
        if owner is not None and owner.fileno() in events:
            for kind, payload in owner.receive():  # its last words, if another one comes now
                self._obey(owner, kind, payload)
        if self._listener.fileno() in events:
            self._admit()
        for descriptor, stranger in list(self._strangers.items()):
            if descriptor in events:
                self._meet(descriptor, stranger)
        if self._owner is not None:
            self._tell(self._owner)
        self._watch()

    def _admit(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        client = Client(connection, self._journal)
        self._strangers[client.fileno()] = client

    def _meet(self, descriptor: int, stranger: Client) -> None:
        for kind, payload in stranger.receive():
            if stranger is self._owner:
                self._obey(stranger, kind, payload)
            elif (refusal := self._refusal(kind, payload)) is not None:
                stranger.tell(json_frame(Kind.REFUSED, {"reason": refusal}))
                stranger.close()
            else:
                self._let_in(stranger, parse_json(payload))
        if stranger.gone or stranger is self._owner:
            del self._strangers[descriptor]

    def _refusal(self, kind: Kind, payload: memoryview) -> str | None:
        try:
            hello = parse_json(payload) if kind is Kind.HELLO else {}
            protocol, fence = hello.get("protocol"), int(hello.get("fence", -1))
            int(hello.get("from_seq", 0))
        except (BadFrame, ValueError, TypeError):
            return "not a server"
        if protocol != PROTOCOL:
            return f"the agent speaks protocol {PROTOCOL}, the server {protocol}"
        if fence < self._fence:
            return f"fence {fence} is not the current one, which is {self._fence}"
        return None

    def _let_in(self, client: Client, hello: dict[str, Any]) -> None:
        if self._owner is not None:
            self._owner.tell(json_frame(Kind.REFUSED, {"reason": "another server took over"}))
            self._owner.close()
        self._owner, self._fence = client, int(hello["fence"])
        self._told, self._let_go = None, False
        client.next_seq = max(int(hello.get("from_seq", 0)), self._journal.first_seq)
        welcome = {"first_seq": client.next_seq, "next_seq": self._journal.next_seq}
        client.tell(json_frame(Kind.WELCOME, {**welcome, "note": self._note}))

    def _obey(self, owner: Client, kind: Kind, payload: memoryview) -> None:
        try:
            match kind:
                case Kind.SEND:
                    request = parse_record(payload)
                    if request.channel not in REQUESTS:
                        raise BadFrame("not a request")
                    if self._exit is None:
                        self._kernel.send(request.channel, request.parts)
                    # What somebody typed at a prompt may be a password: that it was is enough.
                    typed = request.channel is Channel.STDIN_REQUEST
                    self._keep(request.channel, () if typed else request.parts)
                case Kind.NOTE:
                    self._note = parse_json(payload)
                case Kind.LET_GO:
                    self._let_go = True
                case Kind.RETIRE:
                    self._journal.retire(parse_retire(payload))
                case _:
                    raise BadFrame("not for an agent")
        except BadFrame:
            owner.close()

    def _tell(self, owner: Client) -> None:
        owner.flush()
        if self._exit and self._silent and not owner.behind and self._told is not owner:
            owner.tell(json_frame(Kind.EXITED, self._exit))
            self._told = owner
        if owner.gone:
            self._owner, self._told, self._alone_since = None, None, time.monotonic()

    def _watch(self) -> None:
        """Poll the servers that are here, for room to send where one is behind."""
        wanted: dict[int, int] = dict.fromkeys(self._strangers, zmq.POLLIN)
        if self._owner is not None:
            room = zmq.POLLOUT if self._owner.behind else 0
            wanted[self._owner.fileno()] = zmq.POLLIN | room
        if wanted == self._polled:
            return
        for descriptor in self._polled.keys() - wanted.keys():
            self._poller.unregister(descriptor)
        for descriptor, flags in wanted.items():
            self._poller.register(descriptor, flags)
        self._polled = wanted


def end_kernel(pid: int) -> None:
    """End a kernel that nobody came for, and this process with it."""
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + GRACE
    while child.ended(pid) is None and time.monotonic() < until:
        time.sleep(0.02)
    os.killpg(0, signal.SIGKILL)


def end_elsewhere(farewell: list[str], about: dict[str, Any]) -> None:
    """End a kernel that is not our child: become who knows how."""
    told, telling = os.pipe()
    if not os.fork():  # a pipe takes little before it is read, and who reads it is to come
        try:
            os.close(told)
            with os.fdopen(telling, "w", encoding="ascii") as pipe:
                json.dump({"sys_path": sys.path, **about}, pipe)
        finally:
            os._exit(0)
    os.close(telling)
    os.dup2(told, 0)
    os.execv(farewell[0], farewell)  # noqa: S606


def _is_status(parts: list[bytes]) -> bool:
    return any(b'"status"' in part for part in parts[:5])
