"""A real agent, with an idle process for a kernel, and a kernel's sockets in the test."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import zmq

from jupyter_runt import wire
from jupyter_runt.provisioning.agents import PLAN_ENV, AgentPlan, launching, survivors
from jupyter_runt.wire import Channel, Decoder, Kind

SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]


class Server:
    """One connection to the agent, as a server has it."""

    def __init__(
        self, path: str, fence: int, from_seq: int = 0, protocol: int = wire.PROTOCOL
    ) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self._decoder = Decoder()
        self._frames: list[tuple[Kind, memoryview]] = []
        hello = {"protocol": protocol, "fence": fence, "from_seq": from_seq}
        self.send(wire.json_frame(Kind.HELLO, hello))
        self.kind, payload = self.frame()
        self.greeting = wire.parse_json(payload)

    def send(self, frame: bytes) -> None:
        self.socket.sendall(frame)

    def frame(self) -> tuple[Kind, memoryview]:
        while not self._frames:
            data = self.socket.recv(1 << 16)
            if not data:
                raise EOFError
            self._frames += self._decoder.feed(data)
        return self._frames.pop(0)

    def hear(self, count: int) -> list[wire.Record]:
        return [wire.parse_record(self.frame()[1]) for _ in range(count)]

    def close(self) -> None:
        self.socket.close()


class Stage:
    """An agent, its process that is no kernel, and what that would say."""

    def __init__(
        self,
        folder: Path,
        ttl: float = 60,
        journal_bytes: int = 1 << 30,
        *,
        at_birth: signal.Signals | None = None,
    ) -> None:
        self.journals = folder / "journals"
        self.context = zmq.Context()
        ports = {}
        self.control = self.context.socket(zmq.ROUTER)
        self.shell = self.context.socket(zmq.ROUTER)
        self.stdin = self.context.socket(zmq.ROUTER)
        self.iopub = self.context.socket(zmq.XPUB)
        for name in ("control", "shell", "stdin", "iopub"):
            getattr(self, name).setsockopt(zmq.LINGER, 0)
            ports[f"{name}_port"] = getattr(self, name).bind_to_random_port("tcp://127.0.0.1")
        self.iopub.setsockopt(zmq.SNDHWM, 0)
        connection = folder / "connection.json"
        connection.write_text(json.dumps({"transport": "tcp", "ip": "127.0.0.1", **ports}), "utf-8")
        plan = AgentPlan(self.journals, ttl, journal_bytes, "kernel", "python3", "notebook", "/")
        with launching(plan.to_env()[PLAN_ENV], SLEEP, str(connection)) as launch:
            self.process = subprocess.Popen(
                launch.command, pass_fds=launch.pass_fds, start_new_session=True
            )
            if at_birth is not None:
                self.process.send_signal(at_birth)
        self.path = launch.files.socket
        assert self.iopub.poll(60_000), "the agent subscribes"
        self.iopub.recv()

    def say(self, *texts: str) -> None:
        for text in texts:
            self.iopub.send_multipart([b"topic", text.encode()])

    def child(self) -> int:
        tasks = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(until(lambda: tasks.read_text("ascii").split())[0])

    def end(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(60)
        self.context.destroy(linger=0)


def until(condition: Callable[[], Any]) -> Any:
    """Return what `condition` returns once it is true."""
    end = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.end()


def texts(records: list[wire.Record]) -> list[str]:
    return [record.parts[-1].decode() for record in records]


@pytest.mark.rule("EX3")
def test_an_interrupt_that_comes_before_an_agent_runs_does_not_end_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path, at_birth=signal.SIGINT)
    try:
        status = Path(f"/proc/{stage.child()}/status").read_text("ascii")
        blocked = next(line for line in status.splitlines() if line.startswith("SigBlk:"))
        assert not int(blocked.split()[1], 16) & 1 << signal.SIGINT - 1, "its kernel is not deaf"
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        assert stage.process.poll() is None
    finally:
        stage.end()


@pytest.mark.rule("EX3")
def test_what_was_said_comes_from_any_place_on_whoever_asks(stage: Stage) -> None:
    said = [f"message {number}" for number in range(500)]
    stage.say(*said[:200])
    with closing(Server(stage.path, fence=1)) as first:
        assert texts(first.hear(200)) == said[:200]
        stage.say(*said[200:300])
        assert texts(first.hear(100)) == said[200:300]
        first.send(wire.json_frame(Kind.NOTE, {"sessions": ["s"]}))
        first.send(wire.retire_frame(100))
    stage.say(*said[300:])
    with closing(Server(stage.path, fence=2, from_seq=250)) as second:
        assert second.greeting["note"] == {"sessions": ["s"]}
        records = second.hear(251)
        assert [record.seq for record in records] == list(range(250, 501))
        assert texts(records) == said[249:]


def still_served(server: Server, request: bytes) -> None:
    while True:
        server.send(request)
        server.frame()


@pytest.mark.rule("EX1")
def test_the_highest_fence_has_the_kernel_and_lower_ones_have_nothing(stage: Stage) -> None:
    request = b"".join(wire.send_frame(Channel.SHELL_REQUEST, [b"run it"]))
    old = Server(stage.path, fence=3)
    stale = Server(stage.path, fence=2)
    assert stale.kind is Kind.REFUSED
    assert "fence 2" in stale.greeting["reason"]
    stranger = Server(stage.path, fence=9, protocol=7)
    assert stranger.kind is Kind.REFUSED
    assert "protocol" in stranger.greeting["reason"]
    new = Server(stage.path, fence=4)
    kind, payload = old.frame()
    assert kind is Kind.REFUSED
    assert "another server" in wire.parse_json(payload)["reason"]
    with pytest.raises((EOFError, OSError)):
        still_served(old, request)
    new.send(request)
    assert new.hear(1)[0].channel is Channel.SHELL_REQUEST
    assert stage.shell.poll(60_000)
    assert stage.shell.recv_multipart()[1:] == [b"run it"]
    assert not stage.shell.poll(100), "what a server sent that was let go of goes nowhere"
    for each in (old, stale, stranger, new):
        each.close()


@pytest.mark.rule("EX3", "EX8")
def test_a_server_that_does_not_read_costs_the_agent_nothing_and_misses_nothing(
    stage: Stage,
) -> None:
    def memory() -> int:
        status = Path(f"/proc/{stage.process.pid}/status").read_text("ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1])

    def kept() -> int:
        return sum(file.stat().st_size for file in stage.journals.iterdir())

    with closing(Server(stage.path, fence=1)) as server:
        stage.say("first")
        server.hear(1)
        before = memory()
        said = [f"{number} {'x' * 100_000}" for number in range(300)]
        for number in range(0, 300, 20):
            stage.say(*said[number : number + 20])
            until(lambda wanted=(number + 20) * 100_000: kept() > wanted)
        assert memory() < before + 10_000
        assert memory() < 45_000
        assert texts(server.hear(300)) == said


@pytest.mark.rule("EX8")
def test_a_full_journal_drops_outputs_and_says_where(tmp_path: Path) -> None:
    stage = Stage(tmp_path, journal_bytes=1000)
    try:
        stage.say("x" * 2000, "dropped", "dropped too")
        stage.iopub.send_multipart([b"topic", b'{"msg_type": "status"}'])
        with closing(Server(stage.path, fence=1)) as server:
            said, dropped, status = server.hear(3)
            assert len(said.parts[-1]) == 2000
            assert dropped.channel is Channel.DROPPED
            assert b"status" in status.parts[-1]
            server.send(wire.retire_frame(3))
            until(lambda: not any(file.stat().st_size for file in stage.journals.glob("*.1")))
            stage.say("again")
            assert texts(server.hear(1)) == ["again"]
    finally:
        stage.end()


@pytest.mark.rule("EX7")
def test_the_agent_tells_how_the_kernel_ended_after_all_that_it_said_and_ends_the_same_way(
    stage: Stage,
) -> None:
    stage.say("last words")
    os.kill(stage.child(), signal.SIGSEGV)
    with closing(Server(stage.path, fence=1)) as server:
        assert texts(server.hear(1)) == ["last words"]
        kind, payload = server.frame()
        assert kind is Kind.EXITED
        assert wire.parse_json(payload) == {"code": -signal.SIGSEGV, "oom": False}
    assert stage.process.wait(60) == -signal.SIGSEGV
    assert list(stage.journals.iterdir()) == []
    assert not Path(stage.path).exists()


@pytest.mark.rule("EX1")
def test_a_kernel_does_not_outlive_its_agent(stage: Stage) -> None:
    child = stage.child()
    stage.process.kill()
    stage.process.wait(60)
    until(lambda: not Path(f"/proc/{child}").exists())
    assert survivors(stage.journals) == [], "and what it left is removed"
    assert list(stage.journals.iterdir()) == []


@pytest.mark.rule("EX5")
def test_an_interrupt_reaches_the_kernel_and_not_the_agent(stage: Stage) -> None:
    with closing(Server(stage.path, fence=1)) as server:
        os.killpg(stage.process.pid, signal.SIGINT)
        kind, payload = server.frame()
        assert kind is Kind.EXITED
        assert wire.parse_json(payload)["code"] in (1, -signal.SIGINT)


@pytest.mark.rule("EX1")
@pytest.mark.parametrize("how", ["SIGTERM", "let go"])
def test_nobody_needs_to_hear_of_an_end_that_was_asked_for(stage: Stage, how: str) -> None:
    (found,) = survivors(stage.journals)
    assert (found.pid, found.kernel_id) == (stage.process.pid, "kernel")
    child = stage.child()
    if how == "let go":
        with closing(Server(stage.path, fence=1)) as server:
            server.send(wire.json_frame(Kind.LET_GO, {}))
        os.kill(child, signal.SIGTERM)
    else:
        found.signal(signal.SIGTERM)
    assert stage.process.wait(60) == -signal.SIGTERM


@pytest.mark.rule("EX1")
def test_an_agent_that_no_server_could_find_ends(stage: Stage) -> None:
    child = stage.child()
    with closing(Server(stage.path, fence=1)):
        shutil.rmtree(stage.journals)
    stage.say("wake up")
    assert stage.process.wait(60) == -signal.SIGKILL
    until(lambda: not Path(f"/proc/{child}").exists())


@pytest.mark.rule("EX1")
def test_garbage_ends_the_connection_of_its_sender_alone(stage: Stage) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as stranger:
        stranger.connect(stage.path)
        stranger.settimeout(60)
        stranger.sendall(b"\xff" * 100)
        with closing(Server(stage.path, fence=1)) as server:
            assert server.kind is Kind.WELCOME
            assert stranger.recv(100) == b""
            stage.say("still here")
            assert texts(server.hear(1)) == ["still here"]
