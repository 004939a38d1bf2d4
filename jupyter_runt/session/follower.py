"""Files that move or go through Jupyter's contents API."""

from typing import Any

from jupyter_runt.session.files import normal_path
from jupyter_runt.session.registry import SessionRegistry


class ContentsFollower:
    """Listens to the contents manager's events and keeps the documents with their files (FB3)."""

    def __init__(self, sessions: SessionRegistry) -> None:
        self._sessions = sessions

    async def hear(self, logger: Any, schema_id: str, data: dict[str, Any]) -> None:  # noqa: ARG002
        """Take in one event of `contents_service/v1`."""
        path = normal_path(data["path"])
        match data["action"]:
            case "rename":
                await self._sessions.moved(normal_path(data["source_path"]), path)
            case "delete":
                await self._sessions.deleted(path)
