"""The digests of large files, for as long as nobody touches the files."""

import hashlib
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from io import BufferedReader
from threading import Event
from typing import Final

LARGE: Final = 4 << 20
"""Bytes of a file that nobody reads without need."""

SETTLED: Final = 2.0
"""Seconds after which another change of a file has another time: file systems tick slowly."""

PATIENCE: Final = 5.0
"""Seconds that one waits for a digest that another one makes."""

REMEMBERED: Final = 1_000


def is_large(info: os.stat_result) -> bool:
    """Tell whether a file is not kept in memory by whoever looked at it."""
    return info.st_size >= LARGE


def state_of(info: os.stat_result, *, ours: bool = False) -> str | None:
    """Return what tells the content of a large file from any other one that it had, or will have.

    Whoever puts back size and time of the last write cannot put back the time of that.

    Args:
        ours: nobody else has written it; if somebody may have, there is no telling until later.
    """
    age = time.time_ns() - info.st_ctime_ns
    if not is_large(info) or (age < SETTLED * 1e9 and not ours):
        return None
    return f"{info.st_dev}:{info.st_ino}:{info.st_size}:{_times(info)}"


def _times(info: os.stat_result) -> str:
    return f"{info.st_mtime_ns}:{info.st_ctime_ns}"


class Digests:
    """SHA-256 (hex) by `state_of`. Thread-safe."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, str] = OrderedDict()
        self._claims: dict[str, Event] = {}

    def of(self, state: str | None) -> str | None:
        """Return the digest if it is known, or about to be; use a thread."""
        if state is None:
            return None
        if state not in self._known and (claimed := self._claims.get(state)) is not None:
            claimed.wait(PATIENCE)
        return self._known.get(state)

    def of_file(self, file: BufferedReader) -> str:
        """Return the digest of a file that is open, at its beginning; takes time."""
        state = state_of(os.fstat(file.fileno()))
        if (known := self.of(state)) is not None:
            return known
        release = self.claim(state)
        try:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            self.note(state, digest)
        finally:
            release()
        return digest

    def note(self, state: str | None, digest: str | None) -> None:
        """Remember what somebody read, or wrote."""
        if state is not None and digest is not None:
            self._known[state] = digest
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)

    def claim(self, state: str | None) -> Callable[[], None]:
        """Have who asks wait for somebody who will know soon; return what lets them go on."""
        claimed = Event()
        if state is None or self._claims.setdefault(state, claimed) is not claimed:
            return claimed.set  # nobody waits for it

        def release() -> None:
            if self._claims.get(state) is claimed:  # and nobody else's by now
                del self._claims[state]
            claimed.set()

        return release
