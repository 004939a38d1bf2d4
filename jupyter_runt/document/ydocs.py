"""jupyter_ydoc's classes over documents of ours, for extensions that were written for them."""

from typing import Any

from jupyter_ydoc import YFile, YNotebook
from pycrdt import Array, Map, Text, UndoManager


class _NoHistory(UndoManager):
    """An undo manager that watches nothing: one that does keeps all deleted content (RM5)."""

    def expand_scope(self, scope: Text | Array[Any] | Map[Any]) -> None:  # type: ignore[override]
        pass


class SharedYNotebook(YNotebook):
    """A YNotebook without undo."""

    @property
    def undo_manager(self) -> UndoManager:
        """An undo manager that never has anything to undo."""
        return _NoHistory()


class SharedYFile(YFile):
    """A YFile without undo."""

    @property
    def undo_manager(self) -> UndoManager:
        """An undo manager that never has anything to undo."""
        return _NoHistory()
