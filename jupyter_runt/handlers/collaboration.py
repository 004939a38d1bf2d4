"""`/api/collaboration/session`: which room a file is shared in, as jupyter-collaboration 5 asks."""

from urllib.parse import unquote

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from jupyter_runt.errors import InvalidRequest, NotebookNotFound
from jupyter_runt.handlers.base import RuntHandler
from jupyter_runt.protocols import Registration
from jupyter_runt.session.files import require_notebook


class DocumentSessionHandler(RuntHandler):
    """`PUT /api/collaboration/session/{path}`."""

    @authenticated
    @authorized(action="read", resource="contents")
    async def put(self, path: str) -> None:
        """Answer with the id of the file and of its history; nothing is opened or written yet."""
        kind = self._body()
        as_notebook = kind["type"] == "notebook"
        if as_notebook:
            require_notebook(path)
        with self.settings["runt_sessions"].calm.opening():
            registration, new = await self._registered(path)
            await self.sessions.claim_kind(registration, kind["type"])
        self.send(
            {
                **kind,
                "fileId": registration.notebook_id,
                "sessionId": registration.history_id,
            },
            201 if new else 200,
        )

    async def _registered(self, path: str) -> tuple[Registration, bool]:
        try:
            return await self.sessions.register(path)
        except NotebookNotFound:
            # The stock timeline quotes the path twice.
            if (quoted_once := unquote(path)) == path:
                raise
            return await self.sessions.register(quoted_once)

    def _body(self) -> dict[str, str]:
        body = self.json_object()
        for field in ("format", "type"):
            if not isinstance(body.get(field), str) or ":" in body[field]:
                raise InvalidRequest(f"{field} is not a name.", field=field)
        return {"format": body["format"], "type": body["type"]}
