"""A real JupyterLab in folders of its own, and people who look at it in a browser."""

import copy
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import nbformat
from playwright.sync_api import Browser, Locator, Page, expect

from jupyter_runt.provisioning.agents import survivors
from tests.ports import free_port

T = TypeVar("T")

LIMIT = 60
"""Seconds that anything may take on a machine that has much else to do."""

TOKEN = "a-token-for-tests"
REPOSITORY = Path(__file__).parents[2]
NAMED = (
    "--ServerApp.identity_provider_class=tests.ui.doorkeeper.Guests",
    "--ServerApp.authorizer_class=tests.ui.doorkeeper.Readers",
)
"""Options of a server that knows people by their names."""
CONNECTED = re.compile(r"\| (Idle|Busy)$")
CONFIG: dict[str, dict[str, Any]] = {
    "labconfig/default_setting_overrides.json": {
        "@jupyterlab/apputils-extension:notification": {
            "fetchNews": "false",
            "checkForUpdates": False,
        }
    },
    # Other tests use its library; its extensions are not what people have.
    "labconfig/page_config.json": {"disabledExtensions": {"nbdime-jupyterlab": True}},
    "jupyter_server_config.json": {"ServerApp": {"jpserver_extensions": {"nbdime": False}}},
}


STOCK: dict[str, dict[str, Any]] = {
    "labconfig/page_config.json": {
        "disabledExtensions": {
            "nbdime-jupyterlab": True,
            "jupyter-runt": True,
            "@jupyter/collaboration-extension": True,
            "@jupyter/docprovider-extension": True,
        }
    },
    "jupyter_server_config.json": {
        "ServerApp": {"jpserver_extensions": {"nbdime": False, "jupyter_runt": False}}
    },
}


def eventually(check: Callable[[], T], limit: float = LIMIT) -> T:
    """Return what `check` returns once it is true; fails after `limit` seconds."""
    pause = threading.Event()
    end = time.monotonic() + limit
    while not (found := check()):
        assert time.monotonic() < end, f"still {found!r} after {limit} s"
        pause.wait(0.05)
    return found


