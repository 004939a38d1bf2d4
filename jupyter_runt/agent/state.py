"""The file by which a server finds an agent whose own server is gone."""

import fcntl
import json
import os
from pathlib import Path
from typing import Any

from jupyter_runt.wire import PROTOCOL


class StateFile:
    """Says where the agent is, and by its lock, which the system frees, that it lives."""

    def __init__(self, path: Path, about: dict[str, Any]) -> None:
        self._path = path
        new = path.with_suffix(".new")
        self._descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        content = {"protocol": PROTOCOL, "pid": os.getpid(), **about}
        os.write(self._descriptor, json.dumps(content).encode())
        new.rename(path)  # nobody finds it without its lock

    def exists(self) -> bool:
        """Tell whether it is where it was; somebody may have removed the folder."""
        return self._path.exists()

    def remove(self) -> None:
        """Be known no more."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)
