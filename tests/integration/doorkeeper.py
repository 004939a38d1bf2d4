"""What a server of the tests is configured with: who people are, and what they may do."""

import json
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_runtime_dir
from jupyter_server.auth.authorizer import Authorizer
from jupyter_server.auth.identity import IdentityProvider, User
from jupyter_server.base.handlers import JupyterHandler

DENY = "X-Deny"
"""Header with the actions that are denied: `read`, `write`, `execute`; `*` for all of them."""

NAME = "X-Name"
"""Header with the name of the person."""


def asked_file(runtime_dir: str | Path) -> Path:
    """Return the file in which the authorizer notes what it was asked, as JSON lines."""
    return Path(runtime_dir) / "asked.jsonl"


class Doorkeeper(Authorizer):
    """Notes what it is asked, and denies what the request's header says."""

    def is_authorized(
        self, handler: JupyterHandler, user: User, action: str, resource: str
    ) -> bool:
        request = handler.request
        asked = {"method": request.method, "path": request.path}
        with asked_file(jupyter_runtime_dir()).open("a", encoding="utf-8") as file:
            file.write(json.dumps({**asked, "action": action, "resource": resource}) + "\n")
        denied = request.headers.get(DENY, "").split()
        return action not in denied and "*" not in denied


class NamedPeople(IdentityProvider):
    """Knows people by a header, if they have the token."""

    def get_user(self, handler: JupyterHandler) -> Any:
        if self.get_token(handler) != self.token:
            return None
        handler._token_authenticated = True
        return User(username=handler.request.headers.get(NAME, "nobody"))
