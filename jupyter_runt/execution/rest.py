"""The outputs of a cell that are too many for a document: one there, and all of them elsewhere."""

from typing import Any, Final

from jupyter_runt.document.patches import Patches
from jupyter_runt.document.references import (
    OUTPUTS,
    PREVIEW,
    line_of,
    readable,
    rest_preview,
    rest_reference,
)
from jupyter_runt.document.spool import Spool
from jupyter_runt.execution.long_text import Spooled
from jupyter_runt.execution.output_item import Item, NewOutput
from jupyter_runt.execution.streams import StreamText, common_prefix

LONGEST: Final = 1 << 20
"""Characters of one stream among them: what follows is another one of its name."""


class Rest(Item):
    """Outputs that come after as many as a document shows.

    Until the cell ends, the document has their number and their last words as a stream.
    """

    def __init__(self, index: int) -> None:
        super().__init__(index, {}, stream=False, kept=True)
        self._spool = Spool(OUTPUTS)
        self._name = ""
        self._open: StreamText | None = None
        self._said = ""
        """Of the stream that is still open."""
        self._fed = 0
        self._count = 0
        self.patches = Patches()
        self._lines = 0
        self._tail = ""
        """Last words of the outputs that are not."""

    @property
    def spool(self) -> Spool:
        """Where the outputs are."""
        return self._spool

    def is_stream(self, name: str) -> bool:  # noqa: ARG002  (it takes whatever comes)
        """See `Item`."""
        return not self._ended

    def write(self, name: str, text: str) -> None:
        """Add text of a stream."""
        if self._open is None or name != self._name or self._fed > LONGEST:
            self._close()
            self._name, self._open = name, StreamText()
            self._count += 1
            self._fed = 0
        self._open.feed(text)
        self._fed += len(text)

    def add(self, output: dict[str, Any], display_id: str | None) -> None:
        """Add an output that is no stream."""
        self._close()
        self._count += 1
        if display_id is not None:
            self.patches.display(display_id, self._lines)
        self._put(output)

    def update(self, display_id: str, shown: dict[str, Any]) -> None:
        """Show a display anew, all of which are there when the cell ends."""
        self.patches.update(display_id, shown, self._lines)

    @property
    def grows(self) -> bool:
        """See `Item`."""
        return not self._ended

    def is_long(self) -> bool:
        """See `Item`."""
        return True

    @property
    def is_due(self) -> bool:
        """See `Item`."""
        return self._ended and not self._put_away

    def take_text(self) -> tuple[int, str] | None:
        """See `Item`."""
        before, self._shown = self._shown, self._preview()
        same = common_prefix(before, self._shown)
        if same == len(before) == len(self._shown):
            return None
        keep = -1 if same == len(before) else len(before[:same].encode())
        return keep, self._shown[same:]

    def take(self) -> NewOutput:
        """See `Item`."""
        self._shown = self._preview()
        if not self._ended:
            return {"output_type": "stream", "name": "stdout", "text": self._shown}
        self._close()
        self._put_away = True
        count, preview = self._count, self._shown
        return Spooled(
            self._spool,
            lambda artifact: rest_reference(artifact, count, preview),
            self.patches if self.patches.any else None,
        )

    def _preview(self) -> str:
        self._fold_open()
        return rest_preview(self._count, (self._tail + self._said)[-PREVIEW:])

    def _fold_open(self) -> None:
        change = None if self._open is None else self._open.take()
        if change is not None:
            keep, text = change
            self._said = self._said.encode()[:keep].decode() + text

    def _close(self) -> None:
        self._fold_open()
        if self._open is not None:
            self._put({"output_type": "stream", "name": self._name, "text": self._said})
            self._open, self._said = None, ""

    def _put(self, output: dict[str, Any]) -> None:
        self._spool.write(line_of(output))
        self._lines += 1
        self._tail = (self._tail + readable(output))[-PREVIEW:]
