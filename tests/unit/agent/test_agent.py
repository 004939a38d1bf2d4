import itertools
import os
import socket
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_runt import wire
from jupyter_runt.agent import agent
from jupyter_runt.agent.journal import Journal
from jupyter_runt.wire import Decoder, Kind

READER = "import json, sys; print(len(json.load(sys.stdin)['spec']))"

ENDING = f"""
from jupyter_runt.agent.agent import end_elsewhere
end_elsewhere([{sys.executable!r}, "-c", {READER!r}], {{"spec": "x" * SIZE}})
"""


@pytest.mark.parametrize("size", [10, 1 << 20])
def test_who_is_to_end_a_kernel_elsewhere_is_told_of_it_however_much_that_is(size: int) -> None:
    command = [sys.executable, "-c", ENDING.replace("SIZE", str(size))]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=True)
    assert int(done.stdout) == size


def frames(server: socket.socket, decoder: Decoder) -> list[tuple[Kind, memoryview]]:
    found: list[tuple[Kind, memoryview]] = []
    while not found:
        data = server.recv(1 << 16)
        assert data, "the agent is gone"
        found += decoder.feed(data)
    return found


@pytest.mark.rule("EX7")
def test_a_death_is_told_where_the_silence_after_it_begins_between_two_looks_at_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = itertools.count(step=0.6 * agent.SILENCE)  # as on a machine that has no time for us
    monkeypatch.setattr(agent, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    kernel: Any = SimpleNamespace(sockets={})
    journal = Journal(tmp_path / "journal", 1 << 20)
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 3"], {})
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    wakeup, wakes = socket.socketpair()
    with (
        socket.socket(socket.AF_UNIX) as listener,
        socket.socket(socket.AF_UNIX) as server,
        closing(wakeup),
        closing(wakes),
    ):
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        ours = agent.Agent(pid, kernel, journal, listener, wakeup, 1e9, lambda: False, lambda: True)
        ends: list[int | None] = []
        thread = threading.Thread(target=lambda: ends.append(ours.run()), daemon=True)
        thread.start()
        server.settimeout(30)
        server.connect(str(tmp_path / "s"))
        hello = {"protocol": wire.PROTOCOL, "fence": 1, "from_seq": 0}
        server.sendall(wire.json_frame(Kind.HELLO, hello))
        decoder = Decoder()
        assert frames(server, decoder)[0][0] is Kind.WELCOME
        wakes.send(b"\0")
        kind, payload = frames(server, decoder)[0]
        assert (kind, wire.parse_json(payload)["code"]) == (Kind.EXITED, 3)
        thread.join(30)
        assert ends == [3]
        assert ours._owner is not None
        ours._owner.close()  # which the end of its process does
    journal.remove()
