"""JSON values on their way into a Yjs document and out of it."""

import json
import math
from typing import Any, Final

from pycrdt import Array, Map

MAX_SAFE_INTEGER: Final = 2**53 - 1
"""Beyond it Yjs hands browsers a BigInt, which no JSON serialiser of theirs takes."""


def to_shared(value: Any) -> Any:
    """Return a JSON value as a browser would hold it.

    Big integers become floats, what JSON cannot say becomes null, and lone surrogates become
    U+FFFD: pycrdt panics on them.
    """
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return {_text(str(key)): to_shared(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_shared(item) for item in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _number(value)
    return value


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return value


def _number(value: int | float) -> int | float | None:
    if isinstance(value, int):
        if abs(value) <= MAX_SAFE_INTEGER:
            return value
        try:
            return float(value)
        except OverflowError:
            return None
    return value if math.isfinite(value) else None


def from_shared(value: Map[Any] | Array[Any]) -> Any:
    """Return the content of a shared type as plain JSON, integral numbers as integers."""
    return json.loads(str(value))
