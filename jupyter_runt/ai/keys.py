"""Where the keys of providers are: with the server, and nowhere else (AG4)."""

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from jupyter_runt.ids import ActorId

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Keys:
    """The keys that people gave, each in a file that its owner alone can read.

    Methods that touch the disk block: call them in a thread.

    Args:
        folder: made when the first key is written.
        environment: of the server.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment

    def find(
        self, provider: str, actor: ActorId, key_env: str | None, key_file: str | None
    ) -> str | None:
        """Return the person's own key, or else the server's; raises OSError."""
        own = self._path(provider, actor)
        if own.is_file():
            return own.read_text(encoding="utf-8").strip() or None
        if key_file:
            return _from_file(Path(key_file).expanduser())
        return (self._environment.get(key_env) or None) if key_env else None

    def has_own(self, provider: str, actor: ActorId) -> bool:
        """Tell whether the person gave a key of their own."""
        return self._path(provider, actor).is_file()

    def put(self, provider: str, actor: ActorId, key: str) -> None:
        """Keep a person's key; raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._path(provider, actor)
        temporary = path.with_suffix(".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(key)
        temporary.replace(path)

    def delete(self, provider: str, actor: ActorId) -> None:
        """Forget a person's key; raises OSError."""
        self._path(provider, actor).unlink(missing_ok=True)

    def _path(self, provider: str, actor: ActorId) -> Path:
        if not _NAME.fullmatch(provider):
            raise ValueError("no name of a provider")
        digest = hashlib.sha256(actor.encode()).hexdigest()[:32]
        return self._folder / f"{provider}-{digest}.key"


def _from_file(path: Path) -> str | None:
    status = path.stat()
    if status.st_mode & 0o077:
        raise PermissionError(f"{path} can be read by others: make it 0600.")
    return path.read_text(encoding="utf-8").strip() or None
