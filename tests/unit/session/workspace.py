"""A server's session layer over a store in memory, a folder, and kernels that obey the test."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat

from jupyter_runt.ai.policy import Policy
from jupyter_runt.ai.toolbox import TurnToolbox
from jupyter_runt.commands import parse_command
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.errors import Conflict, RuntimeLost
from jupyter_runt.events.base import Event, Payload
from jupyter_runt.execution.links import REPLAYED
from jupyter_runt.ids import ActorId, NotebookId, Seq
from jupyter_runt.protocols import Kernel, KernelMessage, Lease, Registration
from jupyter_runt.session.artifacts import Artifacts
from jupyter_runt.session.capabilities import Capability, Requester
from jupyter_runt.session.content import NotebookContent, TextContent
from jupyter_runt.session.files import LocalFiles
from jupyter_runt.session.notebook_session import NotebookSession, OnCommit
from jupyter_runt.session.open_document import OpenDocument
from jupyter_runt.session.registered_content import RegisteredContent
from jupyter_runt.session.registry import SessionRegistry
from jupyter_runt.session.renaming import EXCHANGE, rename
from jupyter_runt.session.replies import Reply
from jupyter_runt.session.runtime import RuntimeServices
from jupyter_runt.session.saver import DocumentConfig, SaverConfig
from jupyter_runt.session.turns.notebook_turns import TurnScope, TurnServices
from jupyter_runt.session.turns.place import open_toolbox
from jupyter_runt.session.turns.text_files import TextFiles
from jupyter_runt.storage.artifacts import ObjectArtifacts
from jupyter_runt.storage.memory import MemoryStore
from jupyter_runt.storage.memory_disk import MemoryDisk
from jupyter_runt.tools import Toolbox
from tests.unit.session.scripted import ScriptedModel, ScriptedTools

ADA = ActorId("user:ada")
NEVER = DocumentConfig(saver=SaverConfig(delay=3600, retry=3600), watch_interval=3600)
"""Nothing is saved or looked at unless somebody asks."""


async def until(condition: Callable[[], object]) -> None:
    """Let everything run until the condition holds."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  (some conditions are of the file system)
            await asyncio.sleep(0.001)


class FakeKernel:
    """A kernel's connection: what it was asked, and what the test has it say."""

    def __init__(self, gateway: "FakeGateway") -> None:
        self._gateway = gateway
        self._listener: Callable[[Sequence[KernelMessage]], None] = list
        self.asked: list[tuple[str, str]] = []
        self.answers: list[str] = []
        self.journals = False
        self.journal: list[tuple[str, str, str, dict[str, Any]]] = []
        self.retired = 0
        self.subshell = False
        self.left: dict[str, Any] = {}

    def listen(self, listener: Callable[[Sequence[KernelMessage]], None]) -> None:
        self._listener = listener

    async def ready(self) -> None:
        await self._gateway.may_answer.wait()
        if self._gateway.mute:
            raise RuntimeLost("It does not answer.")

    def execute(self, msg_id: str, code: str, *, metadata: dict[str, Any] | None = None) -> None:
        self.asked.append((msg_id, code))
        if self.journals:
            self.journal.append(("execute_request", msg_id, "shell", {}))

    async def evaluate(
        self, expression: str, begun: Callable[[], None], *, aside: bool = False
    ) -> dict[str, Any]:
        if aside and not self.subshell:
            raise Conflict("It runs a cell.")
        begun()
        answer = {"status": "ok", "data": {"text/plain": repr(eval(expression))}}
        return {"status": "ok", "user_expressions": {"answer": answer}}

    def tell_comm(self, comm_id: str, data: dict[str, Any]) -> None:
        raise AssertionError

    def reply_input(self, value: str) -> None:
        self.answers.append(value)

    def resume(self) -> None:
        for seq, (msg_type, msg_id, channel, content) in enumerate(self.journal, start=1):
            self._say(msg_type, msg_id, channel, content, seq)
        self._say(REPLAYED, None, "shell", {}, len(self.journal))

    def note(self, note: dict[str, Any]) -> None:
        self.left |= note

    def retire(self, position: int) -> None:
        self.retired = position

    def say(self, msg_type: str, msg_id: str, channel: str = "iopub", **content: Any) -> None:
        if self.journals:
            self.journal.append((msg_type, msg_id, channel, content))
        self._say(msg_type, msg_id, channel, content, len(self.journal))

    def _say(
        self,
        msg_type: str,
        msg_id: str | None,
        channel: Any,
        content: dict[str, Any],
        position: int,
    ) -> None:
        message = KernelMessage(channel, msg_type, msg_id, content, {}, position=position)
        self._listener([message])

    def finish(self, msg_id: str, status: str = "ok", count: int = 1, **reply: Any) -> None:
        content = {"status": status, "execution_count": count, **reply}
        self.say("execute_reply", msg_id, "shell", **content)
        self.say("status", msg_id, execution_state="idle")


