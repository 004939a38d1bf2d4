"""`/api/runt/notebooks/{id}/tokens`: for programs that act for a person on one notebook (AU3)."""

from typing import Any, Final

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from jupyter_runt.errors import InvalidRequest, NotAuthorized, TokenNotFound
from jupyter_runt.handlers.agent_socket import AGENT
from jupyter_runt.handlers.base import RuntHandler
from jupyter_runt.ids import NotebookId
from jupyter_runt.session.capabilities import Capability
from jupyter_runt.storage.tokens import Tokens, make_token

ACTIONS: Final = (AGENT,)
DAY: Final = 24 * 3600
MAX_SECONDS: Final = 90 * DAY
MAX_LABEL: Final = 200


class TokensHandler(RuntHandler):
    """`GET`, `POST …/tokens`."""

    @authenticated
    @authorized(action="execute", resource="kernels")
    async def get(self, notebook_id: str) -> None:
        """Answer with the notebook's tokens, without what they are."""
        registration = await self.sessions.registered_notebook(NotebookId(notebook_id))
        tokens: Tokens = self.settings["runt_tokens"]
        found = await tokens.tokens_of(registration.notebook_id)
        self.send({"tokens": [each.to_json() for each in found]})

    @authenticated
    @authorized(action="execute", resource="kernels")
    async def post(self, notebook_id: str) -> None:
        """Make a token; the answer is the only place where it is told."""
        body = self.json_object()
        action, label = _text(body, "action", AGENT), _text(body, "label", "")
        if action not in ACTIONS:
            raise InvalidRequest(f"action is none of {', '.join(ACTIONS)}.", field="action")
        seconds = body.get("expires_in", 7 * DAY)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise InvalidRequest("expires_in is not a number of seconds.", field="expires_in")
        if not 0 < seconds <= MAX_SECONDS:
            message = f"expires_in is not above 0 and up to {MAX_SECONDS} seconds."
            raise InvalidRequest(message, field="expires_in")
        registration = await self.sessions.registered_notebook(NotebookId(notebook_id))
        tokens: Tokens = self.settings["runt_tokens"]
        actor = await self.actor()
        made, text = make_token(registration.notebook_id, action, actor, label, seconds)
        await tokens.add_token(made)
        self.send({**made.to_json(), "token": text}, 201)


class TokenHandler(RuntHandler):
    """`DELETE …/tokens/{token_id}`."""

    @authenticated
    @authorized(action="execute", resource="kernels")
    async def delete(self, notebook_id: str, token_id: str) -> None:
        """Revoke a token: one's own, or anybody's with the right to administer kernels."""
        tokens: Tokens = self.settings["runt_tokens"]
        token = await tokens.token(token_id)
        if token is None or token.notebook_id != notebook_id:
            raise TokenNotFound("The notebook has no such token.")
        if token.actor != await self.actor() and not await self.allows(Capability.ADMINISTER):
            raise NotAuthorized("This token is somebody else's.")
        await tokens.revoke_token(token_id)
        self.settings["runt_machines"].revoked(token_id)
        self.set_status(204)
        self.finish()


def _text(body: dict[str, Any], name: str, default: str) -> str:
    value = body.get(name, default)
    if not isinstance(value, str) or len(value) > MAX_LABEL:
        raise InvalidRequest(f"{name} is not a text of up to {MAX_LABEL} letters.", field=name)
    return value
