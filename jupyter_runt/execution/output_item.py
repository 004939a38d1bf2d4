"""One output of a cell or of a widget, as it grows."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from jupyter_runt.document.references import stream_reference
from jupyter_runt.document.spool import Spool
from jupyter_runt.execution.long_text import LongText, Spooled
from jupyter_runt.execution.streams import StreamText, common_prefix

Output = Mapping[str, Any]
"""An output as nbformat 4.5 defines it."""

NewOutput = Output | Spooled
"""An output to be written into the document."""


class Item:
    """One output. Its content is kept only where it may have to be written again (`kept`).

    A stream of more than `limit` bytes shows its beginning and its end. Once it has ended, the
    whole of it is a `Spooled`.
    """

    def __init__(
        self,
        index: int,
        output: dict[str, Any],
        *,
        stream: bool,
        kept: bool,
        limit: int | None = None,
    ) -> None:
        self.index = index
        self.output = output
        self.stream = StreamText() if stream else None
        self._kept = kept
        self._limit = limit
        self._text: list[str] = []
        self._text_bytes = 0
        self._long: LongText | None = None
        self._shown = ""
        """What the document has of a long text."""
        self._ended = self._put_away = False

    def is_stream(self, name: str) -> bool:
        """Tell whether text of the stream `name` continues this output."""
        return self.stream is not None and not self._ended and self.output["name"] == name

    @property
    def spool(self) -> Spool | None:
        """Where the text is, if it is too long for the document."""
        return None if self._long is None else self._long.spool

    @property
    def ended(self) -> bool:
        """Whether nothing continues it."""
        return self._ended

    def end(self) -> None:
        """Let nothing continue it."""
        self._ended = True

    @property
    def grows(self) -> bool:
        """Whether the document has it as text to which more is added."""
        return self.stream is not None and not self._ended

    def update(self, display_id: str, shown: dict[str, Any]) -> None:  # noqa: ARG002
        """Show a display anew.

        Args:
            shown: its `data` and `metadata`.
        """
        self.output = {**self.output, **shown}

    def is_long(self) -> bool:
        """Tell whether the text is too long for the document."""
        self._fold()
        return self._long is not None

    @property
    def is_due(self) -> bool:
        """Whether the document has a part of the text, and is to refer to the whole now."""
        return self._ended and self._long is not None and not self._put_away

    def take_text(self) -> tuple[int, str] | None:
        """Return how the stream's text changed: bytes that stay (-1: all), and the new text."""
        before = self._text_bytes
        change = self._fold()
        if change is None:
            return None
        if self._long is None:
            keep, text = change
            return (-1, text) if keep == before else change
        shown, self._shown = self._shown, self._long.shown()
        same = common_prefix(shown, self._shown)
        keep = -1 if same == len(shown) else len(shown[:same].encode())
        return keep, self._shown[same:]

    def take(self) -> NewOutput:
        """Return the output as a whole."""
        if self.stream is None:
            output = self.output
            if not self._kept:
                self.output = {}
            return output
        self._fold()
        if self._long is not None:
            if self._ended:
                self._long.end()
                self._put_away = True
            self._shown = self._long.shown()
            if self._ended:
                reference = partial(stream_reference, self.output["name"], preview=self._shown)
                return Spooled(self._long.spool, reference)
            return {**self.output, "text": self._shown}
        text = "".join(self._text)
        self._text = [text] if self._kept or not self._ended else []
        return {**self.output, "text": text}

    def _fold(self) -> tuple[int, str] | None:
        """Bring in what was fed; return how the whole text changed."""
        change = None if self.stream is None else self.stream.take()
        if change is None or self.stream is None:
            return None
        keep, text = change
        if self._long is not None:
            self._long.replace(keep, text, self.stream.settled)
            return change
        size = keep + len(text.encode())
        too_long = self._limit is not None and size > self._limit
        if too_long:
            self._shown = "".join(self._text)
        self._truncate(keep)
        self._text.append(text)
        self._text_bytes = size
        if too_long:
            self._long = LongText()
            self._long.replace(0, "".join(self._text), self.stream.settled)
            self._text = []
        return change

    def _truncate(self, size: int) -> None:
        excess = self._text_bytes - size
        while excess > 0:
            last = self._text.pop().encode()
            if len(last) > excess:
                self._text.append(last[:-excess].decode())
            excess -= len(last)


def display_id_of(content: dict[str, Any]) -> str | None:
    """Return the display id that a message names, if any."""
    transient = content.get("transient")
    display_id = transient.get("display_id") if isinstance(transient, dict) else None
    return display_id if isinstance(display_id, str) else None


def output_of(msg_type: str, content: dict[str, Any]) -> dict[str, Any]:
    """Return the nbformat output of a display_data, execute_result or error message."""
    if msg_type == "error":
        return {
            "output_type": "error",
            "ename": str(content.get("ename", "")),
            "evalue": str(content.get("evalue", "")),
            "traceback": [str(line) for line in content.get("traceback") or ()],
        }
    output = {
        "output_type": msg_type,
        "data": content.get("data") or {},
        "metadata": content.get("metadata") or {},
    }
    if msg_type == "execute_result":
        output["execution_count"] = content.get("execution_count")
    return output