class Lab:
    """A JupyterLab server with this package, in fresh folders below `folder`."""

    def __init__(self, folder: Path, *, named: bool = False, stock: bool = False) -> None:
        """Name the folders; `stock` is JupyterLab alone, without this package."""
        self._named = named
        self._status = "/api/status" if stock else "/api/runt/status"
        self.environment: dict[str, str] = {}
        self.options: tuple[str, ...] = ()
        self.notebook = "nb.ipynb"
        """The one that is meant where none is named."""
        self.root = folder / "notebooks"
        self.root.mkdir()
        self._folder = folder
        self.url = f"http://127.0.0.1:{free_port()}"
        for name, content in (CONFIG | STOCK if stock else CONFIG).items():
            file = folder / "config" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(content), encoding="utf-8")
        self.log = folder / "server.log"

    def beside(self) -> "Lab":
        """Return another server of the same person, on the same folders; it is not started."""
        other = copy.copy(self)
        other.url = f"http://127.0.0.1:{free_port()}"
        return other

    def about(self, notebook: str) -> "Lab":
        """Return the same server, for a test with another notebook."""
        other = copy.copy(self)
        other.notebook = notebook
        return other

    @contextmanager
    def running(self) -> Iterator["Lab"]:
        """Start it, and stop it as a person does."""
        try:
            self.start()
            yield self
        finally:
            self.stop()
            self.end_orphans()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        folders = {
            f"JUPYTER_{kind.upper()}_DIR": str(self._folder / kind)
            for kind in ("config", "data", "runtime")
        }
        ipython = {"IPYTHONDIR": str(self._folder / "ipython")}
        path = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        }
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "jupyterlab",
                    "--allow-root",
                    "--no-browser",
                    "--ServerApp.ip=127.0.0.1",
                    f"--ServerApp.port={self.url.rpartition(':')[2]}",
                    "--ServerApp.port_retries=0",
                    f"--ServerApp.root_dir={self.root}",
                    f"--IdentityProvider.token={TOKEN}",
                    "--LabApp.expose_app_in_browser=True",
                    "--LabApp.extension_manager=readonly",
                    "--LanguageServerManager.autodetect=False",
                    *(NAMED if self._named else ()),
                    *self.options,
                ],
                env={**os.environ, **folders, **ipython, **path, **self.environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        eventually(self._answers, LIMIT)

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log.read_text(encoding="utf-8")
        try:
            self.get(self._status)
        except OSError:
            return False
        return True

    def token(self, name: str) -> str:
        """Return what a person logs in with."""
        return f"{TOKEN}-{name}" if self._named else TOKEN

    def kill(self) -> None:
        """End the server as a crash does, without a last word."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)

    def forget(self) -> None:
        """Lose the store, as a person who deletes it does; the server does not run."""
        shutil.rmtree(self._folder / "data/runt")

    def end_orphans(self) -> None:
        """End the kernels that outlived a crash, for which nobody comes."""
        for orphan in survivors(self._folder / "data/runt/journals"):
            orphan.signal(signal.SIGKILL)

    def stop(self) -> None:
        """End the server as a person does."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                # All is saved, but a thread of Jupyter's that served a cut-off request stays.
                self.kill()

    def restart(self) -> None:
        """End the server and start it again, at the same address."""
        self.stop()
        self.start()

    # what other programs see

    def get(self, path: str, /, **query: str) -> Any:
        """Return the JSON of a request."""
        return json.loads(self._read(path, query))

    def do(self, kind: str, path: str | None = None, **fields: object) -> Any:
        """Send a command for a notebook, as a program does."""
        notebook = self.get("/api/runt/notebooks", path=path or self.notebook)["notebook_id"]
        body = json.dumps({"type": kind, **fields}).encode()
        return json.loads(self._read(f"/api/runt/notebooks/{notebook}/commands", {}, body))

    def read_page(self, path: str, /, **query: str) -> str:
        """Return the text that the server answers with."""
        return self._read(path, query).decode()

    def _read(self, path: str, query: dict[str, str], body: bytes | None = None) -> bytes:
        url = f"{self.url}{path}?{urlencode(query)}"
        request = Request(url, body, headers={"Authorization": f"token {TOKEN}"})
        with urlopen(request, timeout=LIMIT) as response:
            body: bytes = response.read()
            return body

    def events(self, path: str | None = None, **query: str) -> list[dict[str, Any]]:
        """Return the log of a notebook."""
        notebook = self.get("/api/runt/notebooks", path=path or self.notebook)["notebook_id"]
        lines = self._read(f"/api/runt/notebooks/{notebook}/events", query)
        return [json.loads(line) for line in lines.splitlines()]

    def end_kernels(self) -> None:
        """End every kernel that runs."""
        for kernel in self.get("/api/kernels"):
            url = f"{self.url}/api/kernels/{kernel['id']}"
            headers = {"Authorization": f"token {TOKEN}"}
            with suppress(HTTPError):  # it ended by itself
                urlopen(Request(url, headers=headers, method="DELETE"), timeout=LIMIT).close()

    def write(self, *sources: str, path: str | None = None) -> None:
        """Write a notebook with these code cells, whose ids are c0, c1, …"""
        cells = [
            nbformat.v4.new_code_cell(source, id=f"c{index}")
            for index, source in enumerate(sources)
        ]
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(notebook, self.root / (path or self.notebook))

    def read(self, path: str | None = None) -> Any:
        """Return the notebook as it is on disk."""
        return nbformat.read(self.root / (path or self.notebook), as_version=4)

    def sources(self, path: str | None = None) -> list[str]:
        """Return the sources of the cells as they are on disk."""
        return [cell.source for cell in self.read(path).cells]


class Person:
    """Somebody with a browser of their own."""

    def __init__(self, name: str, browser: Browser, lab: Lab, shots: Path) -> None:
        self._name = name
        self._lab = lab
        self._shots = shots
        self._context = browser.new_context(viewport={"width": 1200, "height": 850})
        self._rests = False
        self.page: Page
        self.problems: list[str] = []

    def open(self, path: str | None = None, before: str = "") -> "Person":
        """Open a notebook, and wait until it is there and its kernel too.

        In a new tab, or in that of somebody who rested until now.

        Args:
            before: JavaScript for the page to begin with.
        """
        if before:
            self._context.add_init_script(before)
        if self._rests:
            self._rests = False
            self.do("docmanager:open", path=path or self._lab.notebook)
        else:
            self.go(path)
        self.cell(0).wait_for()
        self.is_connected()
        return self

    def go(self, path: str | None = None, server: Lab | None = None) -> None:
        """Go to a notebook in a new tab, on another server where one is given."""
        url = f"{(server or self._lab).url}/lab/tree/{path or self._lab.notebook}"
        self.page = self._context.new_page()
        self.page.set_default_timeout(1000 * LIMIT)
        self.page.on("pageerror", lambda error: self.problems.append(error.stack or str(error)))
        self.page.goto(f"{url}?token={self._lab.token(self._name)}&reset")

    def wakes_up(self, lab: Lab) -> "Person":
        """Take part in another test."""
        self._lab = lab
        self.problems = []
        return self

    def rests(self) -> bool:
        """Close what is open, for another test to go on with the page; tell whether it can."""
        for page in self._context.pages:
            if page is not self.page:
                page.close()
        self._rests = not self.page.is_closed()
        if self._rests:
            self.do("application:close-all")
        return not self._rests or self.page.locator(".jp-Dialog, .jp-Notebook").count() == 0

    def becomes(self, name: str) -> None:
        """Let somebody else log in in the same browser, from the next tab on."""
        self._name = name
        self._context.clear_cookies()

    def close(self) -> None:
        """Close the tab."""
        self.page.close()

    def leave(self) -> None:
        """Close the browser."""
        self._context.close()

    def look(self, what: str) -> None:
        """Keep a picture of what is on the screen."""
        self.page.screenshot(path=self._shots / f"{what}-{self._name}.png")

    # the notebook

    @property
    def cells(self) -> Locator:
        """Every cell."""
        return self.page.locator(".jp-Notebook .jp-Cell")

    def cell(self, index: int) -> Locator:
        """One cell."""
        return self.cells.nth(index)

    def text(self, index: int) -> Locator:
        """The text of a cell in its editor."""
        return self.cell(index).locator(".cm-content").first

    def prompt(self, index: int) -> Locator:
        """The prompt of a cell: [ ], [*] or [1]."""
        return self.cell(index).locator(".jp-InputPrompt")

    def output(self, index: int) -> Locator:
        """All outputs of a cell."""
        return self.cell(index).locator(".jp-OutputArea").first

    def type(self, index: int, text: str) -> None:
        """Type at the end of a cell."""
        self.text(index).click()
        self.page.keyboard.press("Control+End")
        self.page.keyboard.insert_text(text)

    def run(self, index: int) -> None:
        """Run a cell as Shift+Enter does."""
        self.text(index).click()
        self.page.keyboard.press("Shift+Enter")

    def command(self, name: str) -> None:
        """Execute one of JupyterLab's commands, without waiting for its end."""
        self.page.evaluate("name => void window.jupyterapp.commands.execute(name)", name)

    def do(self, name: str, **arguments: object) -> None:
        """Execute one of JupyterLab's commands, and wait for its end."""
        self.page.evaluate(
            "async ([name, args]) => { await window.jupyterapp.commands.execute(name, args); }",
            [name, arguments],
        )

    def closes_dialogs(self, text: str) -> None:
        """Close each dialog that says this, as soon as it stands in the way."""
        dialog = self.page.locator(".jp-Dialog", has_text=text)
        # It may go by itself meanwhile, and come again at once.
        self.page.add_locator_handler(
            dialog, lambda: self.page.keyboard.press("Escape"), no_wait_after=True
        )

    def is_connected(self) -> None:
        """Wait until the tab is on the notebook's kernel."""
        self.page.get_by_role("button", name=CONNECTED).wait_for()

    def sees_text(self, index: int, text: str) -> None:
        """Wait until a cell reads `text`."""
        expect(self.text(index)).to_have_text(text)

    def sees_output(self, index: int, text: str) -> None:
        """Wait until the outputs of a cell contain `text`."""
        expect(self.output(index)).to_contain_text(text)

    def sees_prompt(self, index: int, text: str) -> None:
        """Wait until the prompt of a cell reads `text`."""
        expect(self.prompt(index)).to_have_text(text)
