"""Kernels of other languages: a shell, whose kernel knows no subshells, comms or debugger."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.server import Notebook, Server

pytestmark = [pytest.mark.asyncio, pytest.mark.rule("EX6")]


@pytest_asyncio.fixture
async def notebook(server: Server, tmp_path: Path) -> Notebook:
    """A notebook of a shell's cells."""
    spec = {
        "argv": [sys.executable, "-m", "bash_kernel", "-f", "{connection_file}"],
        "display_name": "Bash",
        "language": "bash",
    }
    folder = server.folder / "data/kernels/bash"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    path = f"{tmp_path.name}.ipynb"
    metadata = {"kernelspec": {"name": "bash", "display_name": "Bash", "language": "bash"}}
    content = {"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    (server.root / path).write_text(json.dumps(content), encoding="utf-8")
    return await server.opened(path)


def printed(execution: dict[str, Any]) -> str:
    return "".join(output.get("text", "") for output in execution["outputs"])


async def test_a_shell_runs_cells_fails_and_goes_on(notebook: Notebook) -> None:
    assigned = await notebook.run_source("x=42; for n in 1 2 3; do echo $n; done")
    assert (assigned["status"], printed(assigned)) == ("ok", "1\n2\n3\n")
    failed = await notebook.run_source("echo before; false")
    assert (failed["status"], printed(failed)) == ("error", "before\n")
    after = await notebook.run_source("echo $x")
    assert (after["status"], printed(after)) == ("ok", "42\n")


@pytest.mark.rule("EX5")
async def test_a_shell_is_interrupted_and_restarted(notebook: Notebook) -> None:
    # What says that it began is a program in the foreground: bash, interrupted right before it
    # starts one, leaves that to the program, and waits for its end.
    begun = "x=42; sh -c 'echo begun; exec sleep 600'"
    execution_id = await notebook.running(begun, "begun")
    await notebook.do("interrupt_runtime")
    assert (await notebook.execution(execution_id))["status"] == "error"
    assert printed(await notebook.run_source("echo $x")) == "42\n"
    await notebook.do("restart_runtime")
    assert printed(await notebook.run_source("echo ${x:-gone}")) == "gone\n"
