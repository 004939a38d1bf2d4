"""A kind of document that another package registers, as jupyterlab-chat does with its chats."""

import json
from collections.abc import Callable
from typing import Any

from jupyter_ydoc.ybasedoc import YBaseDoc
from pycrdt import Array, Doc, MapEvent


class YGuestbook(YBaseDoc):
    """Entries in a list, and who reads along; it writes while it is made, and when it is clean."""

    def __init__(self, ydoc: Doc[Any] | None = None, awareness: Any = None) -> None:
        super().__init__(ydoc, awareness)
        self.dirty = True
        self.entries: Array[Any] = Array()
        self.ydoc["entries"] = self.entries
        self.became_clean = 0
        self._watching = self.ystate.observe(self._on_state)

    @property
    def version(self) -> str:
        return "1.0.0"

    def get(self) -> str:
        return json.dumps({"entries": self.entries.to_py()}, indent=2)

    def set(self, value: str) -> None:
        with self.ydoc.transaction():
            self.entries.clear()
            self.entries.extend(json.loads(value or '{"entries": []}')["entries"])

    def observe(self, callback: Callable[[str, Any], None]) -> None:
        self._subscriptions[self.entries] = self.entries.observe(
            lambda event: callback("entries", event)
        )

    def unobserve(self) -> None:
        super().unobserve()
        self.ystate.unobserve(self._watching)

    def _on_state(self, event: MapEvent) -> None:
        if not self.dirty:
            self.became_clean += 1
