"""`GET /api/runt/notebooks/{id}/approvals`: what of the AI waits for a person."""

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from jupyter_runt.handlers.base import RuntHandler
from jupyter_runt.ids import NotebookId


class ApprovalsHandler(RuntHandler):
    """The calls that wait, and what the person always allows."""

    @authenticated
    @authorized(action="read", resource="contents")
    async def get(self, notebook_id: str) -> None:
        """Answer with every call that waits, with the nonces of those that are theirs to decide."""
        async with self.sessions.use(NotebookId(notebook_id)) as session:
            requester = await self.requester()
            waiting = await session.approvals.listed(requester)
            self.send({"approvals": waiting, "always": session.approvals.always(requester.actor)})
