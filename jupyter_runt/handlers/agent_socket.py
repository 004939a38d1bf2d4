"""`/api/runt/agents`: a machine that runs a notebook's kernel (docs/decisions/0018)."""

import asyncio
import json
import math
from contextlib import suppress
from typing import Any, Final, cast

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.websocket import WebSocketMixin
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from jupyter_runt.errors import NotAuthorized, RuntError
from jupyter_runt.execution.carrier import BadStream
from jupyter_runt.execution.remote import Introduction, RemoteMachine
from jupyter_runt.handlers.base import RuntRequest
from jupyter_runt.ids import ActorId, NotebookId
from jupyter_runt.session.capabilities import Capability
from jupyter_runt.session.remotes import RemoteMachines
from jupyter_runt.storage.tokens import AccessToken, Tokens, recognised

AGENT: Final = "agent"
"""The action of tokens for it."""

MAX_MESSAGE: Final = 1 << 20

RECHECK_SECONDS: Final = 2.0
"""How long a right that was taken away may still be used."""


class AgentSocket(WebSocketMixin, WebSocketHandler, RuntRequest):
    """One connection of such a machine.

    It is let in with a token that was made for the notebook, or as a person who may execute.
    """

    def initialize(self, recheck_every: float = RECHECK_SECONDS) -> None:
        """Take the route's arguments; there is no machine yet."""
        super().initialize()
        self._recheck_every = recheck_every
        self._look_again_at = 0.0
        self.token_id: str | None = None
        self._token: AccessToken | None = None
        self._notebook_id: NotebookId
        self._actor: ActorId
        self._machine: RemoteMachine | None = None

    @property
    def max_message_size(self) -> int:
        """The largest message that is taken, in bytes."""
        return MAX_MESSAGE

    def set_default_headers(self) -> None:
        """Set none: those of a page mean nothing here."""

    @allow_unauthenticated  # Jupyter does not know our tokens; `_admit` refuses whom nobody knows
    async def get(self) -> None:
        """Serve the socket; 403 for strangers."""
        sessions = await self.settings["runt_sessions"].sessions()
        del sessions  # it is known now that machines can be met
        self._machines = cast(RemoteMachines, self.settings["runt_machines"])  # noqa: TC006
        await self._admit()
        await super().get()

    async def _admit(self) -> None:
        wanted = self.exact_argument("notebook") or ""
        scheme, _, text = self.request.headers.get("Authorization", "").partition(" ")
        tokens: Tokens = self.settings["runt_tokens"]
        if scheme.lower() == "bearer" and (token := await recognised(tokens, text)) is not None:
            self._token, self._actor, self.token_id = token, token.actor, token.token_id
        elif self.current_user is not None:
            if not await self.allows(Capability.EXECUTE):
                raise NotAuthorized("You may not run kernels on this server.")
            self._actor = await self.actor()
        else:
            raise NotAuthorized("The token is unknown, expired or revoked.")
        self._notebook_id = await self._machines.notebook(wanted)
        if self._token is not None and not self._is_for(self._notebook_id):
            raise NotAuthorized("The token is for another notebook.")

    def _is_for(self, notebook_id: NotebookId) -> bool:
        token = self._token
        return token is not None and (token.notebook_id, token.action) == (notebook_id, AGENT)

    def open(self) -> None:
        """Wait for the machine to register: the handshake is done."""
        super().open()
        self.set_nodelay(True)

    async def on_message(self, message: str | bytes) -> None:
        """Take what the machine says; the next is not read before."""
        try:
            if self._machine is None:
                self._machine = self._meet(message)
            else:
                await self._machine.hear(message)
                await self._look_again(self._machine)
        except RuntError as error:
            self.tell(json.dumps({"type": "end", "reason": "refused", "message": error.message}))
            self.close(4403 if error.status == 403 else 4400, error.code)
        except (BadStream, ValueError, TypeError, KeyError, RecursionError) as error:
            self.log.warning("An agent of another machine was refused: %s", error)
            self.close(4400, "not a message of an agent")

    def _meet(self, message: str | bytes) -> RemoteMachine:
        said: Any = json.loads(message)
        if not isinstance(said, dict):
            raise ValueError("not an object")
        about = Introduction.of(said)
        stream, received = int(said["stream"]), int(said["received"])
        return self._machines.meet(self._notebook_id, about, self._actor, self, stream, received)

    async def _look_again(self, machine: RemoteMachine) -> None:
        """End, from time to time, what is allowed no more."""
        now = asyncio.get_running_loop().time()
        if now < self._look_again_at:
            return
        self._look_again_at = now + self._recheck_every
        if self._token is None:
            cause = "Its owner may not run kernels any more."
            allowed = await self.allows(Capability.EXECUTE)
        else:
            tokens: Tokens = self.settings["runt_tokens"]
            cause = "The token of its machine is expired or revoked."
            allowed = await tokens.token(self._token.token_id) is not None
        if not allowed:
            self._look_again_at = math.inf
            self._machines.dismiss(machine, cause)

    def on_close(self) -> None:
        """Let it be known that the machine is out of reach."""
        super().on_close()
        if self._machine is not None:
            self._machine.detach(self)

    # the machine's `Channel`

    def tell(self, message: str | bytes) -> None:
        """Send a message; it may be lost with the connection."""
        with suppress(WebSocketClosedError):
            sending = self.write_message(message, binary=isinstance(message, bytes))
            sending.add_done_callback(_let_fail)


def _let_fail(sending: "asyncio.Future[None]") -> None:
    """Leave it to who receives to learn that the socket was closed."""
    if not sending.cancelled():
        sending.exception()
