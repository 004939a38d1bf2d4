"""Kernels whose code does what it should not."""

import asyncio
import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.integration.server import Server
from tests.integration.test_adoption import gone, kernel_of, text_of

pytestmark = pytest.mark.asyncio

DEAF = """
import os, signal
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
print("pid", os.getpid(), flush=True)
while True: pass
"""


def install(server: Server, name: str) -> Path:
    """Install a kernelspec, and return its folder."""
    # In a test, ipykernel does not read what its process says.
    python = ["env", "--unset=PYTEST_CURRENT_TEST", sys.executable]
    spec = {
        "argv": [*python, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": name,
        "language": "python",
    }
    folder = server.folder / "data/kernels" / name
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    return folder


@pytest.mark.rule("EX6")
async def test_what_is_said_past_python_is_shown_and_a_prompt_needs_no_standard_input(
    server: Server,
) -> None:
    notebook = await server.notebook("'top'")
    install(server, "plain")
    await notebook.do("start_runtime", kernel_name="plain")
    said = await notebook.run_source(
        "import os, sys\nos.write(1, b'one\\n')\nos.write(2, b'two\\n')\nos.system('echo three')"
    )
    assert {"one", "two", "three"} <= set(text_of(said).split())
    await notebook.run_source("os.close(0)\nsys.stdin.close()")
    (asking,) = await notebook.start(*await notebook.add("print(input('Who? '), end='')"))
    await notebook.asks(asking)
    await notebook.do("reply_input", execution_id=asking, value="ada")
    assert text_of(await notebook.execution(asking)) == "ada"


@pytest.mark.rule("EX5", "EX1")
async def test_a_kernel_that_ignores_signals_is_restarted_by_many_at_once_and_leaves_nothing(
    server: Server,
) -> None:
    notebook = await server.notebook("'top'")
    deaf = await notebook.running(DEAF, "pid")
    pid = kernel_of(await notebook.execution(deaf, wait=0))
    await notebook.do("interrupt_runtime")
    answers = await asyncio.gather(*(notebook.send("restart_runtime") for _ in range(4)))
    assert [each.status for each in answers] == [200] * 4
    assert (await notebook.execution(deaf))["status"] == "cancelled"
    await gone(pid)
    assert text_of(await notebook.run_source("print('fresh', end='')")) == "fresh"
    assert [each["notebook_id"] for each in server.agents()].count(notebook.id) == 1


@pytest.mark.rule("EX1", "EX7")
async def test_a_kernel_goes_on_and_is_restarted_where_its_kernelspec_was_removed(
    server: Server,
) -> None:
    folder = install(server, "passing")
    notebook = await server.notebook("'top'")
    await notebook.do("start_runtime", kernel_name="passing")
    shutil.rmtree(folder)
    assert text_of(await notebook.run_source("print('on', end='')")) == "on"
    await notebook.do("restart_runtime")
    assert text_of(await notebook.run_source("print('again', end='')")) == "again"
    await notebook.do("stop_runtime")
    refused = await notebook.send("start_runtime", kernel_name="passing")
    assert (refused.status, refused.code) == (409, "runtime_lost")
    assert "passing" in refused.body["message"]
