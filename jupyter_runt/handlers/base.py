"""What all REST handlers share: errors as JSON, and the services of the application."""

import json
import re
from asyncio import to_thread
from collections.abc import Mapping
from http.client import responses
from typing import Any, Final

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from tornado.web import HTTPError, authenticated

from jupyter_runt.errors import InvalidRequest, NotAuthorized, RuntError
from jupyter_runt.handlers.identity import actor_of
from jupyter_runt.ids import ActorId, NotebookId
from jupyter_runt.session.capabilities import Capability, Requester
from jupyter_runt.session.registry import SessionRegistry

MAX_INTEGER: Final = (1 << 63) - 1
"""The largest number that a store can be asked for."""


class RuntRequest(JupyterHandler):
    """A request, or a socket: who sent it, what they may do, and how it is refused."""

    async def actor(self) -> ActorId:
        """Return who sent the request."""
        return await actor_of(self)

    async def requester(self) -> Requester:
        """Return who sent the request, and what they may do for as long as it has effects."""
        return Requester(await self.actor(), self.allows)

    def exact_argument(self, name: str) -> str | None:
        """Return a query argument as it was sent: tornado trims, and a path may begin with a blank.

        Raises:
            HTTPError: 400, it is not UTF-8.
        """
        values = self.request.query_arguments.get(name)
        return self.decode_argument(values[-1], name) if values else None

    async def require(self, capability: Capability) -> None:
        """Check that the person may do this.

        Raises:
            NotAuthorized: Jupyter's authorizer says no.
        """
        if not await self.allows(capability):
            action, resource = capability.value
            raise NotAuthorized(f"You may not {action} {resource} on this server.")

    async def allows(self, capability: Capability) -> bool:
        """Tell whether Jupyter's authorizer lets the person do this."""
        action, resource = capability.value
        allowed = self.authorizer.is_authorized(self, self.current_user, action, resource)
        return bool(await allowed if hasattr(allowed, "__await__") else allowed)

    def send(self, body: Any, status: int = 200) -> None:
        """Answer with JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(body, ensure_ascii=False))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with CONTRACT's `{code, message, detail}`."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, RuntError):
            self.send(error.to_json(), error.status)
            return
        message = responses.get(status_code, "Unknown error")
        if isinstance(error, HTTPError) and error.reason:
            message = error.reason
        code = _CODES.get(status_code, "internal_error" if status_code >= 500 else "bad_request")
        self.send({"code": code, "message": message, "detail": {}}, status_code)

    def log_exception(self, *exc_info: Any) -> None:
        """Log what is our fault; what the sender did wrong is in the reply."""
        error = exc_info[1]
        if not isinstance(error, RuntError):
            super().log_exception(*exc_info)
        elif error.status >= 500:
            self.log.warning("%s %s: %s", self.request.method, self.request.path, error.message)


class RuntHandler(RuntRequest, APIHandler):
    """A handler below `/api/runt` or `/api/collaboration`.

    Verbs carry `@authenticated` and `@authorized(action=…, resource=…)`, both explicit: the
    decorator keeps what it saw first, so an inherited verb would ask for its base's resource.
    """

    sessions: SessionRegistry
    """The open documents."""

    async def prepare(self, **kwargs: Any) -> None:
        """Authenticate, and wait until documents can be opened."""
        await super().prepare(**kwargs)
        self.sessions = await self.settings["runt_sessions"].sessions()

    def integer(self, name: str, default: int) -> int:
        """Return a query argument that is a whole number from 0 to `MAX_INTEGER`."""
        return parse_integer(name, self.get_query_argument(name, str(default)))

    def seconds(self, name: str, most: float) -> float:
        """Return a query argument that is a time, 0 by default and `most` at most."""
        text = self.get_query_argument(name, "0")
        if not _SECONDS.fullmatch(text):
            raise InvalidRequest(f"{name} is not a number of seconds.", field=name)
        return min(float(text), most)

    def argument(self, name: str) -> str:
        """Return a query argument that must be there; raises InvalidRequest."""
        value: str | None = self.get_query_argument(name, None)
        if value is None:
            raise InvalidRequest(f"{name} is missing.", field=name)
        return value

    def json_object(self) -> dict[str, Any]:
        """Return the body, a JSON object; raises InvalidRequest."""
        try:
            body: Any = json.loads(self.request.body)
            json.dumps(body, ensure_ascii=False).encode()  # half a character is none
        except (ValueError, RecursionError) as error:
            raise InvalidRequest("The body is not JSON.", field="") from error
        if not isinstance(body, dict):
            raise InvalidRequest("The body is not an object.", field="")
        return body

    async def send_whole(self, notebook_id: NotebookId, notebook: Mapping[str, Any]) -> None:
        """Answer with a notebook, its outputs whole unless `outputs=references` asks for less."""
        if self.get_query_argument("outputs", "whole") != "references":
            notebook = await self.sessions.artifacts.of(notebook_id).complete(notebook)
        self.finish(await to_thread(json.dumps, notebook, ensure_ascii=False))


class UnknownHandler(RuntHandler):
    """Whatever is below `/api/runt` and nothing of ours."""

    @authenticated
    @authorized(action="read", resource="contents")
    async def get(self, path: str) -> None:
        """Answer that there is no such thing, as JSON like every other error."""
        raise HTTPError(404, "There is no %s.", path)

    head = post = put = patch = delete = get


def parse_integer(name: str, text: str) -> int:
    """Return a whole number from 0 to `MAX_INTEGER`; raises InvalidRequest."""
    if not (text.isdecimal() and len(text) < 20 and int(text) <= MAX_INTEGER):
        raise InvalidRequest(f"{name} is not a whole number from 0 to {MAX_INTEGER}.", field=name)
    return int(text)


_SECONDS = re.compile(r"\d+(\.\d*)?", re.ASCII)
_CODES = {401: "not_authenticated", 403: "not_authorized", 404: "not_found", 405: "bad_method"}
