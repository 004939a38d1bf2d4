"""`GET /api/contents`: Jupyter's own, whose models say to each person whether they may write."""

from typing import Any, cast

from jupyter_server.auth.decorator import authorized
from jupyter_server.services.contents.handlers import ContentsHandler
from jupyter_server.utils import ensure_async
from tornado.web import authenticated


class PersonalContentsHandler(ContentsHandler):
    """To who may not write, nothing is writable, as in the rooms (RM6)."""

    _may_write = True

    @authenticated
    @authorized(action="read", resource="contents")
    async def get(self, path: str = "") -> None:
        """Answer as Jupyter does, but for `writable`."""
        answer = self.authorizer.is_authorized(self, self.current_user, "write", "contents")
        self._may_write = bool(await ensure_async(answer))
        await cast("Any", super()).get(path)

    def _finish_model(self, model: dict[str, Any], location: bool = True) -> None:
        shown = model if self._may_write else _read_only(model)
        cast("Any", super())._finish_model(shown, location)


def _read_only(model: dict[str, Any]) -> dict[str, Any]:
    """Return a contents model, and those of what is in a folder, as not writable."""
    model = {**model, "writable": False}
    if model["type"] == "directory" and isinstance(model["content"], list):
        model["content"] = [_read_only(each) for each in model["content"]]
    return model
