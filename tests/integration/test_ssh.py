"""Kernels that another provisioner launches: gateway_provisioners', over SSH."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.server import Notebook, Server, eventually
from tests.integration.sshd import SERVER, FarMachine
from tests.integration.test_adoption import TICKS, gone, kernel_of, text_of

pytestmark = [pytest.mark.asyncio, pytest.mark.rule("EX13")]


@asynccontextmanager
async def far_away(
    folder: Path, monkeypatch: pytest.MonkeyPatch, **config: Any
) -> AsyncIterator[tuple[Server, Notebook]]:
    """A server whose notebook's kernel is on another machine; in the end nothing is left there."""
    with FarMachine(folder / "far").running() as far:
        for name, value in far.environment().items():
            monkeypatch.setenv(name, value)
        server = Server(folder / "server", {"RuntApp": config})
        server.command = [sys.executable, "-c", SERVER]
        far.install(server.folder / "data/kernels", "far")
        with server.running():
            notebook = await server.notebook("'top'")
            await notebook.do("start_runtime", kernel_name="far")
            yield server, notebook

            async def nothing_left() -> bool:
                return not await asyncio.to_thread(far.processes)

            await eventually(nothing_left)
            assert server.agents() == []


@pytest.mark.rule("EX5", "EX6", "EX7", "EX1")
async def test_a_kernel_over_ssh_runs_is_asked_interrupted_restarted_mourned_and_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-secret")
    async with far_away(tmp_path, monkeypatch) as (_, notebook):
        where = "import os; print(*map(os.environ.get, ('SSH_CONNECTION', 'FROM_SPEC')), end='')"
        told = text_of(await notebook.run_source(where))
        assert "127.0.0.2" in told
        assert told.endswith(" far")
        secret = await notebook.run_source("print('a-secret' in os.environ.values(), end='')")
        assert text_of(secret) == "False"
        asking = await notebook.running("print(input('Who? '), end='')", "")
        await notebook.asks(asking)
        await notebook.do("reply_input", execution_id=asking, value="ada")
        assert text_of(await notebook.execution(asking)) == "ada"
        running = await notebook.running(TICKS.format(count=100_000), "tick 5")
        first = kernel_of(await notebook.execution(running, wait=0))
        await notebook.do("interrupt_runtime")
        assert (await notebook.execution(running))["error"]["ename"] == "KeyboardInterrupt"
        await notebook.do("restart_runtime")
        assert text_of(await notebook.run_source("print('os' in globals(), end='')")) == "False"
        await gone(first)
        dying = await notebook.run_source("import os; os.kill(os.getpid(), 9)")
        assert dying["status"] == "lost"
        assert "ended by itself" in dying["outputs"][-1]["evalue"]
        assert text_of(await notebook.run_source("print('again', end='')")) == "again"
        await notebook.do("stop_runtime")


@pytest.mark.slow
@pytest.mark.rule("EX3", "EX1", "EX2")
async def test_a_kernel_over_ssh_goes_on_under_the_next_server_and_ends_if_none_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with far_away(tmp_path, monkeypatch) as (server, notebook):
        running = await notebook.running("kept = 41\n" + TICKS.format(count=300), "tick 5")
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        execution = await notebook.execution(running)
        pid = kernel_of(execution)
        ticks = "".join(f"tick {number}\n" for number in range(300))
        assert text_of(execution) == f"pid {pid}\n{ticks}done"
        endless = await notebook.running("print(kept + 1)\nwhile True: pass", "42")
        await notebook.do("interrupt_runtime")
        assert (await notebook.execution(endless))["error"]["ename"] == "KeyboardInterrupt"
        await notebook.do("restart_runtime")
        assert text_of(await notebook.run_source("print('kept' in globals())")) == "False\n"
        running = await notebook.running("print('on')\nwhile True: pass", "on")
        await asyncio.to_thread(server.kill)
        (agent,) = server.agents()
        os.kill(agent["pid"], signal.SIGTERM)  # as one does at the end of its time
        await gone(agent["pid"])
        await asyncio.to_thread(server.start)
        assert (await notebook.execution(running))["status"] == "lost"