class FakeGateway:
    """Kernels that start at once, unless the test says otherwise."""

    def __init__(self) -> None:
        self.kernels: dict[str, FakeKernel] = {}
        self.did: list[str] = []
        self.failure: str | None = None
        self.survivor: FakeKernel | None = None
        self.mute = False
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.may_stop = asyncio.Event()
        self.may_stop.set()
        self.on_act: dict[bool, Callable[[], None]] = {}
        """What happens before (False) or after (True) the next thing is done to a kernel."""

    def _act(self, what: str) -> None:
        self.on_act.pop(False, lambda: None)()
        self.did.append(what)
        self.on_act.pop(True, lambda: None)()

    @property
    def kernel(self) -> FakeKernel:
        (kernel,) = self.kernels.values()
        return kernel

    async def start(
        self, path: str, kernel_name: str | None, kernel_id: str, lease: Lease | None = None
    ) -> Kernel:
        self.did.append(f"start {kernel_name}")
        if self.failure:
            raise RuntimeLost(self.failure)
        self.kernels[kernel_id] = FakeKernel(self)
        return Kernel(kernel_id, kernel_name or "default", self.kernels[kernel_id])

    async def adopt(self, path: str, kernel_id: str, lease: Lease) -> Kernel | None:
        if self.survivor is None:
            return None
        self.did.append("adopt")
        if self.failure:
            raise RuntimeLost(self.failure)
        self.kernels[kernel_id] = self.survivor
        return Kernel(kernel_id, "default", self.survivor)

    def leave(self, kernel_id: str) -> None:
        self.did.append("leave")
        self.survivor = self.kernels.pop(kernel_id)

    async def interrupt(self, kernel_id: str) -> None:
        self._act("interrupt")

    async def restart(self, kernel_id: str) -> None:
        self._act("restart")
        if self.failure:
            raise RuntimeLost(self.failure)

    async def stop(self, kernel_id: str) -> None:
        self._act("stop")
        await self.may_stop.wait()
        self.kernels.pop(kernel_id, None)


class NoNotary:
    """Vouches for what it signed since it was made."""

    def __init__(self) -> None:
        self.signed: list[Mapping[str, Any]] = []

    async def is_signed(self, notebook: Mapping[str, Any]) -> bool:
        return notebook in self.signed

    async def sign(self, notebook: Mapping[str, Any]) -> None:
        self.signed.append(notebook)


def can_exchange() -> bool:
    """Tell whether files in temporary folders can swap their names."""
    with TemporaryDirectory() as folder:
        one, other = Path(folder, "one"), Path(folder, "other")
        one.touch()
        other.touch()
        return rename(one, other, EXCHANGE)


@dataclass
class Workspace:
    """Everything below the handlers; `running` is one life of the server."""

    root: Path
    disk: MemoryDisk = field(default_factory=MemoryDisk)
    trust: NoNotary = field(default_factory=NoNotary)
    config: DocumentConfig = NEVER
    free_after: float = 3600
    approval_seconds: float = 3600
    policy: Policy = field(default_factory=Policy)
    real_tools: bool = False
    """Whether turns have the tools of the house, and not what is scripted."""
    denied: set[Capability] = field(default_factory=set)
    """What nobody may do."""

    async def allows(self, capability: Capability) -> bool:
        return capability not in self.denied

    async def _make_toolbox(self, scope: TurnScope) -> Toolbox:
        return await self.toolbox(self.policy, scope) if self.real_tools else self.tools

    async def toolbox(self, policy: Policy, scope: TurnScope) -> TurnToolbox:
        """Return the tools of the house for a turn."""
        artifacts = Artifacts(self.artifacts, self.store)
        return await open_toolbox(policy, artifacts, TextFiles(self.files, self.root), scope)

    def __post_init__(self) -> None:
        self.files = LocalFiles(self.root)
        self.model = ScriptedModel()
        self.tools = ScriptedTools()
        self.turns = TurnServices(self.model, self._make_toolbox)
        self.store: MemoryStore
        self.gateway: FakeGateway
        self.artifacts = ObjectArtifacts.at("memory://")
        self.survivor: FakeKernel | None = None
        """The kernel that the next life of the server finds at work."""
        self.sessions: SessionRegistry

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Workspace"]:
        self.gateway = FakeGateway()
        self.gateway.survivor, self.survivor = self.survivor, None
        failure: Exception | None = None
        store = MemoryStore(self.disk, exists=self.files.exists)
        async with store as self.store:
            artifacts = Artifacts(self.artifacts, store)
            services = RuntimeServices(
                self.store, self.store, self.gateway, artifacts, "here", "http://here"
            )

            async def open_notebook(
                registration: Registration, on_commit: OnCommit
            ) -> OpenDocument[NotebookDoc]:
                await sessions.claim_kind(registration, "notebook")
                return OpenDocument(
                    registration,
                    NotebookContent(artifacts.of(registration.notebook_id)),
                    store,
                    self.files,
                    self.trust,
                    self.config,
                    on_commit,
                    found=sessions.found,
                )

            def open_text(registration: Registration, kind: str) -> OpenDocument[Any]:
                return OpenDocument(
                    registration,
                    TextContent() if kind == "file" else RegisteredContent(kind),
                    store,
                    self.files,
                    self.trust,
                    self.config,
                    found=sessions.found,
                )

            sessions = SessionRegistry(
                store,
                self.files,
                lambda registration: NotebookSession(
                    registration,
                    store,
                    open_notebook,
                    services,
                    replace(self.turns, approval_seconds=self.approval_seconds),
                ),
                open_text,
                artifacts=artifacts,
                lease_info={"url": "http://here"},
                free_after=self.free_after,
            )
            async with sessions as self.sessions:
                try:
                    yield self
                except Exception as error:  # noqa: BLE001  (groups would wrap it)
                    failure = error
        if failure is not None:
            raise failure

    def crash(self) -> None:
        """Have the next life find what is on the disk now, whatever this one still does."""
        left = MemoryDisk(
            logs={key: list(log) for key, log in self.disk.logs.items()},
            floors=dict(self.disk.floors),
            snapshots={key: dict(kept) for key, kept in self.disk.snapshots.items()},
            documents=dict(self.disk.documents),
            bases=dict(self.disk.bases),
            artifacts={key: dict(held) for key, held in self.disk.artifacts.items()},
            deleted=dict(self.disk.deleted),
            leases=dict(self.disk.leases),
            fences=dict(self.disk.fences),
        )
        self.disk = left

    # files

    def write(self, path: str, *sources: str) -> None:
        """Write a notebook of code cells, whose ids are c0, c1, …"""
        cells = [nbformat.v4.new_code_cell(text, id=f"c{n}") for n, text in enumerate(sources)]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        metadata = {"kernelspec": kernel}
        notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
        nbformat.write(notebook, self.root / path)

    def sources(self, path: str) -> list[str]:
        """Return the source of each cell in a file."""
        notebook = nbformat.read(self.root / path, as_version=4)
        return [cell.source for cell in notebook.cells]

    # notebooks

    @asynccontextmanager
    async def open(self, path: str) -> AsyncIterator["OpenNotebook"]:
        async with self.sessions.use_path(path) as session:
            yield OpenNotebook(self, session)


