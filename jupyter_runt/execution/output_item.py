"""One output of a cell or of a widget, as it grows."""

from collections.abc import Mapping
from typing import Any

from jupyter_runt.execution.streams import StreamText

Output = Mapping[str, Any]
"""An output as nbformat 4.5 defines it."""


class Item:
    """One output. Its content is kept only where it may have to be written again (`kept`)."""

    def __init__(self, index: int, output: dict[str, Any], *, stream: bool, kept: bool) -> None:
        self.index = index
        self.output = output
        self.stream = StreamText() if stream else None
        self._kept = kept
        self._text: list[str] = []
        self._text_bytes = 0

    def is_stream(self, name: str) -> bool:
        """Tell whether text of the stream `name` continues this output."""
        return self.stream is not None and self.output["name"] == name

    def take_text(self) -> tuple[int, str] | None:
        """Return how the stream's text changed: bytes that stay (-1: all), and the new text."""
        change = None if self.stream is None else self.stream.take()
        if change is None:
            return None
        keep, text = change
        if self._kept:
            self._truncate(keep)
            self._text.append(text)
        before, self._text_bytes = self._text_bytes, keep + len(text.encode())
        return (-1, text) if keep == before else (keep, text)

    def take(self) -> Output:
        """Return the output as a whole."""
        if self.stream is None:
            output = self.output
            if not self._kept:
                self.output = {}
            return output
        change = self.take_text()
        text = change[1] if change else ""
        if self._kept:
            text = "".join(self._text)
            self._text = [text]
        return {**self.output, "text": text}

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
