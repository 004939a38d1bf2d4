"""Tokens for programs that act for a person on one notebook (AU3): what they are made of."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import Any, Final, Protocol

from jupyter_runt.ids import ActorId, NotebookId, new_id
from jupyter_runt.storage.clock import now, spelled

PREFIX: Final = "runt"
SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What is known of a token; not the token itself, but the hash of its secret."""

    token_id: str
    notebook_id: NotebookId
    action: str
    """What it may be used for."""
    actor: ActorId
    """Who made it, and is who acts with it."""
    label: str
    digest: str
    created_at: str
    expires_at: str

    @property
    def expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at <= now()

    def to_json(self) -> dict[str, Any]:
        """Return what its maker may know later."""
        names = ("token_id", "notebook_id", "action", "actor", "label", "created_at", "expires_at")
        return {name: getattr(self, name) for name in names}


class Tokens(Protocol):
    """The tokens that were made and not revoked."""

    async def add_token(self, token: AccessToken) -> None:
        """Keep a token."""
        ...

    async def tokens_of(self, notebook_id: NotebookId) -> list[AccessToken]:
        """Return those of a notebook that are not expired, oldest first."""
        ...

    async def token(self, token_id: str) -> AccessToken | None:
        """Return one that is not expired, None if there is none."""
        ...

    async def revoke_token(self, token_id: str) -> None:
        """Have it work no more; nothing happens if there is none."""
        ...


def make_token(
    notebook_id: NotebookId, action: str, actor: ActorId, label: str, seconds: float
) -> tuple[AccessToken, str]:
    """Return a new token, and its text, which is known to nobody later."""
    token_id, secret = new_id().replace("-", ""), secrets.token_urlsafe(SECRET_BYTES)
    until = spelled(datetime.now(UTC) + timedelta(seconds=seconds))
    made = AccessToken(token_id, notebook_id, action, actor, label, _digest(secret), now(), until)
    return made, f"{PREFIX}_{token_id}_{secret}"


async def recognised(tokens: Tokens, text: str) -> AccessToken | None:
    """Return what a token's text stands for, None if it is none or works no more."""
    prefix, _, rest = text.partition("_")
    token_id, _, secret = rest.partition("_")
    known = await tokens.token(token_id) if prefix == PREFIX else None
    return known if known is not None and compare_digest(known.digest, _digest(secret)) else None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
