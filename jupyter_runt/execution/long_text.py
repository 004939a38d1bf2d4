"""A stream that is too long for a document: what is shown of it, and where the whole of it is."""

from collections.abc import Callable
from dataclasses import dataclass

from jupyter_runt.artifacts import Artifact
from jupyter_runt.document.cells import Output
from jupyter_runt.document.patches import Patches
from jupyter_runt.document.references import PREVIEW, shortened
from jupyter_runt.document.spool import Spool


@dataclass(frozen=True, slots=True)
class Spooled:
    """An output whose content is in a spool."""

    spool: Spool
    reference: Callable[[Artifact], Output]
    """Returns the output that stands for it."""
    patches: Patches | None = None
    """What is another by now among many outputs."""


class LongText:
    """A text of which all but the end is in a spool.

    The end may still change, as a terminal's lines do.
    """

    def __init__(self) -> None:
        self.spool = Spool()
        self._open = ""
        self._head = self._tail = ""  # of what is in the spool
        self._length = 0
        """Characters in the spool."""

    @property
    def size(self) -> int:
        """How many bytes it has in UTF-8."""
        return self.spool.size + len(self._open.encode())

    def replace(self, keep: int, text: str, settled: int) -> None:
        """Replace all but the first `keep` bytes.

        Args:
            keep: no fewer than were settled before.
            settled: so many of its bytes will never change again.
        """
        there = self.spool.size
        data = self._open.encode()[: keep - there] + text.encode()
        closed, self._open = data[: settled - there], data[settled - there :].decode()
        if closed:
            self.spool.write(closed)
            words = closed.decode()
            self._length += len(words)
            self._head += words[: PREVIEW - len(self._head)]
            self._tail = (self._tail + words)[-PREVIEW:]

    def end(self) -> None:
        """Settle all of it."""
        self.replace(self.size, "", self.size)

    def shown(self) -> str:
        """Return its beginning and its end."""
        head, tail = (self._head + self._open)[:PREVIEW], (self._tail + self._open)[-PREVIEW:]
        return shortened(head, tail, self._length + len(self._open))
