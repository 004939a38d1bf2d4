"""A kernel that needs more memory than there is ends as one that did."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.server import Server
from tests.integration.test_adoption import gone

MEGABYTE = 1 << 20
LIMIT = 700 * MEGABYTE


def cgroup() -> Path | None:
    """Return a new control group with little memory; None where none can be made."""
    root = Path("/sys/fs/cgroup")
    for line in Path("/proc/self/cgroup").read_text("ascii").splitlines():
        _, controllers, path = line.split(":", 2)
        version_1 = "memory" in controllers.split(",")
        if not version_1 and controllers:
            continue
        folder = (root / "memory" if version_1 else root) / path.lstrip("/") / f"runt-{os.getpid()}"
        try:
            folder.mkdir()
            limit = "memory.limit_in_bytes" if version_1 else "memory.max"
            (folder / limit).write_text(str(LIMIT), "ascii")
        except OSError:
            if folder.is_dir():
                folder.rmdir()
            continue
        return folder
    return None


def remove(folder: Path) -> None:
    """Remove a control group once what was in it is gone."""
    pause, end = threading.Event(), time.monotonic() + 60
    while True:
        try:
            folder.rmdir()
        except OSError:
            assert time.monotonic() < end
            pause.wait(0.02)
        else:
            return


@pytest.fixture
def little_memory() -> Iterator[Path]:
    folder = cgroup()
    if folder is None:
        pytest.skip("no control group of memory can be made here")
    try:
        if subprocess.run(["sh", "-c", f"echo $$ > {folder}/cgroup.procs"], check=False).returncode:
            pytest.skip("nothing can be put into a control group here")
        yield folder
    finally:
        remove(folder)


@pytest.mark.rule("EX7")
@pytest.mark.asyncio
async def test_a_kernel_for_which_memory_runs_out_says_so_within_three_seconds(
    little_memory: Path, tmp_path: Path
) -> None:
    server = Server(tmp_path)
    # The whole server is in the group, as in a container.
    join = f"echo $$ > {little_memory}/cgroup.procs; exec {sys.executable} -m jupyter_server"
    server.command = ["sh", "-c", join]
    with server.running():
        notebook = await server.notebook("import os; print(os.getpid(), end='')")
        (first,) = await notebook.run("c0")
        source = "taken = [b'x' * (1 << 24) for _ in range(200)]"
        (running,) = await notebook.start(*await notebook.add(source))
        await gone(int(first["outputs"][0]["text"]))
        async with asyncio.timeout(3):
            lost = await notebook.execution(running)
        assert lost["status"] == "lost"
        assert lost["outputs"][-1]["evalue"] == "The kernel was killed (SIGKILL): memory ran out."
        again = await notebook.run_source("print('on another one', end='')")
        assert again["outputs"][0]["text"] == "on another one"
