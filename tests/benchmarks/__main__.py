"""Measures the server beside others and a bare kernel; `docs/benchmarks.md` says what and how."""

import argparse
import asyncio
import gc
import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from tests.benchmarks import (
    adoption,
    agent_hop,
    ai,
    ai_on_screen,
    burst,
    click,
    cold_open,
    crowd,
    flood,
    heavy_cells,
    hour,
    interrupt,
    kernel_start,
    large_outputs,
    lossless,
    machine,
    one_plus_one,
    propagation,
    reruns,
    saving,
)
from tests.benchmarks.samples import Contest
from tests.benchmarks.servers import Kind, own_folders

Measure = Callable[[list[Kind], Path, int], Awaitable[dict[str, Contest]]]


async def _propagation(kinds: list[Kind], folder: Path, rounds: int) -> dict[str, Contest]:
    return {"propagation": await propagation.measure(kinds, folder, rounds)}


async def _burst(kinds: list[Kind], folder: Path, rounds: int) -> dict[str, Contest]:
    return {"burst": await burst.measure(kinds, folder, rounds)}


async def _one_plus_one(kinds: list[Kind], folder: Path, rounds: int) -> dict[str, Contest]:
    return {"one_plus_one": await one_plus_one.measure(kinds[0], folder, rounds)}


async def _kernel_start(kinds: list[Kind], folder: Path, rounds: int) -> dict[str, Contest]:
    return {"kernel_start": await kernel_start.measure(kinds[0], folder, rounds)}


async def _cold_open(kinds: list[Kind], folder: Path, rounds: int) -> dict[str, Contest]:
    contests = {}
    for cells in (1000, 5000):
        measured = await cold_open.measure(kinds, folder / str(cells), rounds, cells)
        contests.update({f"cold_open_{cells}_{name}": each for name, each in measured.items()})
    return contests


async def _saving(kinds: list[Kind], folder: Path, rounds: int) -> dict[str, Contest]:
    measured = await saving.measure(kinds, folder, rounds)
    return {f"saving_{name}": each for name, each in measured.items()}


async def _crowd(kinds: list[Kind], folder: Path, rounds: int) -> dict[str, Contest]:
    return {"crowd": await crowd.measure(kinds, folder, rounds)}


async def _large_on_screen(kinds: list[Kind], folder: Path, rounds: int) -> dict[str, Contest]:
    measured = await large_outputs.on_screen(kinds, folder, rounds)
    return {f"large_outputs_on_screen_{name}": each for name, each in measured.items()}


async def _click(kinds: list[Kind], folder: Path, rounds: int) -> dict[str, Contest]:
    measured = await click.measure(kinds, folder, rounds)
    return {f"click_{name}": each for name, each in measured.items()}


async def _flood(kinds: list[Kind], folder: Path, rounds: int) -> dict[str, Contest]:
    measured = await flood.measure(kinds, folder, rounds)
    return {f"flood_{name}": each for name, each in measured.items()}


async def _heavy_cells(kinds: list[Kind], folder: Path, rounds: int) -> dict[str, Contest]:
    return await heavy_cells.measure(kinds[0], folder, rounds)


async def _interrupt(kinds: list[Kind], folder: Path, rounds: int) -> dict[str, Contest]:
    return {"interrupt": await interrupt.measure(kinds[0], folder, rounds)}


async def _agent(kinds: list[Kind], folder: Path, rounds: int) -> dict[str, Contest]:
    return {"agent": await agent_hop.measure(folder, rounds)}


async def _large_outputs(kinds: list[Kind], folder: Path, rounds: int) -> dict[str, Contest]:
    measured = await large_outputs.measure(kinds, folder, rounds)
    return {f"large_outputs_{name}": each for name, each in measured.items()}


BENCHMARKS: Final[dict[str, Measure]] = {
    "propagation": _propagation,
    "burst": _burst,
    "one_plus_one": _one_plus_one,
    "kernel_start": _kernel_start,
    "cold_open": _cold_open,
    "saving": _saving,
    "crowd": _crowd,
    "large_outputs": _large_outputs,
    "large_outputs_on_screen": _large_on_screen,
    "click": _click,
    "flood": _flood,
    "heavy_cells": _heavy_cells,
    "interrupt": _interrupt,
    "agent": _agent,
}

ALONE: Final[dict[str, Callable[[Kind, Path], Awaitable[dict[str, Any]]]]] = {
    "hour": hour.measure,
    "ai": ai.measure,
    "ai_on_screen": ai_on_screen.measure,
    "large_output_sizes": large_outputs.sizes,
    "reruns": reruns.measure,
    "displays": lossless.displays,
    "kernels": lossless.kernels,
    "adoption": adoption.measure,
    "agent_memory": agent_hop.memory,
}
"""What has no peer to be measured beside."""


ON_SCREEN: Final = frozenset({"large_outputs_on_screen", "click"})
"""What JupyterLab alone, which shares nothing, can be measured beside in."""


async def _run(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    kinds = [Kind("ours", sys.executable, ours=True)]
    if options.documents_python:
        kinds.append(Kind("documents", options.documents_python, ours=False, sessions=False))
    if options.collaboration_python:
        kinds.append(Kind("collaboration", options.collaboration_python, ours=False))
    if options.stock_python:
        kinds.append(Kind("stock", options.stock_python, ours=False, shares=False))
    report: dict[str, Any] = {
        "machine": await asyncio.to_thread(machine.described, kinds),
        "load_before": machine.load(),
        "results": {},
    }
    wanted = options.only or (*BENCHMARKS, *ALONE)
    for name in (name for name in BENCHMARKS if name in wanted):
        gc.collect()
        there = kinds if name in ON_SCREEN else [kind for kind in kinds if kind.shares]
        contests = await BENCHMARKS[name](there, folder / name, options.rounds)
        for title, contest in contests.items():
            report["results"][title] = contest.report()
            _print(title, report["results"][title])
    for name in (name for name in ALONE if name in wanted):
        report[name] = await ALONE[name](kinds[0], folder / name)
        print(name, json.dumps(report[name], indent=2))  # noqa: T201
    report["load_after"] = machine.load()
    return report


def _print(title: str, result: dict[str, Any]) -> None:
    print(title)  # noqa: T201
    for name, figures in result.items():
        if name != "ratios":
            times = f"median {figures['median_ms']:9.2f} ms   p99 {figures['p99_ms']:9.2f} ms"
            print(f"  {name:<17} {times}   n={figures['n']}")  # noqa: T201
    for other, ratios in result.get("ratios", {}).items():
        print(f"  ours / {other:<10} {ratios}", flush=True)  # noqa: T201


def main() -> None:
    """Measure, print a table and write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    peer = "Python of an environment with jupyter-%s, to measure beside"
    parser.add_argument("--documents-python", help=peer % "server-documents")
    parser.add_argument("--collaboration-python", help=peer % "collaboration")
    parser.add_argument("--stock-python", help="the same, with JupyterLab alone")
    parser.add_argument("--only", nargs="+", choices=(*BENCHMARKS, *ALONE), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="where all figures go")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="runt-benchmarks-") as name:
        folder = Path(name)
        os.environ.update(own_folders(folder / "bare"))  # for the kernels without a server
        report = asyncio.run(_run(options, folder))
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
