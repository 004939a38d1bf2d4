"""A server extension as people wrote them for jupyter-server-ydoc."""

from typing import Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join
from tornado.web import authenticated


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


def _load_jupyter_server_extension(serverapp: ServerApp) -> None:
    base = serverapp.web_app.settings["base_url"]
    serverapp.web_app.add_handlers(".*$", [(url_path_join(base, "shout"), Shout)])
