"""The kernel's process, as its parent sees it: begun, waited for, and how it ended."""

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PR_SET_PDEATHSIG: Final = 1
CANNOT_RUN: Final = 127
"""Exit code of a command that is not there, as shells have it."""


def spawn(command: list[str], env: Mapping[str, str]) -> int:
    """Begin the kernel in our process group, and return its process id.

    It ends with us: where the operating system cannot see to that, `JPY_PARENT_PID` lets it do so.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, kernels may not
            signal.signal(number, signal.SIG_DFL)
        _die_with(parent)
        os.execvpe(command[0], command, {**env, "JPY_PARENT_PID": str(parent)})  # noqa: S606
    except OSError as error:
        os.write(2, f"The kernel cannot be run: {error}\n".encode())
    finally:
        os._exit(CANNOT_RUN)


def _die_with(parent: int) -> None:
    if not sys.platform.startswith("linux"):
        return
    import ctypes  # large, and no business of ours once the kernel runs

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(CANNOT_RUN)


def ended(pid: int) -> int | None:
    """Return how the process ended, as `subprocess` has it, or None if it runs."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def end_as(code: int) -> None:
    """End this process as another one did, for who waits for it."""
    if code < 0:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # one core dump is enough
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code & 0xFF)


def oom_kills(proc: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> int:
    """Return how often the kernel of the system killed something of our cgroup for its memory.

    0 where that cannot be told.
    """
    try:
        groups = proc.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return 0
    for group in groups:
        controllers, _, path = group.partition(":")[2].partition(":")
        version_1 = "memory" in controllers.split(",")
        if not version_1 and controllers:
            continue
        folder = root / "memory" if version_1 else root
        name = "memory.oom_control" if version_1 else "memory.events"
        for file in (folder / path.lstrip("/") / name, folder / name):
            if (count := _oom_kills_in(file)) is not None:
                return count
    return 0


def _oom_kills_in(file: Path) -> int | None:
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    counts = (line.split()[1] for line in lines if line.startswith("oom_kill "))
    return next((int(count) for count in counts), None)
