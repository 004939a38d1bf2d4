"""A JupyterLab for each test, and a browser for each person."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.ui.lab import Lab, Person, people

RESULTS = Path(__file__).parents[1] / "results"
# The same engine without windows, whose pages take as much of a processor as JupyterLab's.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(autouse=True)
def jp_asyncio_loop() -> None:
    """Keep pytest-jupyter from closing the loop that Playwright runs in this thread."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """Keep pytest-jupyter from running that loop: the servers here are processes."""


# Not for the session: its loop would still run in the tests of other folders.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path, named=getattr(request, "param", "") == "named")
    try:
        lab.start()
        yield lab
    finally:
        lab.stop()
        lab.end_orphans()


@pytest.fixture
def person(browser: Browser, lab: Lab) -> Iterator[Callable[[str], Person]]:
    yield from people(browser, lab, RESULTS)
