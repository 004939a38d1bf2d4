"""A JupyterLab, and a browser for each person: for one test, or for those that can share them."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.ui.crowd import Crowd
from tests.ui.lab import LIMIT, Lab, Person

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
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=1000 * LIMIT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    with Lab(tmp_path, named=getattr(request, "param", "") == "named").running() as lab:
        yield lab


@pytest.fixture
def person(browser: Browser, lab: Lab) -> Iterator[Callable[[str], Person]]:
    crowd = Crowd(browser, lab, RESULTS)
    yield lambda name: crowd.person(name, lab)
    problems = crowd.problems()
    crowd.leave()
    assert not problems, "\n".join(problems)


@pytest.fixture(scope="package")
def crowd(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    with Lab(tmp_path_factory.mktemp("shared")).running() as lab:
        crowd = Crowd(browser, lab, RESULTS)
        yield crowd
        crowd.leave()


@pytest.fixture
def shared_lab(crowd: Crowd, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The lab of the tests that leave nothing behind, with a notebook for this one."""
    lab = crowd.lab.about(f"{request.node.originalname}.ipynb")
    yield lab
    lab.end_kernels()


@pytest.fixture
def regular(crowd: Crowd, shared_lab: Lab) -> Iterator[Callable[[str], Person]]:
    """People at the shared lab."""
    yield lambda name: crowd.person(name, shared_lab)
    problems = crowd.problems()
    crowd.rest()
    assert not problems, "\n".join(problems)
