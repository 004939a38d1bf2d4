"""`/api/runt/notebooks/{id}/history`, `/at`, `/authors`, `/diff`, `/kept`: what was, by whom."""

from asyncio import to_thread
from typing import Any, Final

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from jupyter_runt.document.diff import diff_notebooks
from jupyter_runt.errors import InvalidRequest, VersionNotFound
from jupyter_runt.handlers.base import RuntHandler, parse_integer
from jupyter_runt.ids import CellId, NotebookId, Seq
from jupyter_runt.session.authorship import cell_lines
from jupyter_runt.session.history import kept_at, notebook_at, restorable
from jupyter_runt.session.version_pages import touched_by, version_page

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 200


class HistoryHandler(RuntHandler):
    """`GET …/history`."""

    @authenticated
    @authorized(action="read", resource="contents")
    async def get(self, notebook_id: str) -> None:
        """Answer with versions, newest first: the last ones, or those below `before`."""
        before = self.integer("before", 0)
        limit = self.integer("limit", DEFAULT_LIMIT)
        if not 1 <= limit <= MAX_LIMIT:
            raise InvalidRequest(f"limit is not from 1 to {MAX_LIMIT}.", field="limit")
        registration = await self.sessions.registered(NotebookId(notebook_id))
        page = await version_page(
            self.sessions.store, registration.notebook_id, Seq(before) if before else None, limit
        )
        self.send(page.to_json())


class AtHandler(RuntHandler):
    """`GET …/at/{seq}`."""

    @authenticated
    @authorized(action="read", resource="contents")
    async def get(self, notebook_id: str, seq: str) -> None:
        """Answer with the notebook as it was, as nbformat JSON."""
        at = Seq(parse_integer("seq", seq))
        registration = await self.sessions.registered_notebook(NotebookId(notebook_id))
        notebook = await notebook_at(self.sessions.store, registration.notebook_id, at)
        await self.send_whole(registration.notebook_id, notebook)


class KeptHandler(RuntHandler):
    """`GET …/kept/{seq}`."""

    @authenticated
    @authorized(action="read", resource="contents")
    async def get(self, notebook_id: str, seq: str) -> None:
        """Answer with what was kept there: a notebook as nbformat JSON, or the text of a file."""
        at = Seq(parse_integer("seq", seq))
        registration = await self.sessions.registered(NotebookId(notebook_id))
        kept = await kept_at(self.sessions.store, registration.notebook_id, at)
        if kept is None:
            raise VersionNotFound(f"Nothing was kept at {at}.", seq=at)
        if isinstance(kept.content, str):
            self.send(kept.content)
        else:
            await self.send_whole(registration.notebook_id, kept.content)


class AuthorsHandler(RuntHandler):
    """`GET …/authors/{cell_id}`."""

    @authenticated
    @authorized(action="read", resource="contents")
    async def get(self, notebook_id: str, cell_id: str) -> None:
        """Answer with who wrote the lines of a cell, as it is or was `at` a moment."""
        registration = await self.sessions.registered_notebook(NotebookId(notebook_id))
        known, store = registration.notebook_id, self.sessions.store
        head = await store.head(known)
        at = Seq(self.integer("at", head))
        if not 1 <= at <= head:
            raise InvalidRequest(f"The notebook has no version {at}.", field="at")
        lines = await cell_lines(store, known, CellId(cell_id), at)
        self.send({"seq": at, "cell_id": cell_id, "lines": [line.to_json() for line in lines]})


class DiffHandler(RuntHandler):
    """`GET …/diff`."""

    @authenticated
    @authorized(action="read", resource="contents")
    async def get(self, notebook_id: str) -> None:
        """Answer with the notebook at `from`, and what is different at `to`, or now."""
        since = Seq(parse_integer("from", self.argument("from")))
        registration = await self.sessions.registered_notebook(NotebookId(notebook_id))
        known = registration.notebook_id
        until = Seq(self.integer("to", await self.sessions.store.head(known)))
        base = await self._version(known, "from", since)
        remote = await self._version(known, "to", until)
        diff = await to_thread(diff_notebooks, base, remote)
        authors = await touched_by(self.sessions.store, known, since, until)
        self.send({"from": since, "to": until, "base": base, "diff": diff, "cell_authors": authors})

    async def _version(self, notebook_id: NotebookId, field: str, seq: Seq) -> dict[str, Any]:
        notebook = await restorable(self.sessions.store, notebook_id, seq)
        if notebook is None:
            raise InvalidRequest(f"The notebook has no version {seq}.", field=field)
        return notebook
