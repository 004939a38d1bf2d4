"""Kernels and sessions of a real server, with a small owner of runtimes in place of the whole."""

import asyncio
import json
import os
import posixpath
import signal
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from jupyter_server.services.sessions.sessionmanager import SessionManager
from tornado.httpclient import HTTPClientError
from traitlets.config import Config

from jupyter_runt.errors import LeaseHeld, RuntimeLost
from jupyter_runt.execution.gateway import AgentConfig, ServerKernelGateway
from jupyter_runt.execution.kernel_manager import owned_kernel_manager
from jupyter_runt.execution.session_manager import one_kernel_session_manager
from jupyter_runt.ids import NotebookId, new_id
from jupyter_runt.protocols import Kernel, KernelMessage, Lease
from jupyter_runt.provisioning import factory
from tests.integration.server import eventually

pytest_plugins = ["pytest_jupyter.jupyter_server"]

Fetch = Callable[..., Awaitable[Any]]


class Owner:
    """A `RuntimePort` that keeps one kernel per file and remembers what it was told."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.gateway: ServerKernelGateway
        self.kernels: dict[str, Kernel] = {}
        self.starting: dict[str, str] = {}
        self.told: list[tuple[str, ...]] = []
        self.working: set[str] = set()
        self.deaths: asyncio.Queue[tuple[str, str, bool]] = asyncio.Queue()
        self.elsewhere: set[str] = set()
        self.lease: Lease | None = None

    async def notebook_at(self, path: str) -> str | None:
        file = (self.root / path.lstrip("/")).resolve()
        if file.suffix != ".ipynb" or not file.is_file():
            return None
        return file.relative_to(self.root.resolve()).as_posix()

    def kernel_of(self, path: str) -> str | None:
        return self.kernels[path].kernel_id if path in self.kernels else None

    def notebook_of(self, kernel_id: str) -> str | None:
        running = {kernel.kernel_id: path for path, kernel in self.kernels.items()}
        return (self.starting | running).get(kernel_id)

    async def ensure(self, path: str, kernel_name: str | None, kernel_id: str | None) -> str:
        if path in self.elsewhere:
            raise LeaseHeld("Another server has it.", url="http://other")
        if path not in self.kernels:
            kernel_id = kernel_id or new_id()
            self.starting[kernel_id] = path
            try:
                self.kernels[path] = await self.gateway.start(
                    path, kernel_name, kernel_id, self.lease
                )
            finally:
                del self.starting[kernel_id]
        return self.kernels[path].kernel_id

    async def switch(self, kernel_id: str, kernel_name: str) -> str:
        path = self._path(kernel_id)
        await self._stop(path)
        return await self.ensure(path, kernel_name, None)

    async def interrupt(self, kernel_id: str) -> None:
        self.told.append(("interrupt", kernel_id))
        await self.gateway.interrupt(kernel_id)

    async def restart(self, kernel_id: str) -> None:
        self.told.append(("restart", kernel_id))
        await self.gateway.restart(kernel_id)

    async def stop(self, kernel_id: str) -> None:
        self.told.append(("stop", kernel_id))
        await self._stop(self._path(kernel_id))

    async def release(self, kernel_id: str) -> None:
        self.told.append(("release", kernel_id))
        if kernel_id not in self.working:
            await self._stop(self._path(kernel_id))

    def busy(self, kernel_id: str) -> bool:
        return kernel_id in self.working

    def died(self, kernel_id: str, cause: str, *, restarting: bool) -> None:
        self.deaths.put_nowait((kernel_id, cause, restarting))

    def _path(self, kernel_id: str) -> str:
        path = self.notebook_of(kernel_id)
        assert path is not None
        return path

    async def _stop(self, path: str) -> None:
        await self.gateway.stop(self.kernels[path].kernel_id)
        del self.kernels[path]


@pytest.fixture
def jp_server_config() -> Config:
    return Config(
        {
            "ServerApp": {
                "kernel_manager_class": owned_kernel_manager(AsyncMappingKernelManager),
                "session_manager_class": one_kernel_session_manager(SessionManager),
            },
            "KernelManager": {"shutdown_wait_time": 2.0},
        }
    )


class Server:
    """The server and what the tests ask of it."""

    def __init__(self, app: Any, fetch: Fetch, owner: Owner) -> None:
        self.app = app
        self.owner = owner
        self._fetch = fetch

    @property
    def gateway(self) -> ServerKernelGateway:
        return self.owner.gateway

    async def call(self, method: str, *parts: str, body: Any = None) -> Any:
        data = None if method in {"GET", "DELETE"} else json.dumps(body or {})
        response = await self._fetch(
            "api", *parts, method=method, body=data, request_timeout=60, connect_timeout=60
        )
        return json.loads(response.body) if response.body else None

    async def refused(self, method: str, *parts: str, body: Any = None) -> int:
        with pytest.raises(HTTPClientError) as raised:
            await self.call(method, *parts, body=body)
        return int(raised.value.code)

    async def open(self, path: str, name: str | None = None, **kernel: str) -> Any:
        body = {"path": path, "type": "notebook", "name": name or path, "kernel": kernel}
        return await self.call("POST", "sessions", body=body)

    async def kernel_ids(self) -> list[str]:
        return [kernel["id"] for kernel in await self.call("GET", "kernels")]

    def write(self, *paths: str) -> None:
        for path in paths:
            file = self.owner.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(nbformat.v4.new_notebook(), file)

    def processes(self) -> list[int]:
        """The children of this process that run as kernels."""
        children = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    stat = (entry / "stat").read_text().rpartition(")")[2].split()
                    command = (entry / "cmdline").read_bytes()
                except OSError:
                    continue  # it ended meanwhile
                if int(stat[1]) == os.getpid() and stat[0] != "Z" and b"ipykernel" in command:
                    children.append(int(entry.name))
        return children


@pytest.fixture(params=["zmq", "agent"])
def agents(request: pytest.FixtureRequest, tmp_path: Path) -> AgentConfig | None:
    """How the server reaches its kernels; both ways keep the same promises."""
    if request.param == "zmq":
        return None
    return AgentConfig(tmp_path / "journals", ttl=60, journal_bytes=1 << 30, root="/")


@asynccontextmanager
async def serving(
    app: Any, fetch: Fetch, agents: AgentConfig | None = None
) -> AsyncIterator[Server]:
    owner = Owner(Path(app.root_dir))
    if agents is not None:
        owner.lease = Lease(NotebookId("n"), "runtime", 1, "here", {})
    factory.install(app)
    try:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(app.kernel_manager.shutdown_all, now=True)
            gateway = ServerKernelGateway(app.session_manager, owner, agents)
            owner.gateway = await stack.enter_async_context(gateway)
            app.session_manager.runtimes = app.kernel_manager.runtimes = owner
            yield Server(app, fetch, owner)
    finally:
        factory.RuntProvisionerFactory.clear_instance()
        KernelProvisionerFactory.clear_instance()


class Ears:
    """What a kernel said, and waiting for more of it."""

    def __init__(self, kernel: Kernel) -> None:
        self.messages: list[KernelMessage] = []
        self.kernel = kernel
        self._heard = asyncio.Event()
        kernel.connection.listen(self._listen)

    def _listen(self, messages: Any) -> None:
        self.messages.extend(messages)
        self._heard.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                self._heard.clear()
                await self._heard.wait()

    async def run(self, code: str) -> list[KernelMessage]:
        """Run code and return what the kernel said about it."""
        msg_id = new_id()
        self.kernel.connection.execute(msg_id, code)
        about: list[KernelMessage] = []

        def done() -> bool:
            about[:] = [m for m in self.messages if m.parent_id == msg_id]
            idle = any(m.content.get("execution_state") == "idle" for m in about)
            return idle and any(m.msg_type == "execute_reply" for m in about)

        await self.until(done)
        return about

    async def value(self, code: str) -> str:
        """Run an expression and return its value as text."""
        for message in await self.run(code):
            if message.msg_type == "execute_result":
                return str(message.content["data"]["text/plain"])
        raise AssertionError("no result")


FLOOD = """
import pathlib, time
pathlib.Path({0!r}).touch()
while not pathlib.Path({1!r}).exists(): time.sleep(0.01)
for number in range(4000):  # far beyond what sockets and ZeroMQ's own limit would hold
    display({{"text/plain": f"{{number}} " + "x" * 10_000}}, raw=True)
