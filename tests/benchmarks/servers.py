"""Jupyter servers in processes of their own, each in fresh folders."""

import asyncio
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from tests.ports import free_port

REPOSITORY: Final = Path(__file__).parents[2]
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is, and what lets one in."""

    host: str
    port: int
    token: str = "benchmark"

    def url(self, scheme: str, path: str) -> str:
        """Return the URL of a path."""
        return f"{scheme}://{self.host}:{self.port}{path}"


@dataclass(frozen=True, slots=True)
class Kind:
    """A server that is measured."""

    name: str
    python: str
    ours: bool
    sessions: bool = True
    """It serves `/api/collaboration/session`; else rooms are found by `/api/fileid/index`."""
    shares: bool = True
    """Two people can have one notebook open."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs."""

    kind: Kind
    address: Address
    root: Path
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """Return the processor time that it took until now, without its kernels'."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def memory_bytes(self) -> int:
        """Return the memory that it has to itself, without its kernels'."""
        return int(self.process.memory_full_info().uss)


@asynccontextmanager
async def running(kinds: Sequence[Kind], folder: Path) -> AsyncIterator[list[Server]]:
    """A server of each kind, whose files, configuration and data are below `folder`."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(_running(kind, folder / kind.name)) for kind in kinds
        ]


def turns(servers: Sequence[Server], rounds: int) -> Iterator[tuple[int, Server]]:
    """Yield each server once in each round; who was last in one is first in the next."""
    for number in range(rounds):
        for server in servers if number % 2 == 0 else reversed(servers):
            yield number, server


@asynccontextmanager
async def _running(kind: Kind, folder: Path) -> AsyncIterator[Server]:
    address = Address("127.0.0.1", free_port())
    root = folder / "root"
    root.mkdir(parents=True, exist_ok=True)
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
            _command(kind, address, root),
            cwd=folder,  # where one of them puts a database
            env=_environment(kind, folder),
            stdout=log,
            stderr=log,
        )
    try:
        await _answered(address, process, folder / "log")
        yield Server(kind, address, root, psutil.Process(process.pid))
    finally:
        await asyncio.to_thread(_stop, process)


def _command(kind: Kind, address: Address, root: Path) -> list[str]:
    command = [
        kind.python,
        "-m",
        "jupyter_server",
        "--allow-root",
        "--no-browser",
        f"--ServerApp.ip={address.host}",
        f"--ServerApp.port={address.port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={root}",
        f"--IdentityProvider.token={address.token}",
    ]
    if kind.ours:  # without being installed, too
        command.append("--ServerApp.jpserver_extensions=jupyter_runt=True")
    return command


def own_folders(folder: Path) -> dict[str, str]:
    """Return the environment that keeps Jupyter and IPython below `folder`."""
    names = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
    }
    for name in names.values():
        (folder / name).mkdir(parents=True, exist_ok=True)
    return {variable: str(folder / name) for variable, name in names.items()}


def _environment(kind: Kind, folder: Path) -> dict[str, str]:
    environment = {**os.environ, **own_folders(folder)}
    environment.pop("PYTHONPATH", None)
    if kind.ours:
        environment["PYTHONPATH"] = str(REPOSITORY)
    return environment


async def _answered(address: Address, process: subprocess.Popen[bytes], log: Path) -> None:
    request = urllib.request.Request(
        address.url("http", "/api/status"), headers={"Authorization": f"token {address.token}"}
    )

    def answers() -> bool:
        try:
            with urllib.request.urlopen(request, timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False

    until = time.monotonic() + START_SECONDS
    while not await asyncio.to_thread(answers):
        if process.poll() is not None or time.monotonic() > until:
            said = await asyncio.to_thread(log.read_text, encoding="utf-8")
            raise RuntimeError(f"The server did not start:\n{said[-4000:]}")
        await asyncio.sleep(0.1)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
