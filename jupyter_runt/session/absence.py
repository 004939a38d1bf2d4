"""What to do about a file that is not where it was (FB3)."""

import logging
import time
from collections.abc import Awaitable, Callable

from jupyter_runt.protocols import FileIdentity
from jupyter_runt.session.file_content import FileStamp
from jupyter_runt.session.files import (
    FileGone,
    Files,
)

log = logging.getLogger(__name__)

Found = Callable[[str, str], Awaitable[bool]]
"""Called with the old and the new path of a file that was moved behind our back: has the document
follow, and returns whether it did.
"""


class Absence:
    """Looks for one document's file.

    While it is missing, to write it anew would make two of it: somebody may be about to tell where
    it went, or to put it back.

    Args:
        grace: seconds until a missing file is looked for, and may be written anew.
        found: told where it was found.
    """

    def __init__(
        self,
        files: Files,
        grace: float,
        found: Found,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._files = files
        self._grace = grace
        self._found = found
        self._clock = clock
        self._since: float | None = None

    async def stamp(self, path: str, known: FileIdentity) -> FileStamp | None:
        """Return the stamp of the file that was at `path`, None if it may be written anew there.

        Raises:
            FileGone: it is too early to tell.
        """
        stamp = await self._files.stamp(path)
        if stamp is not None:
            self._since = None
            return stamp
        if self._since is None:
            log.info("%s is not where it was.", path)
            self._since = self._clock()
        if self._clock() - self._since < self._grace:
            raise FileGone(f"{path} is not where it was. Its changes are kept, and saved soon.")
        place = await self._files.whereabouts(path, known)
        if place is None or not await self._found(path, place):
            return None
        self._since = None
        return await self._files.stamp(place)
