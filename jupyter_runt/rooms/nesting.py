"""How deep the values of a Yjs update are nested, read without recursion. Pure."""

from typing import Final

from jupyter_runt.rooms.protocol import BadFrame, read_bytes, read_integer

MAX_DEPTH: Final = 500
"""The CRDT library decodes JSON values by recursion: some ten thousand levels overflow the stack,
which kills the process. Python's own JSON writer stops at 1,000."""


def check_depth(update: bytes) -> None:
    """Refuse JSON values nested deeper than `MAX_DEPTH`.

    Raises:
        BadFrame: they are, or the update cannot be read.
    """
    # Each level of nesting costs one of these two bytes: almost every update is done here.
    if update.count(_ARRAY_BYTE) + update.count(_OBJECT_BYTE) <= MAX_DEPTH:
        return
    clients, position = read_integer(update, 0)
    for _ in range(clients):
        structs, position = read_integer(update, position)
        for _ in range(2):  # client and clock
            _, position = read_integer(update, position)
        for _ in range(structs):
            position = _skip_struct(update, position)


_UNDEFINED, _NULL, _INTEGER, _FLOAT32, _FLOAT64, _BIGINT = 127, 126, 125, 124, 123, 122
_FALSE, _TRUE, _STRING, _OBJECT, _ARRAY, _BINARY = 121, 120, 119, 118, 117, 116
_OBJECT_BYTE: Final = bytes((_OBJECT,))
_ARRAY_BYTE: Final = bytes((_ARRAY,))
_FIXED_SIZES: Final = {_FLOAT32: 4, _FLOAT64: 8, _BIGINT: 8}
_CONSTANTS: Final = frozenset((_UNDEFINED, _NULL, _FALSE, _TRUE))

_GC, _DELETED, _JSON, _BYTES, _TEXT, _EMBED, _FORMAT, _TYPE, _ANY, _DOC, _SKIP = range(11)
_NAMED_TYPES: Final = frozenset((3, 5))
"""XML elements and hooks: the name follows."""


def _skip_struct(update: bytes, position: int) -> int:
    info = _byte(update, position)
    kind = info & 0x1F
    position += 1
    if kind in (_GC, _SKIP):
        return read_integer(update, position)[1]
    return _skip_content(update, _skip_place(update, position, info), kind)


def _skip_place(update: bytes, position: int, info: int) -> int:
    """Skip where a struct stands: its neighbours, or its parent and key where it has none."""
    for has_neighbour in (info & 0x80, info & 0x40):
        if has_neighbour:
            position = _skip_integers(update, position, 2)
    if info & 0xC0:
        return position
    parent, position = read_integer(update, position)
    if parent == 1:
        position = read_bytes(update, position)[1]
    else:
        position = _skip_integers(update, position, 2)
    return read_bytes(update, position)[1] if info & 0x20 else position


def _skip_content(update: bytes, position: int, kind: int) -> int:
    if kind == _DELETED:
        return read_integer(update, position)[1]
    if kind in (_BYTES, _TEXT, _EMBED):
        return read_bytes(update, position)[1]
    if kind == _FORMAT:
        return read_bytes(update, read_bytes(update, position)[1])[1]
    if kind == _JSON:
        count, position = read_integer(update, position)
        for _ in range(count):
            position = read_bytes(update, position)[1]
        return position
    if kind == _TYPE:
        name, position = read_integer(update, position)
        return read_bytes(update, position)[1] if name in _NAMED_TYPES else position
    if kind == _ANY:
        count, position = read_integer(update, position)
        return _skip_values(update, position, count)
    if kind == _DOC:
        return _skip_values(update, read_bytes(update, position)[1], 1)
    raise BadFrame(f"there is no content of kind {kind}")


def _skip_values(update: bytes, position: int, count: int) -> int:
    """Skip `count` JSON values."""
    open_values = [(count, False)]  # of each level: what is left, and whether keys precede
    while open_values:
        left, keyed = open_values.pop()
        if left == 0:
            continue
        open_values.append((left - 1, keyed))
        if keyed:
            position = read_bytes(update, position)[1]
        kind = _byte(update, position)
        position += 1
        if kind in (_ARRAY, _OBJECT):
            length, position = read_integer(update, position)
            open_values.append((length, kind == _OBJECT))
            if len(open_values) > MAX_DEPTH:
                raise BadFrame("values are nested too deep")
        else:
            position = _skip_scalar(update, position, kind)
    return position


def _skip_scalar(update: bytes, position: int, kind: int) -> int:
    if kind in _CONSTANTS:
        return position
    if kind in _FIXED_SIZES:
        return position + _FIXED_SIZES[kind]
    if kind in (_STRING, _BINARY):
        return read_bytes(update, position)[1]
    if kind == _INTEGER:
        while _byte(update, position) >= 0x80:
            position += 1
        return position + 1
    raise BadFrame(f"there is no value of kind {kind}")


def _skip_integers(update: bytes, position: int, count: int) -> int:
    for _ in range(count):
        _, position = read_integer(update, position)
    return position


def _byte(update: bytes, position: int) -> int:
    if position >= len(update):
        raise BadFrame("the update is truncated")
    return update[position]
