"""`/api/collaboration/timeline` and `/undo_redo`: the slider that shows a document as it was.

The slider's tab joins a copy of the document, which is then moved from version to version. The
tab keeps its Yjs document, so what it showed last comes back with it when it returns to the room:
`restore` makes the same changes an edit of the document first, by the person and in the log.
"""

from typing import Final

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from jupyter_runt.errors import Conflict, InvalidRequest
from jupyter_runt.handlers.base import RuntHandler
from jupyter_runt.session.capabilities import Capability
from jupyter_runt.session.files import require_notebook
from jupyter_runt.session.forks import ForkInfo, Timeline
from jupyter_runt.session.version_pages import version_page

MAX_VERSIONS: Final = 100
"""The slider shows the last ones."""


class TimelineHandler(RuntHandler):
    """`GET …/timeline/{path}`."""

    @authenticated
    @authorized(action="read", resource="contents")
    async def get(self, path: str) -> None:
        """Open a view of the document's past, and answer with its versions, oldest first."""
        kind = self.argument("type")
        if kind == "notebook":
            require_notebook(path)
        registration, _ = await self.sessions.register(path)
        room_id = f"{self.argument('format')}:{kind}:{registration.notebook_id}"
        async with self.sessions.use_document(room_id) as document:
            page = await version_page(
                self.sessions.store, registration.notebook_id, None, MAX_VERSIONS
            )
            versions = [version for version in page.versions if version.kept is None]
            if not versions:
                raise Conflict("There is no version of it to show.", path=path)
            timeline = Timeline(
                document.registration, ForkInfo(room_id), self.sessions.store, versions[::-1]
            )
            await self.sessions.forks.add(timeline)
        self.send(
            {
                "roomId": room_id,
                "timestamps": [version.timestamp for version in timeline.versions],
                "forkRoom": timeline.fork_id,
                "sessionId": timeline.history_id,
            }
        )


class UndoRedoHandler(RuntHandler):
    """`PUT …/undo_redo/{room_id}`."""

    @authenticated
    @authorized(action="read", resource="contents")
    async def put(self, room_id: str) -> None:
        """Move a view of the past, or bring what it shows back into the document."""
        action, fork_id = self.argument("action"), self.argument("forkRoom")
        steps = self.integer("steps", 1)
        async with self.sessions.forks.use_timeline(fork_id, room_id) as timeline:
            match action:
                case "undo":
                    moved = await timeline.move(-steps)
                    self.send({"status": "undone"} if moved else {"error": "It is the oldest."})
                case "redo":
                    moved = await timeline.move(steps)
                    self.send({"status": "redone"} if moved else {"error": "It is the newest."})
                case "restore":
                    await self._restore(timeline)
                case _:
                    raise InvalidRequest("action is undo, redo or restore.", field="action")

    async def _restore(self, timeline: Timeline) -> None:
        await self.require(Capability.EDIT)
        async with self.sessions.use_document(timeline.info.root_roomid) as document:
            await timeline.restore_into(document, await self.actor())
        self.send({"code": 200, "status": "The version was restored."})
        await self.sessions.forks.remove(timeline.fork_id)
