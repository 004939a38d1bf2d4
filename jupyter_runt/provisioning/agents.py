"""Starting an agent beside a kernel, and finding those whose server is gone."""

import asyncio
import fcntl
import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jupyter_core.paths import jupyter_runtime_dir

from jupyter_runt.ids import new_id

PLAN_ENV: Final = "JUPYTER_RUNT_AGENT"
"""How a plan reaches the provisioner, which keeps it from the kernel: Jupyter's managers in between
pass the environment on, restarts included."""

MAX_SOCKET_PATH: Final = 100
"""Bytes; the system allows 107 at most."""

END_SECONDS: Final = 2.0
"""What an agent that is not adopted has between SIGTERM and SIGKILL."""

Connection = socket.socket

_MAIN: Final = Path(__file__).parents[1] / "agent" / "__main__.py"
_FAREWELL: Final = Path(__file__).with_name("farewell.py")


@dataclass(frozen=True, slots=True)
class AgentPlan:
    """What an agent beside a kernel is to be."""

    journals: Path
    """Folder of the journals; made with mode 0700."""
    ttl: float
    """Seconds without a server after which it ends its kernel."""
    journal_bytes: int
    """What it keeps at most; outputs beyond that are dropped, and it says so."""
    kernel_id: str
    kernel_name: str | None
    notebook_id: str
    root: str
    """Folder of the notebooks of its server: another one's server has nothing to do with it."""

    def to_env(self) -> dict[str, str]:
        """Return the environment variable that asks a provisioner for it."""
        return {
            PLAN_ENV: json.dumps(
                {
                    "journals": str(self.journals),
                    "ttl": self.ttl,
                    "journal_bytes": self.journal_bytes,
                    "about": {
                        "kernel_id": self.kernel_id,
                        "kernel_name": self.kernel_name,
                        "notebook_id": self.notebook_id,
                        "root": self.root,
                    },
                }
            )
        }


