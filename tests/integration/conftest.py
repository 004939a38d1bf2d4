"""Servers that the tests of a module share, and servers of a test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for all tests of the module; each has notebooks of its own on it."""
    with Server(tmp_path_factory.mktemp("server")).running() as server:
        yield server


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server for one test, which may crash it."""
    with Server(tmp_path / "server").running() as server:
        yield server
