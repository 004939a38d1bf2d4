"""What extensions that were written for jupyter-server-ydoc find in the server's settings."""

import sys
from collections.abc import Coroutine
from typing import Any, Final, Literal, Protocol

from jupyter_server.extension.manager import ExtensionPackage
from jupyter_server.serverapp import ServerApp
from jupyter_ydoc.ybasedoc import YBaseDoc

from jupyter_runt.errors import NotebookNotFound
from jupyter_runt.session.live_documents import LiveDocuments
from jupyter_runt.session.registry import SessionRegistry

NAME: Final = "jupyter_server_ydoc"


def stand_in(serverapp: ServerApp) -> None:
    """Have other extensions find jupyter-server-ydoc, which is switched off, enabled.

    Those that ask which extension serves rooms know that one and jupyter-server-documents.
    """
    # It stays empty: nothing is imported.
    package = ExtensionPackage(name=NAME)  # type: ignore[no-untyped-call]
    package.enabled = True
    serverapp.extension_manager.extensions[NAME] = package


class Sessions(Protocol):
    """Who has the open documents; `Opening`."""

    async def sessions(self) -> SessionRegistry:
        """Return them as soon as there are any; raises StoreUnavailable."""
        ...


class ServerYDoc:
    """`settings["jupyter_server_ydoc"]`, with the one method of it that others call."""

    def __init__(self, opening: Sessions) -> None:
        self._opening = opening
        self._live: LiveDocuments | None = None

    def serve(self, live: LiveDocuments) -> None:
        """Take documents from there from now on."""
        self._live = live

    def get_document(
        self,
        *,
        path: str | None = None,
        content_type: str | None = None,
        file_format: Literal["json", "text"] | None = None,
        room_id: str | None = None,
        copy: bool = True,
        create: bool = False,
    ) -> Coroutine[Any, Any, YBaseDoc | None]:
        """Return the document of a room, or of a path in a content type and a format.

        Args:
            path: where the file is, root-relative.
            content_type: `notebook`, `file`, or a kind of the entry points `jupyter_ydoc`.
            file_format: as the front end asks for it.
            room_id: instead of all three.
            copy: whether the document is the caller's own. If not, it is in step with everybody's,
                and the room stays open as long as the object is held.
            create: whether to open what is not open; else the answer is None.

        Raises:
            ValueError: neither a room nor all of a path, a content type and a format are given.
            RuntError: it cannot be opened.
        """
        caller = sys._getframe(1).f_globals.get("__name__", "extension")  # actors have no other way
        extension = str(caller).partition(".")[0]
        return self._get_document(
            room_id, (path, content_type, file_format), extension, copy=copy, create=create
        )

    async def _get_document(
        self,
        room_id: str | None,
        file: tuple[str | None, str | None, str | None],
        extension: str,
        *,
        copy: bool,
        create: bool,
    ) -> YBaseDoc | None:
        path, content_type, file_format = file
        complete = all(part is not None for part in file)
        if (room_id is None) != complete or (room_id is not None and any(file)):
            raise ValueError("Give either a room_id, or a path, a content_type and a file_format.")
        sessions = await self._opening.sessions()
        live = self._live
        if live is None:
            return None
        if room_id is None:
            try:
                registration, _ = await sessions.register(str(path))
            except NotebookNotFound:
                if create:
                    raise
                return None
            room_id = f"{file_format}:{content_type}:{registration.notebook_id}"
        if not create and not sessions.is_open(room_id):
            return None
        return await (live.copy(room_id) if copy else live.live(room_id, extension))