@dataclass(frozen=True, slots=True)
class AgentFiles:
    """What there is of an agent on the disk."""

    state: Path
    """Says what it is; locked by it as long as it lives."""
    socket: str

    @property
    def lives(self) -> bool:
        """Whether the agent does."""
        try:
            descriptor = os.open(self.state, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(descriptor)

    def connect(self) -> Connection:
        """Return a connection to the agent; raises OSError."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.setblocking(False)
            connection.connect(self.socket)
        except BaseException:
            connection.close()
            raise
        return connection

    def remove(self) -> None:
        """Remove what a dead agent left, which it does itself where it can."""
        Path(self.socket).unlink(missing_ok=True)
        for left in self.state.parent.glob(f"{self.state.stem}.*"):
            left.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Survivor:
    """An agent that lives."""

    files: AgentFiles
    protocol: int
    pid: int
    """Of the agent; it leads the process group that its kernel is in."""
    kernel_id: str
    kernel_name: str | None
    notebook_id: str
    root: str
    connection_file: str
    provisioner: dict[str, Any] | None
    """What finds the kernel again, where the agent is not its parent."""
    spec: dict[str, Any] | None = None
    """The kernelspec, as it was when the kernel was started: it may be gone by now."""

    def signal(self, number: int) -> None:
        """Send a signal to it and its kernel; nothing happens if they are gone."""
        if self.files.lives:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)


@dataclass(frozen=True, slots=True)
class AgentLaunch:
    """An agent about to be started."""

    command: list[str]
    pass_fds: tuple[int, ...]
    files: AgentFiles


@contextmanager
def launching(
    plan: str,
    command: Sequence[str],
    connection_file: str,
    provisioner: dict[str, Any] | None = None,
    spec: dict[str, Any] | None = None,
) -> Iterator[AgentLaunch]:
    """Make the socket of an agent, for as long as it takes to start it.

    It is born with SIGINT blocked: until it can handle that, an interrupt of the kernel, which its
    whole process group gets, would end it.

    Args:
        command: runs the kernel; empty if that runs already.
        provisioner: what finds a kernel again that runs already.
        spec: the kernelspec.
    """
    settings: dict[str, Any] = json.loads(plan)
    connection_file = os.path.realpath(connection_file)
    name, journals = new_id(), Path(settings["journals"])
    journals.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = _socket_path(name)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    told = tempfile.TemporaryFile()  # noqa: SIM115 (arguments are for everybody on the machine)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        before = os.umask(0o177)
        try:
            listener.bind(path)
        finally:
            os.umask(before)
        listener.listen()
        settings["about"] |= {"socket": path, "connection_file": connection_file, "spec": spec}
        if provisioner is not None:
            settings["about"]["provisioner"] = provisioner
        settings |= {
            "name": name,
            "listener": listener.fileno(),
            "sys_path": sys.path,
            "farewell": [sys.executable, "-I", str(_FAREWELL)],
        }
        told.write(json.dumps(settings).encode())
        told.seek(0)
        python = [sys.executable, "-I", str(_MAIN), str(told.fileno())]
        files = AgentFiles(journals / f"{name}.json", path)
        yield AgentLaunch([*python, *command], (listener.fileno(), told.fileno()), files)
    except BaseException:
        Path(path).unlink(missing_ok=True)
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        listener.close()
        told.close()


def _socket_path(name: str) -> str:
    """Return a path that the system takes; the socket itself is its owner's alone."""
    path = Path(jupyter_runtime_dir()) / f"runt-{name}.sock"
    if len(os.fsencode(path)) > MAX_SOCKET_PATH:
        path = Path(tempfile.gettempdir()) / path.name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return str(path)


def survivors(journals: Path) -> list[Survivor]:
    """Return the agents that live, and remove what dead ones left behind. Blocks."""
    living: list[Survivor] = []
    for state in sorted(journals.glob("*.json")):
        try:
            about = json.loads(state.read_bytes())
            survivor = Survivor(
                files=AgentFiles(state, str(about["socket"])),
                protocol=int(about["protocol"]),
                pid=int(about["pid"]),
                kernel_id=str(about["kernel_id"]),
                kernel_name=about["kernel_name"],
                notebook_id=str(about["notebook_id"]),
                root=str(about["root"]),
                connection_file=str(about["connection_file"]),
                provisioner=about.get("provisioner"),
                spec=about.get("spec"),
            )
        except (OSError, ValueError, KeyError, TypeError):
            continue  # it just ended, or is none of ours
        if survivor.files.lives:
            living.append(survivor)
        else:
            survivor.files.remove()
    return living


async def end_survivor(survivor: Survivor) -> None:
    """End an agent that is not to be adopted, and its kernel."""
    survivor.signal(signal.SIGTERM)
    until = time.monotonic() + END_SECONDS
    while time.monotonic() < until and survivor.files.lives:  # noqa: ASYNC110  nothing tells us
        await asyncio.sleep(0.02)
    survivor.signal(signal.SIGKILL)
    survivor.files.remove()


class AdoptedProcess:
    """Stands in for `subprocess.Popen` where the process is another server's child."""

    stdin = stdout = stderr = None

    def __init__(self, survivor: Survivor) -> None:
        self._survivor = survivor
        self.pid = survivor.pid
        self.returncode: int | None = None
        self.told: int | None = None
        """How it ended, as it said itself: only its parent is told by the system."""

    def poll(self) -> int | None:
        """Return how it ended, None while it lives."""
        if self.returncode is None and not self._survivor.files.lives:
            self.returncode = self.told or 0
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:  # noqa: ARG002 (as Popen has it)
        """Return how it ended; asked only where it has."""
        return self.poll() or 0

    def send_signal(self, number: int) -> None:
        """Send a signal to it and its kernel."""
        self._survivor.signal(number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


def without_plan(env: Mapping[str, str]) -> tuple[str | None, dict[str, str]]:
    """Return the plan that an environment carries, and the environment without it."""
    return env.get(PLAN_ENV), {name: value for name, value in env.items() if name != PLAN_ENV}
