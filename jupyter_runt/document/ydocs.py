"""jupyter_ydoc's classes, for extensions that were written for them."""

from functools import cache, lru_cache
from importlib.metadata import entry_points
from typing import Any, Final

from jupyter_ydoc import YFile
from jupyter_ydoc.ybasedoc import YBaseDoc
from pycrdt import Array, Map, Text, UndoManager

_OURS: Final = frozenset({"blob", "file", "notebook", "unicode"})


class _NoHistory(UndoManager):
    """An undo manager that watches nothing: one that does keeps all deleted content (RM5)."""

    def expand_scope(self, scope: Text | Array[Any] | Map[Any]) -> None:  # type: ignore[override]
        pass


class _WithoutUndo(YBaseDoc):
    @property
    def undo_manager(self) -> UndoManager:
        """An undo manager that never has anything to undo."""
        return _NoHistory()


@lru_cache(maxsize=64)  # clients name kinds
def is_registered(kind: str) -> bool:
    """Tell whether another package registered a class for a kind of document."""
    return kind not in _OURS and bool(entry_points(group="jupyter_ydoc", name=kind))


def text_kind(kind: str) -> str:
    """Return the kind of document that a text file is for a client that asks for `kind`."""
    return kind if is_registered(kind) else "file"


@cache
def ydoc_class(kind: str) -> type[YBaseDoc]:
    """Return the class that is registered for a kind of document; YFile for what nobody knows."""
    for entry in entry_points(group="jupyter_ydoc", name=kind):
        registered: type[YBaseDoc] = entry.load()
        return registered
    return YFile


@cache
def ydoc_class_without_undo(kind: str) -> type[YBaseDoc]:
    """Return the same class, apart from what would keep all that was ever deleted."""
    plain = ydoc_class(kind)
    return type(plain.__name__, (_WithoutUndo, plain), {})