get_ipython().kernel.iopub_thread.schedule(lambda: pathlib.Path({2!r}).touch())
"""


def spellings(number: int) -> tuple[str, str]:
    """Return path and name as some client would send them for `folder/a.ipynb`."""
    jupyterlab = (f"folder/{uuid.uuid4()}", "a.ipynb")
    vs_code = (f"folder/a-jvsc-{uuid.uuid4()}{uuid.uuid4()}.ipynb", "")
    paths = ["folder/a.ipynb", "/folder/a.ipynb", "./folder/a.ipynb", "link.ipynb"]
    return [jupyterlab, vs_code, *((path, posixpath.basename(path)) for path in paths)][number % 6]


@pytest.mark.rule("EX1")
async def test_fifty_sessions_at_once_share_one_kernel_and_one_process(
    jp_serverapp: Any, jp_fetch: Fetch
) -> None:
    async with serving(jp_serverapp, jp_fetch) as server:
        server.write("folder/a.ipynb")
        (server.owner.root / "link.ipynb").symlink_to("folder/a.ipynb")
        models = await asyncio.gather(*(server.open(*spellings(n)) for n in range(50)))
        assert len({model["kernel"]["id"] for model in models}) == 1
        assert len({model["id"] for model in models}) == 50
        assert await server.kernel_ids() == [models[0]["kernel"]["id"]]
        assert len(server.processes()) == 1
        for model in models:
            await server.call("DELETE", "sessions", model["id"])
        assert await server.kernel_ids() == []
        assert server.processes() == []


@pytest.mark.rule("EX1")
async def test_bare_kernels_of_one_id_started_at_once_are_one_process(
    jp_serverapp: Any, jp_fetch: Fetch
) -> None:
    async with serving(jp_serverapp, jp_fetch) as server:
        kernel_id = new_id()
        body = {"kernel_id": kernel_id}
        started = await asyncio.gather(
            *(server.call("POST", "kernels", body=body) for _ in range(4))
        )
        assert {model["id"] for model in started} == {kernel_id}
        assert len(server.processes()) == 1


@pytest.mark.rule("EX10")
async def test_the_kernel_stops_with_the_last_session_and_not_before(
    jp_serverapp: Any, jp_fetch: Fetch
) -> None:
    async with serving(jp_serverapp, jp_fetch) as server:
        server.write("a.ipynb")
        first, second = await server.open("a.ipynb"), await server.open("a.ipynb")
        await server.call("DELETE", "sessions", first["id"])
        assert await server.kernel_ids() == [second["kernel"]["id"]]
        await server.call("DELETE", "sessions", second["id"])
        assert await server.kernel_ids() == []


@pytest.mark.rule("EX10")
async def test_a_kernel_with_cells_to_run_is_left_to_its_owner(
    jp_serverapp: Any, jp_fetch: Fetch
) -> None:
    async with serving(jp_serverapp, jp_fetch) as server:
        server.write("a.ipynb")
        session = await server.open("a.ipynb")
        kernel_id = session["kernel"]["id"]
        server.owner.working.add(kernel_id)
        await server.call("DELETE", "sessions", session["id"])
        assert server.owner.told == [("release", kernel_id)]
        assert await server.kernel_ids() == [kernel_id]
        server.app.kernel_manager.cull_idle_timeout = 1
        server.app.kernel_manager.get_kernel(
            kernel_id
        ).last_activity = server.app.kernel_manager.get_kernel(kernel_id).last_activity.replace(
            year=2000
        )
        await server.app.kernel_manager.cull_kernel_if_idle(kernel_id)
        assert await server.kernel_ids() == [kernel_id]


async def shown_idle(server: Any, kernel_id: str) -> dict[str, Any]:
    """Wait until Jupyter shows a kernel as idle: its reply comes on another channel than that."""

    async def look() -> dict[str, Any] | None:
        model: dict[str, Any] = await server.call("GET", "kernels", kernel_id)
        return model if model["execution_state"] == "idle" else None

    found = await eventually(look)
    assert found is not None
    return found


@pytest.mark.rule("EX10")
async def test_jupyter_shows_what_a_notebook_s_kernel_does_and_culls_it_when_it_does_nothing(
    jp_serverapp: Any, jp_fetch: Fetch
) -> None:
    async with serving(jp_serverapp, jp_fetch) as server:
        server.write("a.ipynb")
        kernel_id = (await server.open("a.ipynb"))["kernel"]["id"]
        kernels = server.app.kernel_manager
        assert getattr(kernels.get_kernel(kernel_id), "_activity_stream", None) is None
        kernel = server.owner.kernels["a.ipynb"]
        await kernel.connection.ready()
        ears = Ears(kernel)
        ready = await shown_idle(server, kernel_id)

        running = asyncio.ensure_future(ears.run("input()"))
        await ears.until(lambda: any(m.msg_type == "input_request" for m in ears.messages))
        busy = await server.call("GET", "kernels", kernel_id)
        assert busy["execution_state"] == "busy"
        assert busy["last_activity"] > ready["last_activity"]
        kernels.cull_idle_timeout = 1
        long_ago = kernels.get_kernel(kernel_id).last_activity.replace(year=2000)
        kernels.get_kernel(kernel_id).last_activity = long_ago
        await kernels.cull_kernel_if_idle(kernel_id)
        assert await server.kernel_ids() == [kernel_id]

        kernel.connection.reply_input("")
        await running
        idle = await shown_idle(server, kernel_id)
        assert idle["last_activity"] > busy["last_activity"]
        assert kernels.last_kernel_activity == kernels.get_kernel(kernel_id).last_activity
        await kernels.cull_kernel_if_idle(kernel_id)
        assert await server.kernel_ids() == [kernel_id]
        kernels.get_kernel(kernel_id).last_activity = long_ago
        await kernels.cull_kernel_if_idle(kernel_id)
        assert await server.kernel_ids() == []


@pytest.mark.rule("EX10")
async def test_a_kernel_that_was_restarted_while_it_was_busy_is_shown_idle(
    jp_serverapp: Any, jp_fetch: Fetch
) -> None:
    async with serving(jp_serverapp, jp_fetch) as server:
        server.write("a.ipynb")
        kernel_id = (await server.open("a.ipynb"))["kernel"]["id"]
        kernel = server.owner.kernels["a.ipynb"]
        await kernel.connection.ready()
        ears = Ears(kernel)
        kernel.connection.execute(new_id(), "input()")
        await ears.until(lambda: any(m.msg_type == "input_request" for m in ears.messages))
        await server.call("POST", "kernels", kernel_id, "restart")
        await kernel.connection.ready()
        await shown_idle(server, kernel_id)


@pytest.mark.rule("EX10")
async def test_a_bare_kernel_has_jupyter_s_own_watcher(jp_serverapp: Any, jp_fetch: Fetch) -> None:
    async with serving(jp_serverapp, jp_fetch) as server:
        bare = await server.call("POST", "kernels")
        assert server.app.kernel_manager.get_kernel(bare["id"])._activity_stream is not None


@pytest.mark.rule("EX10")
async def test_who_asks_what_runs_waits_for_kernels_that_are_about_to_come_back(
    jp_serverapp: Any, jp_fetch: Fetch
) -> None:
    async with serving(jp_serverapp, jp_fetch) as server:
        adopting = asyncio.Event()
        server.app.kernel_manager.adopting = server.app.session_manager.adopting = adopting
        asked = [asyncio.ensure_future(server.call("GET", of)) for of in ("kernels", "sessions")]
        server.write("a.ipynb")
        kernel_id = (await server.open("a.ipynb"))["kernel"]["id"]
        assert not any(each.done() for each in asked)
        adopting.set()
        kernels, sessions = await asyncio.gather(*asked)
        assert [each["id"] for each in kernels] == [kernel_id]
        assert [each["kernel"]["id"] for each in sessions] == [kernel_id]
        assert await server.kernel_ids() == [kernel_id]


@pytest.mark.rule("EX10")
async def test_jupyterlab_patches_the_real_path_and_keeps_the_kernel(
    jp_serverapp: Any, jp_fetch: Fetch
) -> None:
    async with serving(jp_serverapp, jp_fetch) as server:
        server.write("a.ipynb")
        session = await server.open(str(uuid.uuid4()), "a.ipynb")
        body = {"path": "a.ipynb", "name": "a.ipynb", "type": "notebook"}
        patched = await server.call("PATCH", "sessions", session["id"], body=body)
        assert patched["path"] == "a.ipynb"
        assert patched["kernel"]["id"] == session["kernel"]["id"]


@pytest.mark.rule("EX10")
async def test_another_kernel_name_replaces_the_kernel_for_every_session(
    jp_serverapp: Any, jp_fetch: Fetch
) -> None:
    async with serving(jp_serverapp, jp_fetch) as server:
        server.write("a.ipynb")
        mine, yours = await server.open("a.ipynb"), await server.open("a.ipynb")
        body = {"kernel": {"name": "python3"}}
        patch = asyncio.ensure_future(server.call("PATCH", "sessions", mine["id"], body=body))
        while not patch.done():  # nobody may see a session lose its kernel meanwhile
            assert len(await server.call("GET", "sessions")) == 2
        new = (await patch)["kernel"]["id"]
        assert new != mine["kernel"]["id"]
        listed = await server.call("GET", "sessions")
        assert {(s["id"], s["kernel"]["id"]) for s in listed} == {
            (mine["id"], new),
            (yours["id"], new),
        }
        assert await server.kernel_ids() == [new]
        assert len(server.processes()) == 1


@pytest.mark.rule("EX10")
async def test_a_kernel_name_that_is_not_installed_leaves_the_kernel_running(
    jp_serverapp: Any, jp_fetch: Fetch
) -> None:
    async with serving(jp_serverapp, jp_fetch) as server:
        server.write("a.ipynb")
        session = await server.open("a.ipynb")
        body = {"kernel": {"name": "nope"}}
        assert await server.refused("PATCH", "sessions", session["id"], body=body) == 501
        assert await server.kernel_ids() == [session["kernel"]["id"]]


@pytest.mark.rule("EX1")
async def test_kernel_changes_at_once_end_with_one_kernel(
    jp_serverapp: Any, jp_fetch: Fetch
) -> None:
    async with serving(jp_serverapp, jp_fetch) as server:
        server.write("a.ipynb")
        sessions = [await server.open("a.ipynb") for _ in range(3)]
        body = {"kernel": {"name": "python3"}}
        await asyncio.gather(
            *(server.call("PATCH", "sessions", session["id"], body=body) for session in sessions)
        )
        listed = await server.call("GET", "sessions")
        assert [s["kernel"]["id"] for s in listed] == 3 * (await server.kernel_ids())
        assert len(server.processes()) == 1


@pytest.mark.rule("EX10")
async def test_a_notebook_cannot_take_another_kernel(jp_serverapp: Any, jp_fetch: Fetch) -> None:
    async with serving(jp_serverapp, jp_fetch) as server:
        server.write("a.ipynb", "b.ipynb")
        a, b = await server.open("a.ipynb"), await server.open("b.ipynb")
        bare = await server.call("POST", "kernels")
        for other in (b["kernel"]["id"], bare["id"]):
            body = {"kernel": {"id": other}}
            assert await server.refused("PATCH", "sessions", a["id"], body=body) == 409
            body = {"path": "a.ipynb", "type": "notebook", "name": "a", "kernel": {"id": other}}
            assert await server.refused("POST", "sessions", body=body) == 409
        assert (await server.call("GET", "sessions", a["id"]))["kernel"]["id"] == a["kernel"]["id"]
        assert len(await server.kernel_ids()) == 3
        same = await server.open("a.ipynb", id=a["kernel"]["id"])
        assert same["kernel"]["id"] == a["kernel"]["id"]


@pytest.mark.rule("EX10")
async def test_a_console_joins_a_notebook_s_kernel_and_leaves_it_running(
    jp_serverapp: Any, jp_fetch: Fetch
) -> None:
    async with serving(jp_serverapp, jp_fetch) as server:
        server.write("a.ipynb")
        kernel_id = (await server.open("a.ipynb"))["kernel"]["id"]
        body = {
            "path": f"a.ipynb-{uuid.uuid4()}",
            "type": "console",
            "name": "Console 1",
            "kernel": {"id": kernel_id},
        }
        joined = await server.call("POST", "sessions", body=body)
        assert joined["kernel"]["id"] == kernel_id
        await server.call("DELETE", "sessions", joined["id"])
        again = await server.call("POST", "sessions", body=body)
        bare = await server.call("POST", "kernels")
        patch = {"kernel": {"id": bare["id"]}}
        moved = await server.call("PATCH", "sessions", again["id"], body=patch)
        assert moved["kernel"]["id"] == bare["id"]
        assert kernel_id in await server.kernel_ids()


@pytest.mark.rule("EX10")
async def test_bare_kernels_consoles_and_unknown_files_are_jupyter_s_own(
    jp_serverapp: Any, jp_fetch: Fetch
) -> None:
    async with serving(jp_serverapp, jp_fetch) as server:
        bare = await server.call("POST", "kernels")
        missing = await server.open("missing.ipynb")
        assert (await server.open("missing.ipynb"))["id"] == missing["id"]
        console = {"path": "console", "type": "console", "name": "c", "kernel": {}}
        opened = await server.call("POST", "sessions", body=console)
        await server.call("POST", "kernels", bare["id"], "interrupt")
        await server.call("POST", "kernels", bare["id"], "restart")
        await server.call("DELETE", "sessions", opened["id"])
        await server.call("DELETE", "sessions", missing["id"])
        await server.call("DELETE", "kernels", bare["id"])
        assert await server.kernel_ids() == []
        assert server.owner.told == []
        assert server.processes() == []


@pytest.mark.rule("EX10")
async def test_a_kernel_that_is_not_installed_is_501_as_ever(
    jp_serverapp: Any, jp_fetch: Fetch
) -> None:
    async with serving(jp_serverapp, jp_fetch) as server:
        server.write("a.ipynb")
        body = {"path": "a.ipynb", "type": "notebook", "name": "a", "kernel": {"name": "nope"}}
        assert await server.refused("POST", "sessions", body=body) == 501
        assert (await server.open("a.ipynb"))["kernel"]["name"] == "python3"


@pytest.mark.rule("EX1")
async def test_a_notebook_of_another_server_gets_no_kernel_here(
    jp_serverapp: Any, jp_fetch: Fetch
) -> None:
    async with serving(jp_serverapp, jp_fetch) as server:
        server.write("a.ipynb")
        server.owner.elsewhere.add("a.ipynb")
        body = {"path": "a.ipynb", "type": "notebook", "name": "a", "kernel": {}}
        assert await server.refused("POST", "sessions", body=body) == 409
        assert server.processes() == []


@pytest.mark.rule("EX10")
async def test_jupyter_s_own_buttons_go_through_the_owner(
    jp_serverapp: Any, jp_fetch: Fetch, agents: AgentConfig | None
) -> None:
    async with serving(jp_serverapp, jp_fetch, agents) as server:
        server.write("a.ipynb")
        kernel_id = (await server.open("a.ipynb"))["kernel"]["id"]
        kernel = server.owner.kernels["a.ipynb"]
        await kernel.connection.ready()
        ears = Ears(kernel)
        pid = await ears.value("x = 1; import os; os.getpid()")
        restarted = await server.call("POST", "kernels", kernel_id, "restart")
        assert restarted["id"] == kernel_id
        await kernel.connection.ready()
        assert await ears.value("__import__('os').getpid()") != pid
        await server.call("POST", "kernels", kernel_id, "interrupt")
        await server.call("DELETE", "kernels", kernel_id)
        assert [told for told, _ in server.owner.told] == ["restart", "interrupt", "stop"]
        assert server.processes() == []
        assert server.owner.deaths.empty()


@pytest.mark.rule("EX6")
async def test_a_connection_carries_what_a_kernel_says(
    jp_serverapp: Any, jp_fetch: Fetch, agents: AgentConfig | None
) -> None:
    async with serving(jp_serverapp, jp_fetch, agents) as server:
        server.write("folder/a.ipynb")
        kernel = await server.gateway.start("folder/a.ipynb", None, new_id(), server.owner.lease)
        await kernel.connection.ready()
        ears = Ears(kernel)
        assert await ears.value("1 + 1") == "2"
        assert await ears.value("__import__('os').getcwd()") == repr(
            str(server.owner.root.resolve() / "folder")
        )
        session_name = await ears.value("__import__('os').environ['JPY_SESSION_NAME']")
        assert session_name.strip("'").endswith("folder/a.ipynb")
        said = await ears.run("for i in range(3000): print(i, flush=True)")
        text = "".join(m.content["text"] for m in said if m.msg_type == "stream")
        assert text == "".join(f"{i}\n" for i in range(3000))


@pytest.mark.rule("EX3", "EX6")
async def test_a_kernel_keeps_what_an_agent_without_processor_time_does_not_take(
    jp_serverapp: Any, jp_fetch: Fetch, tmp_path: Path
) -> None:
    agents = AgentConfig(tmp_path / "journals", ttl=60, journal_bytes=1 << 30, root="/")
    async with serving(jp_serverapp, jp_fetch, agents) as server:
        server.write("a.ipynb")
        kernel = await server.gateway.start("a.ipynb", None, new_id(), server.owner.lease)
        await kernel.connection.ready()
        ears = Ears(kernel)
        assert await ears.value("1 + 1") == "2"
        agent = server.app.kernel_manager.get_kernel(kernel.kernel_id).provisioner.pid
        begun, stopped, ended = (tmp_path / name for name in ("begun", "stopped", "ended"))
        running = asyncio.ensure_future(
            ears.run(FLOOD.format(str(begun), str(stopped), str(ended)))
        )
        await eventually(lambda: asyncio.to_thread(begun.exists))
        os.kill(agent, signal.SIGSTOP)
        try:
            stopped.touch()
            await eventually(lambda: asyncio.to_thread(ended.exists))
        finally:
            os.kill(agent, signal.SIGCONT)
        shown = [
            m.content["data"]["text/plain"] for m in await running if m.msg_type == "display_data"
        ]
        assert [text.rstrip("x") for text in shown] == [f"{n} " for n in range(4000)]


@pytest.mark.rule("EX6")
async def test_a_prompt_is_answered_by_us_alone(
    jp_serverapp: Any, jp_fetch: Fetch, agents: AgentConfig | None
) -> None:
    async with serving(jp_serverapp, jp_fetch, agents) as server:
        server.write("a.ipynb")
        kernel = await server.gateway.start("a.ipynb", None, new_id(), server.owner.lease)
        await kernel.connection.ready()
        ears = Ears(kernel)
        answer = asyncio.ensure_future(ears.value("input('Name: ').upper()"))
        await ears.until(lambda: any(m.msg_type == "input_request" for m in ears.messages))
        kernel.connection.reply_input("ada")
        assert await answer == "'ADA'"


@pytest.mark.rule("EX7")
async def test_a_kernel_that_was_killed_says_so_and_comes_back(
    jp_serverapp: Any, jp_fetch: Fetch, agents: AgentConfig | None
) -> None:
    async with serving(jp_serverapp, jp_fetch, agents) as server:
        server.write("a.ipynb")
        kernel_id = (await server.open("a.ipynb"))["kernel"]["id"]
        kernel = server.owner.kernels["a.ipynb"]
        await kernel.connection.ready()
        ears = Ears(kernel)
        kernel.connection.execute(new_id(), "import os, signal; os.kill(os.getpid(), 9)")
        async with asyncio.timeout(60):
            died, cause, restarting = await server.owner.deaths.get()
        assert (died, restarting) == (kernel_id, True)
        assert "SIGKILL" in cause
        kernel.connection.execute(new_id(), "ghost = 1")  # nobody is there to run it
        await kernel.connection.ready()
        assert await ears.value("'ghost' in globals()") == "False"
        assert await server.kernel_ids() == [kernel_id]


@pytest.mark.rule("EX7")
async def test_an_exit_code_is_told(
    jp_serverapp: Any, jp_fetch: Fetch, agents: AgentConfig | None
) -> None:
    async with serving(jp_serverapp, jp_fetch, agents) as server:
        server.write("a.ipynb")
        await server.open("a.ipynb")
        kernel = server.owner.kernels["a.ipynb"]
        await kernel.connection.ready()
        kernel.connection.execute(new_id(), "import os; os._exit(3)")
        async with asyncio.timeout(60):
            _, cause, _ = await server.owner.deaths.get()
        assert "exit code 3" in cause


@pytest.mark.rule("EX7")
async def test_a_kernel_that_jupyter_does_not_restart_is_gone(
    jp_serverapp: Any, jp_fetch: Fetch, agents: AgentConfig | None
) -> None:
    async with serving(jp_serverapp, jp_fetch, agents) as server:
        server.write("a.ipynb")
        kernel_id = (await server.open("a.ipynb"))["kernel"]["id"]
        manager = server.app.kernel_manager.get_kernel(kernel_id)
        manager.stop_restarter()
        manager.autorestart = False
        [pid] = server.processes()
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(60):
            _, _, restarting = await server.owner.deaths.get()
        assert not restarting
        await server.gateway.stop(kernel_id)
        assert await server.kernel_ids() == []
        assert await server.call("GET", "sessions") == []


@pytest.mark.rule("EX1")
async def test_a_kernel_stopped_while_it_restarts_by_itself_leaves_no_process(
    jp_serverapp: Any, jp_fetch: Fetch, agents: AgentConfig | None
) -> None:
    async with serving(jp_serverapp, jp_fetch, agents) as server:
        server.write("a.ipynb")
        session = await server.open("a.ipynb")
        kernel_id = session["kernel"]["id"]
        await server.owner.kernels["a.ipynb"].connection.ready()
        [pid] = server.processes()
        manager = server.app.kernel_manager.get_kernel(kernel_id)
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(60):
            await server.owner.deaths.get()
        restart = asyncio.ensure_future(manager._restarter.poll())
        await asyncio.sleep(0)
        await server.call("DELETE", "sessions", session["id"])
        await restart
        assert await server.kernel_ids() == []
        assert server.processes() == []


@pytest.mark.rule("EX7")
async def test_a_kernel_that_never_starts_says_so(
    jp_serverapp: Any, jp_fetch: Fetch, agents: AgentConfig | None
) -> None:
    async with serving(jp_serverapp, jp_fetch, agents) as server:
        server.write("a.ipynb")
        kernel = await server.gateway.start("a.ipynb", None, new_id(), server.owner.lease)
        waiting = asyncio.ensure_future(kernel.connection.ready())
        await asyncio.sleep(0)
        await server.gateway.stop(kernel.kernel_id)
        with pytest.raises(RuntimeLost):
            await waiting
