"""Where and with what was measured."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import psutil

from tests.benchmarks.servers import Kind

PACKAGES: Final = (
    "jupyter-runt",
    "jupyter-collaboration",
    "jupyter-server-documents",
    "jupyter-server-ydoc",
    "jupyter_server",
    "jupyter_client",
    "jupyter-ydoc",
    "pycrdt",
    "pyzmq",
    "tornado",
    "ipykernel",
)

_ASK: Final = """
import importlib.metadata, json, platform, sys
versions = {"python": platform.python_version()}
for name in sys.argv[1:]:
    try:
        versions[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps(versions))
"""


def described(kinds: Iterable[Kind]) -> dict[str, Any]:
    """Return what the figures depend on."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "versions": {kind.name: _versions(kind.python) for kind in kinds},
    }


def load() -> list[float]:
    """Return how many processes ran or waited in the last 1, 5 and 15 minutes, ours included."""
    return [round(each, 2) for each in os.getloadavg()]


def _versions(python: str) -> dict[str, str]:
    command = [python, "-c", _ASK, *PACKAGES]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    versions: dict[str, str] = json.loads(answer.stdout)
    return versions


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
