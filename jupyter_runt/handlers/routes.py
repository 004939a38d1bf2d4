"""Every route of the extension."""

from typing import Any, Final

from jupyter_server.services.contents.handlers import ContentsHandler, default_handlers

from jupyter_runt.handlers.agent_socket import AgentSocket
from jupyter_runt.handlers.approvals import ApprovalsHandler
from jupyter_runt.handlers.artifacts import ArtifactHandler
from jupyter_runt.handlers.base import UnknownHandler
from jupyter_runt.handlers.collaboration import DocumentSessionHandler
from jupyter_runt.handlers.commands import CommandsHandler, CommandSocket
from jupyter_runt.handlers.contents import PersonalContentsHandler
from jupyter_runt.handlers.events import EventsHandler, ExecutionHandler
from jupyter_runt.handlers.exports import PatientExportsHandler
from jupyter_runt.handlers.forks import ForkHandler
from jupyter_runt.handlers.history import (
    AtHandler,
    AuthorsHandler,
    DiffHandler,
    HistoryHandler,
    KeptHandler,
)
from jupyter_runt.handlers.models import (
    KeyHandler,
    ModelsHandler,
    ProviderTestHandler,
    TurnHandler,
)
from jupyter_runt.handlers.notebooks import NotebooksHandler, RuntimesHandler, StatusHandler
from jupyter_runt.handlers.room_socket import RoomSocket
from jupyter_runt.handlers.timeline import TimelineHandler, UndoRedoHandler
from jupyter_runt.handlers.tokens import TokenHandler, TokensHandler

JUPYTER: Final[tuple[tuple[str, type[Any]], ...]] = (
    *(
        (pattern, PersonalContentsHandler if handler is ContentsHandler else handler)
        for pattern, handler in default_handlers
    ),
    (r"/api/nbconvert", PatientExportsHandler),
)
"""Jupyter's own, in its order: what is below a file's path would be a path for the last of them."""

_NOTEBOOK: Final = r"/api/runt/notebooks/([^/]+)"

ROUTES: Final[tuple[tuple[str, type[Any]], ...]] = (
    (r"/api/collaboration/session/(.+)", DocumentSessionHandler),
    (r"/api/collaboration/room/(.+)", RoomSocket),
    (r"/api/collaboration/timeline/(.+)", TimelineHandler),
    (r"/api/collaboration/undo_redo/(.+)", UndoRedoHandler),
    (r"/api/collaboration/fork/(.+)", ForkHandler),
    (r"/api/runt/status", StatusHandler),
    (r"/api/runt/notebooks", NotebooksHandler),
    (r"/api/runt/runtimes", RuntimesHandler),
    (r"/api/runt/models", ModelsHandler),
    (r"/api/runt/providers/([^/]+)/key", KeyHandler),
    (r"/api/runt/providers/([^/]+)/test", ProviderTestHandler),
    (r"/api/runt/agents", AgentSocket),
    (rf"{_NOTEBOOK}/commands", CommandsHandler),
    (rf"{_NOTEBOOK}/commands/socket", CommandSocket),
    (rf"{_NOTEBOOK}/tokens", TokensHandler),
    (rf"{_NOTEBOOK}/tokens/([^/]+)", TokenHandler),
    (rf"{_NOTEBOOK}/events", EventsHandler),
    (rf"{_NOTEBOOK}/executions/([^/]+)", ExecutionHandler),
    (rf"{_NOTEBOOK}/turns/([^/]+)", TurnHandler),
    (rf"{_NOTEBOOK}/approvals", ApprovalsHandler),
    (rf"{_NOTEBOOK}/history", HistoryHandler),
    (rf"{_NOTEBOOK}/at/([^/]+)", AtHandler),
    (rf"{_NOTEBOOK}/authors/([^/]+)", AuthorsHandler),
    (rf"{_NOTEBOOK}/diff", DiffHandler),
    (rf"{_NOTEBOOK}/kept/([^/]+)", KeptHandler),
    (rf"{_NOTEBOOK}/artifacts/([^/]+)", ArtifactHandler),
    (r"/api/runt/(.+)", UnknownHandler),
)
