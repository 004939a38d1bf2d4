"""The first update of a document's history, put together without a document.

A large notebook makes some ten thousand Yjs items. To make them one by one in a document takes the
CRDT library several times as long as to read them from an update.
"""

from collections.abc import Mapping
from typing import Any, Final

from jupyter_runt.document.cells import SharedList, SharedMap, SharedText
from jupyter_runt.document.lib0 import write_any, write_bytes, write_integer

_STRING, _TYPE, _ANY = 4, 7, 8
"""What an item holds (`Content…` of Yjs)."""

_TYPES: Final[Mapping[type, bytes]] = {SharedList: b"\0", SharedMap: b"\1", SharedText: b"\2"}

_KEYED, _AFTER = 0x20, 0x80
"""An item stands under a key of a map; behind another item."""

_NO_DELETIONS: Final = b"\0"
_IN_ROOT, _IN_ITEM = b"\1", b"\0"


class FirstUpdate:
    """Collects the content of root types, and returns the update (version 1 encoding).

    Args:
        client_id: the Yjs client that writes it all.
    """

    def __init__(self, client_id: int) -> None:
        self._client = write_integer(client_id)
        self._structs: list[bytes] = []
        self._clock = 0

    def map(self, root: str, content: SharedMap) -> None:
        """Fill the root map of a name."""
        self._keys(_IN_ROOT + write_bytes(root.encode()), content)

    def list(self, root: str, content: SharedList) -> None:
        """Fill the root array of a name."""
        self._items(_IN_ROOT + write_bytes(root.encode()), content)

    def encoded(self) -> bytes:
        """Return the update."""
        if not self._structs:
            return b"\0" + _NO_DELETIONS
        head = b"\1" + write_integer(len(self._structs)) + self._client + b"\0"
        return b"".join((head, *self._structs, _NO_DELETIONS))

    def _keys(self, parent: bytes, content: SharedMap) -> None:
        for key, value in content.items():
            self._value(_KEYED, parent + write_bytes(key.encode()), value)

    def _items(self, parent: bytes, content: SharedList) -> None:
        place, info = parent, 0
        for value in content:
            clock = self._clock
            self._value(info, place, value)
            place, info = self._id(clock), _AFTER

    def _value(self, info: int, place: bytes, value: Any) -> None:
        kind = _TYPES.get(type(value))
        if kind is None:
            self._put(info | _ANY, place, b"\1" + write_any(value))
            return
        inside = _IN_ITEM + self._id(self._clock)
        self._put(info | _TYPE, place, kind)
        match value:
            case SharedText() if value:
                size = len(value.encode("utf-16-le")) // 2
                self._put(_STRING, inside, write_bytes(value.encode()), size)
            case SharedMap():
                self._keys(inside, value)
            case SharedList():
                self._items(inside, value)

    def _put(self, info: int, place: bytes, content: bytes, size: int = 1) -> None:
        self._structs.append(bytes((info,)) + place + content)
        self._clock += size

    def _id(self, clock: int) -> bytes:
        return self._client + write_integer(clock)
