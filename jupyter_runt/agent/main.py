"""From the arguments of the agent to its end."""

import json
import os
import signal
import socket
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_runt.agent import child
from jupyter_runt.agent.state import StateFile


def run(settings: dict[str, Any], command: list[str]) -> None:
    """Run a kernel, and end as it does; see `provisioning/agents.py` for the settings.

    Without a command, attend a kernel that is somebody else's child.
    """
    os.umask(0o077)
    listener = socket.socket(fileno=settings["listener"])
    listener.set_inheritable(False)
    base = Path(settings["journals"]) / settings["name"]
    state = StateFile(base.with_suffix(".json"), settings["about"])
    wakeup = _signals()
    # The kernel starts while we load what we need to speak with it.
    pid = child.spawn(command, os.environ) if command else None
    terminated: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: _pass_on(number, pid, terminated))

    from jupyter_runt.agent.agent import Agent, end_elsewhere, end_kernel
    from jupyter_runt.agent.journal import Journal
    from jupyter_runt.agent.kernel import KernelSockets

    connection = Path(settings["about"]["connection_file"]).read_text(encoding="utf-8")
    kernel = KernelSockets(json.loads(connection), uuid.uuid4().hex.encode())
    journal = Journal(base, settings["journal_bytes"])
    try:
        code = Agent(
            pid,
            kernel,
            journal,
            listener,
            wakeup,
            settings["ttl"],
            terminated=lambda: bool(terminated),
            findable=state.exists,
        ).run()
    finally:
        journal.remove()
        Path(settings["about"]["socket"]).unlink(missing_ok=True)
        state.remove()
    if code is not None:
        child.end_as(code)
    elif pid is not None:
        end_kernel(pid)
    else:
        end_elsewhere(settings["farewell"], settings["about"])


def _signals() -> socket.socket:
    """Let the kernel's signals, which its whole process group gets, pass us by."""
    ours, wakeup = socket.socketpair()
    for end in (ours, wakeup):
        end.setblocking(False)
    for number in (signal.SIGINT, signal.SIGCHLD):
        # A handler, which a new program does not inherit, where ignoring would be inherited.
        signal.signal(number, _nothing)
    signal.set_wakeup_fd(wakeup.detach())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # as `launching` left it
    return ours


def _pass_on(number: int, pid: int | None, terminated: list[int]) -> None:
    terminated.append(number)
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _nothing(_number: int, _frame: object) -> None:
    """Somebody else is meant."""
