"""The server extension: it builds every object once, and opens and closes their lifetime."""

import asyncio
import os
import platform
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

from jupyter_core.paths import jupyter_data_dir
from jupyter_server import CallContext
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.gateway.gateway_client import GatewayClient
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.contents.filemanager import (
    AsyncFileContentsManager,
    FileContentsManager,
)
from jupyter_server.services.contents.largefilemanager import (
    AsyncLargeFileManager,
    LargeFileManager,
)
from traitlets import Enum, Float, Integer, TraitError, Unicode, default

from jupyter_runt.ai.keys import Keys
from jupyter_runt.ai.models import Models
from jupyter_runt.ai.policy import Policy
from jupyter_runt.ai.providers import AiConfig
from jupyter_runt.config import ArtifactTraits, RuntAI
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.errors import StoreUnavailable
from jupyter_runt.execution.gateway import AgentConfig, ServerKernelGateway
from jupyter_runt.execution.kernel_manager import owned_kernel_manager
from jupyter_runt.execution.kernel_socket import answered_aside
from jupyter_runt.execution.session_manager import one_kernel_session_manager
from jupyter_runt.handlers.forks import FORK_EVENTS_SCHEMA
from jupyter_runt.handlers.identity import actor_of
from jupyter_runt.handlers.opening import Opening
from jupyter_runt.handlers.room_events import SCHEMAS
from jupyter_runt.handlers.routes import JUPYTER, ROUTES
from jupyter_runt.handlers.server_ydoc import ServerYDoc, stand_in
from jupyter_runt.ids import ActorId, new_id
from jupyter_runt.protocols import Registration
from jupyter_runt.provisioning import factory
from jupyter_runt.provisioning.agents import Survivor
from jupyter_runt.session.content import NotebookContent, TextContent
from jupyter_runt.session.contents import ContentsFiles, HookedFiles, emitting_on
from jupyter_runt.session.files import LocalFiles
from jupyter_runt.session.follower import ContentsFollower
from jupyter_runt.session.hosting import cancelled_at_exit
from jupyter_runt.session.live_documents import LiveDocuments
from jupyter_runt.session.notebook_session import NotebookSession, OnCommit
from jupyter_runt.session.open_document import OpenDocument
from jupyter_runt.session.registered_content import RegisteredContent
from jupyter_runt.session.registry import SessionRegistry
from jupyter_runt.session.remotes import RemoteMachines
from jupyter_runt.session.runtimes import Runtimes, adopt_survivor
from jupyter_runt.session.saver import DocumentConfig, SaverConfig
from jupyter_runt.session.services import Owners, RuntimeServices
from jupyter_runt.session.told_hashes import hashing_aside
from jupyter_runt.session.trust import NotaryTrust
from jupyter_runt.session.turns.notebook_turns import TurnServices
from jupyter_runt.session.turns.place import open_toolbox
from jupyter_runt.session.turns.text_files import TextFiles
from jupyter_runt.storage.collection import Collector
from jupyter_runt.storage.housekeeping import Housekeeper
from jupyter_runt.storage.retention import Retention
from jupyter_runt.storage.sqlite.store import SqliteStore

OTHER_ROOMS: Final = "jupyter_server_documents"
"""An extension that serves `/api/collaboration` too, in its own way."""

PLAIN_MANAGERS: Final = (
    AsyncFileContentsManager,
    AsyncLargeFileManager,
    FileContentsManager,
    LargeFileManager,
)
"""Contents managers whose files are what is on the disk."""

CONTENTS_EVENTS: Final = "https://events.jupyter.org/jupyter_server/contents_service/v1"


