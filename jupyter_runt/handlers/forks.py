"""`/api/collaboration/fork`: copies of a document to try things in, as jupyter-collaboration 5."""

from types import MappingProxyType
from typing import Any, Final

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from jupyter_runt.errors import InvalidRequest
from jupyter_runt.handlers.base import RuntHandler
from jupyter_runt.session.forks import Fork, ForkInfo

FORK_EVENTS: Final = "https://schema.jupyter.org/jupyter_collaboration/fork/v1"

_TEXT: Final = MappingProxyType({"type": "string"})
FORK_EVENTS_SCHEMA: Final = MappingProxyType(
    {
        "$id": FORK_EVENTS,
        "version": "1",
        "title": "Forks of shared documents",
        "personal-data": True,
        "description": "Somebody made a fork of a shared document, or removed it.",
        "type": "object",
        "required": ["fork_roomid", "fork_info", "username", "action"],
        "properties": {
            "fork_roomid": dict(_TEXT),
            "fork_info": {
                "type": "object",
                "required": ["root_roomid", "synchronize", "title", "description"],
                "properties": {
                    "root_roomid": dict(_TEXT),
                    "synchronize": {"type": "boolean"},
                    "title": dict(_TEXT),
                    "description": dict(_TEXT),
                },
            },
            "username": dict(_TEXT),
            "action": {"enum": ["create", "delete"]},
        },
    }
)
"""What jupyter-collaboration's front end hears of forks by."""


class ForkHandler(RuntHandler):
    """`GET|PUT …/fork/{room_id}`, `DELETE …/fork/{fork_id}`."""

    @authenticated
    @authorized(action="read", resource="contents")
    async def get(self, room_id: str) -> None:
        """Answer with the forks of a room."""
        forks = self.sessions.forks.named(room_id)
        self.send({fork.fork_id: fork.info.to_json() for fork in forks})

    @authenticated
    @authorized(action="write", resource="contents")
    async def put(self, room_id: str) -> None:
        """Make a fork of the room's document."""
        info = self._info(room_id)
        async with self.sessions.use_document(room_id) as document:
            fork = Fork(document.registration, info, self.sessions.store)
            await self.sessions.forks.add(fork)
        self._tell(fork, "create")
        self.send(
            {
                "sessionId": fork.history_id,
                "fork_roomid": fork.fork_id,
                "fork_info": info.to_json(),
            },
            201,
        )

    @authenticated
    @authorized(action="write", resource="contents")
    async def delete(self, fork_id: str) -> None:
        """Remove a fork; with `merge=true` its document takes in what was done there."""
        actor = await self.actor()
        async with self.sessions.forks.use_named(fork_id) as fork:
            if self.get_query_argument("merge", "false") == "true":
                async with self.sessions.use_document(fork.info.root_roomid) as document:
                    await fork.merge_into(document, actor, f"fork:{fork_id}")
        await self.sessions.forks.remove(fork_id)
        self._tell(fork, "delete")
        self.finish()

    def _info(self, room_id: str) -> ForkInfo:
        fields: dict[str, Any] = {"synchronize": False, "title": "", "description": ""}
        body = self.json_object()
        for name, default in fields.items():
            value = body.get(name, default)
            if type(value) is not type(default):
                raise InvalidRequest(f"{name} is not a {type(default).__name__}.", field=name)
            fields[name] = value
        return ForkInfo(room_id, **fields)

    def _tell(self, fork: Fork, action: str) -> None:
        self.event_logger.emit(
            schema_id=FORK_EVENTS,
            data={
                "username": self.current_user.username,
                "fork_roomid": fork.fork_id,
                "fork_info": fork.info.to_json(),
                "action": action,
            },
        )
