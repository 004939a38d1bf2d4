"""What running a cell with much output again and again leaves in the document."""

from pathlib import Path
from typing import Any, Final

from tests.benchmarks.commanded import commanded
from tests.benchmarks.one_plus_one import executed
from tests.benchmarks.rooms import joined, room_path
from tests.benchmarks.servers import Kind, running

RUNS: Final = 100
PATH: Final = "reruns.ipynb"
SOURCES: Final = {
    "stream": "import os\nfor _ in range(10_000):\n    print(os.urandom(50).hex()[:99])",
    "display": "import os\ndisplay({'text/plain': os.urandom(500_000).hex()}, raw=True)",
}
"""A megabyte, another one each time."""


async def measure(ours: Kind, folder: Path) -> dict[str, Any]:
    """Return how large the document of one cell is after 100 runs of it. Kilobytes."""
    sizes = {}
    for name, source in SOURCES.items():
        async with running([ours], folder / name) as (server,):
            events = "v1.ExecutionCompleted"
            async with commanded(server, source, types=events, path=PATH) as notebook:
                for _ in range(RUNS):
                    await executed(notebook)
            async with joined(server, await room_path(server, PATH)) as client:
                sizes[f"document_after_{name}"] = round(len(client.doc.get_update()) / 1e3, 1)
    return sizes
