"""A real Jupyter server in folders of its own, that can crash and come back, and its notebooks."""

import asyncio
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import urlopen

import nbformat
from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from jupyter_runt.provisioning.agents import survivors
from tests.ports import free_port

T = TypeVar("T")

TOKEN: Final = "a-token-for-tests"
TERMINAL: Final = frozenset({"ok", "error", "cancelled", "lost"})
EXTENSIONS: Final = {
    "jupyter_runt": True,
    # Those that may be installed beside it only make the start slow.
    "jupyter_lsp": False,
    "jupyter_server_terminals": False,
    "jupyter_server_ydoc": False,
    "jupyterlab": False,
    "nbdime": False,
    "notebook_shim": False,
}
KERNELSPEC: Final = {"display_name": "Python 3", "language": "python", "name": "python3"}


async def eventually(check: Callable[[], Awaitable[T]], limit: float = 60) -> T:
    """Return what `check` returns once it is true; fails after `limit` seconds."""
    found = await check()
    async with asyncio.timeout(limit):
        while not found:
            await asyncio.sleep(0.02)
            found = await check()
    return found


@dataclass(frozen=True)
class Answer:
    """What the server answered."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def code(self) -> str | None:
        """The stable code of an error."""
        return self.body.get("code") if isinstance(self.body, dict) else None


class Server:
    """A server with this package, in fresh folders below `folder`; the same after each restart.

    Args:
        config: traits by class, as in `jupyter_server_config.json`.
    """

    def __init__(self, folder: Path, config: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self.root = folder / "notebooks"
        self.root.mkdir(parents=True)
        self.folder = folder
        self.log = folder / "server.log"
        self.data = folder / "data"
        self.store = self.data / "runt/store.db"
        self.command = [sys.executable, "-m", "jupyter_server"]
        self._names = itertools.count(1)
        self.port = free_port()
        self.configure(config or {})

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.port}"

    def configure(self, config: Mapping[str, Mapping[str, Any]]) -> None:
        """Set the traits that it starts with next time."""
        sections: dict[str, dict[str, Any]] = {
            "ServerApp": {
                "jpserver_extensions": EXTENSIONS,
                "ip": "127.0.0.1",
                "port": self.port,
                "port_retries": 0,
                "root_dir": str(self.root),
                "open_browser": False,
                "allow_root": True,
            },
            "IdentityProvider": {"token": TOKEN},
            "RuntApp": {"save_delay": 0.1},
            "KernelManager": {"shutdown_wait_time": 2.0},
        }
        for name, traits in config.items():
            sections.setdefault(name, {}).update(traits)
        file = self.folder / "config/jupyter_server_config.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(sections), encoding="utf-8")

    def beside(self) -> "Server":
        """Return another server of the same person: the same notebooks and store."""
        other = Server(self.folder / "beside")
        other.root, other.data, other.store = self.root, self.data, self.store
        other.configure({})
        return other

    # its life

    @contextmanager
    def running(self) -> Iterator["Server"]:
        """Start it, and stop it as a person does; it must not have said that anything broke."""
        try:
            self.start()
            yield self
        finally:
            self.stop()
            self.end_orphans()
        assert not self.broken(), "\n".join(self.broken())

    def broken(self) -> list[str]:
        """Return what the server logged of exceptions that went through this package."""
        entries = re.split(r"\n(?=\[[A-Z] )", self.log.read_text(encoding="utf-8"))
        return [entry for entry in entries if "Traceback" in entry and "/jupyter_runt/" in entry]

    def start(self) -> None:
        """Start it and wait until it answers."""
        folders = {
            "JUPYTER_CONFIG_DIR": str(self.folder / "config"),
            "JUPYTER_DATA_DIR": str(self.data),
            "JUPYTER_RUNTIME_DIR": str(self.folder / "runtime"),
        }
        environment = {**os.environ, **folders, "IPYTHONDIR": str(self.folder / "ipython")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=environment,
                cwd=Path(__file__).parents[2],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        pause, end = threading.Event(), time.monotonic() + 60
        while (status := self._status()) is None:
            assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
            assert time.monotonic() < end, self.log.read_text(encoding="utf-8")
            pause.wait(0.05)
        # Strangers are refused: the package was loaded, and its documents can be opened.
        assert status == 403, self.log.read_text(encoding="utf-8")

    def _status(self) -> int | None:
        try:
            with urlopen(f"{self.url}/api/runt/status", timeout=5) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code
        except OSError:
            return None

    def kill(self) -> None:
        """End it as a crash does, without a last word."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(60)

    def crash(self) -> None:
        """End it and every agent of its kernels, as when memory runs out for all of them."""
        self.kill()
        for agent in self.agents():
            os.kill(agent["pid"], signal.SIGKILL)

    def agents(self) -> list[dict[str, Any]]:
        """Return what the agents of its kernels say of themselves."""
        told: list[dict[str, Any]] = []
        for file in (self.data / "runt/journals").glob("*.json"):
            with suppress(FileNotFoundError):  # it ended meanwhile
                told.append(json.loads(file.read_bytes()))
        return told

    def end_orphans(self) -> None:
        """End the kernels that outlived a crash, for which nobody comes."""
        for orphan in survivors(self.data / "runt/journals"):
            orphan.signal(signal.SIGKILL)

    def stop(self) -> None:
        """End it as a person does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.kill()
                raise

    # what other programs ask

    async def call(
        self,
        method: str,
        url: str,
        body: Any = None,
        /,
        *,
        token: str | None = TOKEN,
        headers: Mapping[str, str] | None = None,
        **query: Any,
    ) -> Answer:
        """Return the answer to a request; `body` is sent as JSON unless it is bytes.

        `url` is a path in which what needs it is percent-encoded already, but for blanks.
        """
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Authorization": f"token {token}"} if token else {}
        request = HTTPRequest(
            f"{self.url}{quote(url, safe='/%:')}" + (f"?{urlencode(query)}" if query else ""),
            method=method,
            headers={**sent, **(headers or {})},
            body=data,
            request_timeout=90,
            connect_timeout=30,
            follow_redirects=False,
            allow_nonstandard_methods=True,
        )
        response = await AsyncHTTPClient().fetch(request, raise_error=False)
        content: Any = response.body
        if response.headers.get("Content-Type", "").startswith("application/json"):
            content = json.loads(content) if content else None
        return Answer(response.code, content, response.headers)

    async def get(self, url: str, /, **query: Any) -> Any:
        """Return the JSON at a path."""
        answer = await self.call("GET", url, **query)
        assert answer.status == 200, answer
        return answer.body

    # its notebooks

    def write(self, *sources: str, path: str | None = None) -> str:
        """Write a notebook of code cells, whose ids are c0, c1, …; return its path."""
        cells = [nbformat.v4.new_code_cell(source, id=f"c{n}") for n, source in enumerate(sources)]
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC})
        path = path or f"notebook-{next(self._names)}.ipynb"
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, self.root / path)
        return path

    async def notebook(self, *sources: str, path: str | None = None) -> "Notebook":
        """Write a notebook and open it."""
        return await self.opened(self.write(*sources, path=path))

    async def opened(self, path: str) -> "Notebook":
        """Open the notebook at a path."""
        return Notebook(self, await self.get("/api/runt/notebooks", path=path))

    async def session(self, path: str, kind: str = "notebook", **headers: str) -> Answer:
        """Ask which room a file is shared in."""
        wanted = {"format": "json" if kind == "notebook" else "text", "type": kind}
        return await self.call("PUT", f"/api/collaboration/session/{path}", wanted, headers=headers)


class Notebook:
    """A notebook on a server."""

    def __init__(self, server: Server, described: dict[str, Any]) -> None:
        self.server = server
        self.id: str = described["notebook_id"]
        self.path: str = described["path"]
        self.room_id: str = described["room_id"]
        self.runtime_room_id: str = described["runtime_room_id"]

    @property
    def url(self) -> str:
        """Where the API has it."""
        return f"/api/runt/notebooks/{self.id}"

    @property
    def file(self) -> Path:
        """Its file."""
        return self.server.root / self.path

    def on_disk(self) -> dict[str, Any]:
        """Return what the file holds."""
        content: dict[str, Any] = json.loads(self.file.read_bytes())
        return content

    def sources_on_disk(self) -> list[str]:
        """Return the source of each cell in the file."""
        return ["".join(cell["source"]) for cell in self.on_disk()["cells"]]

    async def saved(self, check: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """Wait until the file is as `check` wants it, and return it."""

        async def look() -> bool:
            return bool(check(self.on_disk()))

        await eventually(look)
        return self.on_disk()

    async def saved_outputs(self, cell_id: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until the file has so many outputs of a cell, and return them."""

        def outputs(content: dict[str, Any]) -> list[dict[str, Any]]:
            found = (cell["outputs"] for cell in content["cells"] if cell["id"] == cell_id)
            return next(found, [])

        return outputs(await self.saved(lambda content: len(outputs(content)) == count))

    def write_outside(self, **sources: str) -> None:
        """Change the sources of cells in the file as a git checkout or an editor does."""
        content = self.on_disk()
        for cell in content["cells"]:
            if cell["id"] in sources:
                cell["source"] = sources[cell["id"]].splitlines(keepends=True)
        temporary = self.file.with_suffix(".tmp")
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        temporary.replace(self.file)

    async def send(self, kind: str, *, headers: Any = None, **fields: Any) -> Answer:
        """Send a command."""
        body = {"type": kind, **fields}
        return await self.server.call("POST", f"{self.url}/commands", body, headers=headers)

    async def do(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """Send a command that succeeds, and return the events of its reply."""
        answer = await self.send(kind, **fields)
        assert answer.status == 200, answer
        events: list[dict[str, Any]] = answer.body["events"]
        return events

    async def seq(self) -> int:
        """Return the last `seq` of the log."""
        seq: int = (await self.server.get("/api/runt/notebooks", path=self.path))["seq"]
        return seq

    async def events(self, after: int = 0, **query: Any) -> list[dict[str, Any]]:
        """Return the log."""
        answer = await self.server.call("GET", f"{self.url}/events", after=after, **query)
        assert answer.status == 200, answer
        return [json.loads(line) for line in answer.body.splitlines()]

    async def at(self, seq: int = 1 << 40) -> dict[str, Any]:
        """Return the notebook as it was, or as the log has it now."""
        notebook: dict[str, Any] = await self.server.get(f"{self.url}/at/{seq}")
        return notebook

    async def sources(self, seq: int = 1 << 40) -> list[str]:
        """Return the source of each cell, as the log has it."""
        return [cell["source"] for cell in (await self.at(seq))["cells"]]

    async def execution(self, execution_id: str, wait: int = 60) -> dict[str, Any]:
        """Return an execution, by default at its end."""
        execution: dict[str, Any] = await self.server.get(
            f"{self.url}/executions/{execution_id}", wait=wait
        )
        return execution

    async def add(self, *sources: str, cell_type: str = "code") -> list[str]:
        """Add cells at the end, and return their ids."""
        cells = (await self.at())["cells"]
        after = cells[-1]["id"] if cells else None
        added: list[str] = []
        for source in sources:
            events = await self.do("create_cell", cell_type=cell_type, source=source, after=after)
            after = events[0]["payload"]["changes"][0]["cell_id"]
            added.append(after)
        return added

    async def start(self, *cell_ids: str, **fields: Any) -> list[str]:
        """Ask cells to run, and return the ids of the executions."""
        events = await self.do("execute_cells", cell_ids=cell_ids, **fields)
        return [event["payload"]["execution_id"] for event in events]

    async def run(self, *cell_ids: str, **fields: Any) -> list[dict[str, Any]]:
        """Run cells, and return the executions at their end."""
        started = await self.start(*cell_ids, **fields)
        ended = [await self.execution(execution_id) for execution_id in started]
        assert all(execution["status"] in TERMINAL for execution in ended), ended
        return ended

    async def run_source(self, source: str) -> dict[str, Any]:
        """Run a new cell, and return its execution at its end."""
        return (await self.run(*await self.add(source)))[0]

    async def running(self, source: str, shown: str) -> str:
        """Begin to run a new cell; return its execution's id once its outputs contain `shown`."""
        (execution_id,) = await self.start(*await self.add(source))

        async def is_shown() -> bool:
            return shown in json.dumps((await self.execution(execution_id, wait=0))["outputs"])

        await eventually(is_shown)
        return execution_id

    async def asks(self, execution_id: str) -> None:
        """Wait until an execution asks for input."""

        async def waits() -> bool:
            status: str = (await self.execution(execution_id, wait=0))["status"]
            return status == "waiting_input"

        await eventually(waits)

    @asynccontextmanager
    async def followed(self, **query: Any) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """Follow the log: what is there, and what comes."""
        arguments = urlencode({"follow": 1, **query})
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        request = f"GET {self.url}/events?{arguments} HTTP/1.1\r\n"
        writer.write(f"{request}Host: localhost\r\nAuthorization: token {TOKEN}\r\n\r\n".encode())

        async def lines() -> AsyncIterator[dict[str, Any]]:
            async with asyncio.timeout(30):
                while line := await reader.readline():
                    if line.startswith(b"{"):
                        yield json.loads(line)

        try:
            yield lines()
        finally:
            writer.close()
            await writer.wait_closed()