class RuntApp(ArtifactTraits, ExtensionApp):
    """Real-time collaborative, event-sourced notebooks, with one kernel for each."""

    name = "jupyter_runt"
    load_other_extensions = True
    classes = [RuntAI]  # noqa: RUF012

    store_dir = Unicode(
        config=True,
        help="""Folder of the event log and of what belongs to it; made with mode 0700.

        Default: `runt` in Jupyter's data directory. It must not be on a network file system.
        """,
    )
    durability = Enum(
        ["process", "power"],
        "process",
        config=True,
        help="""What an edit survives once somebody else has seen it: the death of the server
        process, or the loss of power too (each commit then waits for the disk).""",
    )
    save_delay = Float(
        1.0,
        config=True,
        help="Seconds from a change until the file is written, also while edits keep coming.",
    )
    missing_grace = Float(
        2.5,
        config=True,
        help="""Seconds that a file may be missing from its place before it is looked for, and
        written anew where nobody deleted it.""",
    )
    free_after = Float(
        60.0,
        config=True,
        help="Seconds that a document stays open after the last need for it ended.",
    )

    orphan_ttl = Float(
        12 * 3600.0,
        min=0,
        config=True,
        help="""Seconds that a kernel lives on after its server died, waiting for another one.""",
    )
    remote_lease = Float(
        120.0,
        min=1,
        config=True,
        help="""Seconds that a notebook stays with another machine that runs its kernel and is out
        of reach. The machine ends the kernel before that, by its own clock.""",
    )
    journal_megabytes = Integer(
        1000,
        min=1,
        config=True,
        help="""What is kept at most of the outputs of a running cell for a server that comes back.
        Outputs beyond that are dropped, which the cell says.""",
    )
    keep_days = Float(
        None,
        allow_none=True,
        min=0,
        config=True,
        help="""Days for which each change can be looked at. What is older becomes one version, but
        never anything newer than the file. No limit by default.""",
    )
    keep_events = Integer(
        None,
        allow_none=True,
        min=0,
        config=True,
        help="The same by number of events of a document.",
    )
    keep_megabytes = Float(
        None, allow_none=True, min=0, config=True, help="The same by size of a document's events."
    )

    @default("store_dir")
    def _default_store_dir(self) -> str:
        return str(Path(jupyter_data_dir()) / "runt")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._aside = False
        self._opening = Opening()
        self._server_ydoc = ServerYDoc(self._opening)
        self._owners: Owners = {}
        self._adopted = asyncio.Event()
        self._runtimes = Runtimes(self._opening.sessions, self._owners, _current_actor)

    def _link_jupyter_server_extension(self, serverapp: ServerApp) -> None:
        """Take the places that must be taken before the server builds its managers."""
        super()._link_jupyter_server_extension(serverapp)
        if serverapp.jpserver_extensions.get(OTHER_ROOMS):
            self._aside = True
            self.log.warning(
                "jupyter_runt stands aside: %s is enabled and serves the same rooms. "
                "Notebooks open without collaboration; disable one of the two.",
                OTHER_ROOMS,
            )
            return
        factory.install(serverapp)
        # The default classes depend on it; the server itself makes it only later.
        serverapp.gateway_config = GatewayClient.instance(parent=serverapp)
        if serverapp.gateway_config.gateway_enabled:
            self.log.warning(
                "jupyter_runt does not run cells on the kernels of a gateway: they are not ours."
            )
            return
        serverapp.session_manager_class = one_kernel_session_manager(
            serverapp.session_manager_class
        )
        serverapp.kernel_manager_class = owned_kernel_manager(serverapp.kernel_manager_class)
        serverapp.kernel_websocket_connection_class = answered_aside(
            serverapp.kernel_websocket_connection_class
        )

    def initialize_settings(self) -> None:
        """Give the handlers what they need."""
        if self._aside:
            self._open_without_collaboration(self.serverapp)
            return
        self.settings["runt_sessions"] = self._opening
        self.settings["jupyter_server_ydoc"] = self._server_ydoc
        serverapp = cast("Any", self.serverapp)
        stand_in(serverapp)
        events = serverapp.event_logger
        for schema in (FORK_EVENTS_SCHEMA, *SCHEMAS):
            if schema["$id"] not in events.schemas:
                events.register_event_schema(dict(schema))
        self._opening.tell(events.emit, self.free_after)

    def initialize_handlers(self) -> None:
        """Register every route."""
        if not self._aside:
            self.handlers.extend((*ROUTES, *JUPYTER))

    def _open_without_collaboration(self, serverapp: Any) -> None:
        """Have JupyterLab open notebooks as if there were no front end for collaboration."""
        page: dict[str, Any] = serverapp.web_app.settings.setdefault("page_config_data", {})
        page["disableRTC"] = "true"

    async def _start_jupyter_server_extension(self, serverapp: ServerApp) -> None:
        """Open everything, in a task that lives as long as the server."""
        if self._aside:
            return
        for manager in (serverapp.session_manager, serverapp.kernel_manager):
            cast("Any", manager).adopting = self._adopted
        self._opening.begin(self._serve(serverapp))
        try:
            await self._opening.sessions()
        except Exception as error:
            self._adopted.set()
            if not isinstance(error, StoreUnavailable):
                raise
            self.log.critical("%s Notebooks open without collaboration.", error.message)
            self._open_without_collaboration(serverapp)

    async def stop_extension(self) -> None:
        """Save and close everything."""
        await self._opening.end()

    def _retention(self) -> Retention:
        size = None if self.keep_megabytes is None else int(self.keep_megabytes * 1e6)
        return Retention(days=self.keep_days, events=self.keep_events, size=size)

    def _agents(self, root: str) -> AgentConfig:
        return AgentConfig(
            Path(self.store_dir) / "journals",
            ttl=self.orphan_ttl,
            journal_bytes=self.journal_megabytes * 1_000_000,
            root=str(Path(root).resolve()),
        )

    def _ai(self) -> tuple[RuntAI, AiConfig]:
        """Return how the AI is configured; where that cannot be read, there is none."""
        try:
            ai = RuntAI(parent=self)
        except TraitError as error:
            self.log.critical("The AI is off, as its configuration is wrong. %s", error)
            problem = f"The AI's configuration on this server is wrong: {error}"
            return RuntAI(), AiConfig(providers={}, problem=problem)
        return ai, ai.plain(os.environ)

    async def _serve(self, serverapp: ServerApp) -> None:
        async with AsyncExitStack() as stack:
            server_id, url = new_id(), str(serverapp.connection_url)
            files = _files_of(serverapp)
            if type(files) is not LocalFiles:
                self.log.info("Files go through %s.", type(serverapp.contents_manager).__name__)
            loop, logger = asyncio.get_running_loop(), cast("Any", serverapp).event_logger
            stack.enter_context(emitting_on(loop, logger))
            if isinstance(files, LocalFiles):
                stack.enter_context(hashing_aside(serverapp.contents_manager, files))
            store = await stack.enter_async_context(
                SqliteStore(
                    Path(self.store_dir) / "store.db",
                    server_id=server_id,
                    exists=files.exists,
                    durability=cast("Any", self.durability),
                    renew_damaged=True,
                )
            )
            tasks = await stack.enter_async_context(cancelled_at_exit())
            artifacts = await asyncio.to_thread(self.artifacts, store)
            collector = Collector(store, artifacts.store, self.artifact_grace_hours * 3600)
            keeper = Housekeeper(store, self._retention(), collector)
            tasks.create_task(keeper.run(), name="housekeeper")
            gateway = await stack.enter_async_context(
                ServerKernelGateway(
                    serverapp.session_manager, self._runtimes, self._agents(serverapp.root_dir)
                )
            )
            services = RuntimeServices(
                store, store, gateway, artifacts, platform.node(), url, self._owners
            )
            ai, plain = self._ai()
            keys = Keys(Path(self.store_dir) / "keys", os.environ)
            models = await stack.enter_async_context(Models(plain, keys))
            serverapp.web_app.settings["runt_models"] = models
            on_disk = Path(serverapp.root_dir) if isinstance(files, LocalFiles) else None
            text_files = TextFiles(files, on_disk)
            turns = TurnServices(
                models,
                partial(open_toolbox, Policy.of(ai.policy), artifacts, text_files),
                ai.approval_seconds,
            )
            config = DocumentConfig(SaverConfig(delay=self.save_delay), grace=self.missing_grace)
            trust = NotaryTrust(serverapp.contents_manager.notary)

            async def open_notebook(
                registration: Registration, on_commit: OnCommit
            ) -> OpenDocument[NotebookDoc]:
                await sessions.claim_kind(registration, "notebook")
                content = NotebookContent(artifacts.of(registration.notebook_id))
                return OpenDocument(
                    registration,
                    content,
                    store,
                    files,
                    trust,
                    config,
                    on_commit,
                    found=sessions.found,
                )

            def open_text(registration: Registration, kind: str) -> OpenDocument[Any]:
                content = TextContent() if kind == "file" else RegisteredContent(kind)
                return OpenDocument(
                    registration, content, store, files, trust, config, found=sessions.found
                )

            def open_session(registration: Registration) -> NotebookSession:
                return NotebookSession(registration, store, open_notebook, services, turns)

            sessions = await stack.enter_async_context(
                SessionRegistry(
                    store,
                    files,
                    open_session,
                    open_text,
                    artifacts=artifacts,
                    lease_info={"url": url},
                    free_after=self.free_after,
                )
            )
            machines = RemoteMachines(sessions, gateway, self.remote_lease, tasks)
            serverapp.web_app.settings.update(runt_machines=machines, runt_tokens=store)
            live = LiveDocuments(sessions, linger=self.free_after)
            self._server_ydoc.serve(await stack.enter_async_context(live))
            for manager in (serverapp.session_manager, serverapp.kernel_manager):
                cast("Any", manager).runtimes = self._runtimes
            events, follower = cast("Any", serverapp.event_logger), ContentsFollower(sessions)
            listening = {"schema_id": CONTENTS_EVENTS, "listener": follower.hear}
            events.add_listener(**listening)
            stack.callback(events.remove_listener, **listening)
            survivors = await gateway.survivors()
            tasks.create_task(self._adopt(sessions, survivors), name="adopt kernels")
            await self._opening.serve(sessions)

    async def _adopt(self, sessions: SessionRegistry, survivors: Sequence[Survivor]) -> None:
        """Open the notebooks whose kernels outlived their server, which takes those over."""
        try:
            async with asyncio.TaskGroup() as group:
                for survivor in survivors:
                    group.create_task(adopt_survivor(sessions, survivor))
        finally:
            self._adopted.set()


def _files_of(serverapp: ServerApp) -> LocalFiles | ContentsFiles:
    """Return how files are reached: by ourselves where nobody else has a say in it (FB1)."""
    manager = cast("Any", serverapp.contents_manager)
    if type(manager) not in PLAIN_MANAGERS:
        return ContentsFiles(manager)
    root = Path(serverapp.root_dir)
    options = {"hash_algorithm": manager.hash_algorithm, "allow_hidden": manager.allow_hidden}
    hooks = (
        manager.pre_save_hook or manager.post_save_hook,
        manager._pre_save_hooks or manager._post_save_hooks,
    )
    return HookedFiles(root, manager, **options) if any(hooks) else LocalFiles(root, **options)


async def _current_actor() -> ActorId:
    return await actor_of(CallContext.get(CallContext.JUPYTER_HANDLER))
