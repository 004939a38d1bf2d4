"""`/api/runt/models`, `/api/runt/providers`, `…/turns`: what the AI can use, and what it said."""

from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from jupyter_runt.ai.failures import ProviderFailure
from jupyter_runt.ai.models import Models
from jupyter_runt.ai.providers import Provider
from jupyter_runt.errors import InvalidRequest, ProviderNotFound
from jupyter_runt.handlers.base import RuntHandler
from jupyter_runt.handlers.events import MAX_WAIT
from jupyter_runt.ids import NotebookId, TurnId

MAX_KEY = 4096


class TurnHandler(RuntHandler):
    """`GET …/turns/{turn_id}`."""

    @authenticated
    @authorized(action="read", resource="contents")
    async def get(self, notebook_id: str, turn_id: str) -> None:
        """Answer with a turn; `wait` seconds for its end, if it has not ended."""
        wait = self.seconds("wait", MAX_WAIT)
        async with self.sessions.use(NotebookId(notebook_id)) as session:
            self.send(await session.turn(TurnId(turn_id), wait))


class _AiHandler(RuntHandler):
    @property
    def models(self) -> Models:
        models: Models = self.settings["runt_models"]
        return models

    def provider(self, name: str) -> Provider:
        """Return a provider; raises ProviderNotFound."""
        known = self.models.config.providers
        if name not in known:
            raise ProviderNotFound(f"There is no provider {name}.", providers=list(known))
        return known[name]


class ModelsHandler(_AiHandler):
    """`GET /api/runt/models`."""

    @authenticated
    @authorized(action="read", resource="contents")
    async def get(self) -> None:
        """Answer with the models that can be used now, and what is missing to use more."""
        self.send(await self.models.describe(await self.actor()))


class KeyHandler(_AiHandler):
    """`PUT` and `DELETE /api/runt/providers/{name}/key`: it can be given, and never read."""

    @authenticated
    @authorized(action="write", resource="contents")
    async def put(self, name: str) -> None:
        """Keep the person's own key of a provider, in place of the server's."""
        provider, key = self.provider(name), self._key(self.json_object())
        await self.models.give_key(provider, await self.actor(), key)
        self.send({"name": name, "own_key": True})

    @authenticated
    @authorized(action="write", resource="contents")
    async def delete(self, name: str) -> None:
        """Forget the person's own key of a provider."""
        await self.models.forget_key(self.provider(name), await self.actor())
        self.send({"name": name, "own_key": False})

    @staticmethod
    def _key(body: dict[str, Any]) -> str:
        key = body.get("key")
        text = key.strip() if isinstance(key, str) else ""
        if not text or len(text) > MAX_KEY or not text.isascii() or not text.isprintable():
            raise InvalidRequest("A key is printable ASCII text.", field="key")
        return text


class ProviderTestHandler(_AiHandler):
    """`POST /api/runt/providers/{name}/test`."""

    @authenticated
    @authorized(action="write", resource="contents")
    async def post(self, name: str) -> None:
        """Answer whether the provider takes the key that the person would use."""
        try:
            problem = await self.models.test(self.provider(name), await self.actor())
        except ProviderFailure as error:
            self.send({"name": name, "ready": False, "problem": str(error)})
        else:
            told = {"name": name, "ready": True}
            self.send(told if problem is None else {**told, "problem": problem})
