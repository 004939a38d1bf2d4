"""Which servers live: each holds an OS lock, which the kernel frees however a process ends.

The locks are `flock`, so this store is for POSIX systems. They belong to an open file, not to a
process: two stores in one process are two servers. Kernels do not inherit them, as Python opens
files close-on-exec.
"""

import fcntl
import os
import time
from pathlib import Path
from typing import Final
from urllib.parse import quote

from jupyter_runt.errors import StoreUnavailable

_PATIENCE: Final = 1.0
"""Seconds. Others hold our lock for an instant when they look whether we live."""


class ServerLock:
    """Says that a server lives, from `acquire` to `release`."""

    def __init__(self, folder: Path, server_id: str) -> None:
        self._path = _lock_path(folder, server_id)
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Be known as alive. Blocks for up to a second.

        Raises:
            StoreUnavailable: another live server has this id, or the file cannot be made.
        """
        deadline = time.monotonic() + _PATIENCE
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            while not self._try_once():
                if time.monotonic() > deadline:
                    raise StoreUnavailable(f"Another live server holds {self._path}.")
                time.sleep(0.01)
        except OSError as error:
            raise StoreUnavailable(f"{self._path} cannot be used: {error.strerror}.") from error

    def _try_once(self) -> bool:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        if _lock(descriptor, fcntl.LOCK_EX) and self._is_file_of(descriptor):
            self._descriptor = descriptor
            return True
        os.close(descriptor)
        return False

    def _is_file_of(self, descriptor: int) -> bool:
        """Tell whether the file was not removed, by a server that ended, before we locked it."""
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Be known as gone."""
        if self._descriptor is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None


def is_alive(folder: Path, server_id: str) -> bool:
    """Tell whether a server of this id lives on this host."""
    return _is_held(_lock_path(folder, server_id))


def anybody_lives(folder: Path) -> bool:
    """Tell whether any server lives on this host."""
    return any(_is_held(path) for path in folder.glob("*.lock"))


def _is_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not _lock(descriptor, fcntl.LOCK_SH)  # shared: two who look do not see each other
    finally:
        os.close(descriptor)


def _lock_path(folder: Path, server_id: str) -> Path:
    return folder / f"{quote(server_id, safe='')}.lock"


def _lock(descriptor: int, mode: int) -> bool:
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
