"""The server that most tests share."""

from collections.abc import Iterator

import pytest

from tests.integration.server import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the defaults; each test has notebooks of its own on it."""
    with Server(tmp_path_factory.mktemp("server")).running() as server:
        yield server
