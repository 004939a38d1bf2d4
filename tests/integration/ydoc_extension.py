"""A server extension as people wrote them for jupyter-server-ydoc."""

from typing import Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join
from tornado.web import authenticated

SESSION_EVENTS = "https://schema.jupyter.org/jupyter_collaboration/session/v1"


class Shout(APIHandler):
    """`POST /shout`: gets a document as the body says, and appends `!` to its first cell."""

    @authenticated
    async def post(self) -> None:
        asked: dict[str, Any] = self.get_json_body()
        ydoc = await self.settings["jupyter_server_ydoc"].get_document(**asked)
        if ydoc is None:
            self.finish({"sources": None})
            return
        source = ydoc.ycells[0]["source"]
        source.insert(len(source), "!")
        self.finish({"sources": [str(cell["source"]) for cell in ydoc.ycells]})


class Host:
    """Greets who comes to a guestbook, and holds its document meanwhile, as jupyterlab-chat does.

    `GET /host` tells which rooms it has heard of, and whether they are shared at all.
    """

    def __init__(self, serverapp: ServerApp) -> None:
        self._serverapp: Any = serverapp
        self._held: dict[str, Any] = {}
        self._heard: list[list[str]] = []
        self._serverapp.event_logger.add_listener(schema_id=SESSION_EVENTS, listener=self._hear)

    async def _hear(self, logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        room_id, action = data["room"], data["action"]
        self._heard.append([action, data["path"]])
        if action == "clean":
            del self._held[room_id]
            return
        ydocs = self._serverapp.web_app.settings["jupyter_server_ydoc"]
        ydoc = self._held[room_id] = await ydocs.get_document(room_id=room_id, copy=False)
        ydoc.entries.append("welcome")

    def tell(self) -> dict[str, Any]:
        """Return what it knows."""
        known = self._serverapp.extension_manager.extensions.get("jupyter_server_ydoc")
        return {"shared": bool(known and known.enabled), "heard": self._heard}


class HostHandler(APIHandler):
    """`GET /host`."""

    @authenticated
    def get(self) -> None:
        self.finish(self.settings["tests_host"].tell())


def _load_jupyter_server_extension(serverapp: ServerApp) -> None:
    serverapp.web_app.settings["tests_host"] = Host(serverapp)
    base = serverapp.web_app.settings["base_url"]
    serverapp.web_app.add_handlers(
        ".*$",
        [(url_path_join(base, "shout"), Shout), (url_path_join(base, "host"), HostHandler)],
    )
