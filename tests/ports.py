"""Ports for what a test starts."""

import os
import random
import socket
from collections.abc import Iterator
from typing import Final

# Below those that systems give to whoever asks for any: a kernel's socket would take the port of
# a server that has not started yet, or starts again.
FIRST: Final = 20_000
EACH: Final = 750
WORKERS: Final = 16


def _ports() -> Iterator[int]:
    """Go round the ports that are this worker's alone, from anywhere: there may be two runs."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    start = random.randrange(EACH)
    while True:
        yield FIRST + worker % WORKERS * EACH + start
        start = (start + 1) % EACH


_own: Final = _ports()


def free_port() -> int:
    """Return a port that nobody listens on, another one each time."""
    for port in _own:
        with socket.socket() as probe:
            try:
                probe.bind(("", port))  # on all addresses
            except OSError:
                continue
        return port
    raise AssertionError
