"""`POST /api/runt/notebooks/{id}/commands`: the one door for change."""

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from jupyter_runt.commands import parse_command
from jupyter_runt.handlers.base import RuntHandler
from jupyter_runt.ids import NotebookId
from jupyter_runt.session.capabilities import required


class CommandsHandler(RuntHandler):
    """One command in, its first events out."""

    @authenticated
    @authorized(action="read", resource="contents")
    async def post(self, notebook_id: str) -> None:
        """Perform a command as the authenticated person; what it needs is asked of them here."""
        command = parse_command(self.request.body)
        await self.require(required(command))
        async with self.sessions.use(NotebookId(notebook_id)) as session:
            reply = await session.perform(command, await self.requester())
        self.send(reply.to_json())
