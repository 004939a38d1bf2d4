"""`GET /api/runt/notebooks/{id}/approvals`: what of the AI waits for a person."""

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from jupyter_runt.handlers.base import RuntHandler
from jupyter_runt.ids import NotebookId


class ApprovalsHandler(RuntHandler):
    """The calls that wait, with the nonces of those that the person may decide."""

    @authenticated
    @authorized(action="read", resource="contents")
    async def get(self, notebook_id: str) -> None:
        """Answer with every call that waits."""
        async with self.sessions.use(NotebookId(notebook_id)) as session:
            self.send({"approvals": await session.approvals.listed(await self.requester())})