@dataclass
class OpenNotebook:
    """A notebook's session and what tests ask of it."""

    workspace: Workspace
    session: NotebookSession

    @property
    def id(self) -> NotebookId:
        return self.session.notebook_id

    async def send(self, kind: str, *, actor: ActorId = ADA, **fields: Any) -> Reply:
        command = parse_command(json.dumps({"type": kind, **fields}).encode())
        return await self.session.perform(command, Requester(actor, self.workspace.allows))

    async def run(self, *cell_ids: str, **fields: Any) -> list[str]:
        """Ask cells to run; return the ids of the executions."""
        reply = await self.send("execute_cells", cell_ids=list(cell_ids), **fields)
        return [str(getattr(event.payload, "execution_id", "")) for event in reply.events]

    async def started(self, count: int = 1) -> FakeKernel:
        """Wait until the kernel was asked to run so many cells, and return it."""
        kernels = self.workspace.gateway.kernels
        await until(lambda: kernels and len(self.workspace.gateway.kernel.asked) >= count)
        return self.workspace.gateway.kernel

    async def ask(self, cell_id: str, **fields: Any) -> str:
        """Ask what is in a cell; return the id of the turn."""
        reply = await self.send("ask", cell_id=cell_id, **fields)
        return str(getattr(reply.events[0].payload, "turn_id", ""))

    async def answered(self, turn_id: str) -> dict[str, Any]:
        """Return a turn at its end."""
        turn = await self.session.turn(turn_id, 5)  # type: ignore[arg-type]
        assert turn["status"] not in ("running", "waiting"), turn
        return turn

    async def ended(self, execution_id: str) -> dict[str, Any]:
        return await self.session.execution(execution_id, 5)  # type: ignore[arg-type]

    async def sources(self) -> list[str]:
        document = await self.session.document()
        return await document.room.read(lambda doc: [doc.source(c) for c in doc.cell_ids])

    async def save(self) -> bool:
        return await (await self.session.document()).saver.save()

    async def log(self, *kinds: type[Payload]) -> list[Event]:
        """Return the events of some kinds, or all."""
        events = await self.workspace.store.read(self.id, Seq(0))
        return [event for event in events if not kinds or isinstance(event.payload, kinds)]

    async def first(self, kind: type[Payload]) -> Any:
        """Wait for an event of a kind, and return the first one's payload."""
        seq = Seq(0)
        while not (found := await self.payloads(kind)):
            async with asyncio.timeout(30):
                seq = await self.workspace.store.grown(self.id, seq)
        return found[0]

    async def payloads(self, *kinds: type[Payload]) -> list[Any]:
        return [event.payload for event in await self.log(*kinds)]
