"""`/api/runt/notebooks/{id}/history` and `/at`: what a notebook was."""

from typing import Final

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from jupyter_runt.errors import InvalidRequest
from jupyter_runt.handlers.base import RuntHandler, parse_integer
from jupyter_runt.ids import NotebookId, Seq
from jupyter_runt.session.history import notebook_at
from jupyter_runt.session.version_pages import version_page

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
        registration = await self.sessions.registered_notebook(NotebookId(notebook_id))
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
        self.send(await notebook_at(self.sessions.store, registration.notebook_id, at))
