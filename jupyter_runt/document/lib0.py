"""Values in lib0's binary encoding, which Yjs updates and messages are made of. Pure."""

import struct
from typing import Any, Final

from jupyter_runt.document.values import MAX_SAFE_INTEGER

_FLOAT, _INTEGER, _NULL = b"{", b"}", b"~"
_BOOLEANS: Final = {True: b"x", False: b"y"}
_STRING, _OBJECT, _ARRAY = b"w", b"v", b"u"
_SHORT: Final = tuple(bytes((value,)) for value in range(0x80))


def write_integer(value: int) -> bytes:
    """Return the encoding of an integer of at least 0 (`writeVarUint`)."""
    if value <= 0x7F:
        return _SHORT[value]
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def write_bytes(data: bytes) -> bytes:
    """Return the encoding of a byte array, or of a string's UTF-8."""
    return write_integer(len(data)) + data


def write_any(value: Any) -> bytes:
    """Return the encoding of a JSON value that `to_shared` has returned (`writeAny`).

    Raises:
        RecursionError: it is nested too deeply.
    """
    match value:
        case str():
            return _STRING + write_bytes(value.encode())
        case None:
            return _NULL
        case bool():
            return _BOOLEANS[value]
        case int() | float():
            return _number(value)
        case dict():
            items = (write_bytes(key.encode()) + write_any(item) for key, item in value.items())
            return _OBJECT + write_integer(len(value)) + b"".join(items)
        case list():
            return _ARRAY + write_integer(len(value)) + b"".join(map(write_any, value))
        case _:
            raise TypeError(f"JSON has no {type(value).__name__}")


def _number(value: int | float) -> bytes:
    if value == int(value) and abs(value) <= MAX_SAFE_INTEGER:
        return _INTEGER + _signed(int(value))
    return _FLOAT + struct.pack(">d", value)


def _signed(value: int) -> bytes:
    size, sign = abs(value), 0x40 if value < 0 else 0
    first, rest = size & 0x3F | sign, size >> 6
    return bytes((first | 0x80,)) + write_integer(rest) if rest else bytes((first,))
