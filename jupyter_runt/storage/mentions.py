"""Which artifacts a piece of history may need. Pure."""

import re
from typing import Final

_HEX: Final = re.compile(rb"[0-9a-f]{64,}")


def hashes_in(data: bytes) -> set[str]:
    """Return all that reads as a SHA-256 in a Yjs update, a snapshot or JSON.

    Texts stand in each of them as UTF-8, in one piece, so no reference is missed.
    """
    return {
        run[start : start + 64].decode()
        for run in _HEX.findall(data)
        for start in range(len(run) - 63)  # hexadecimal digits may stand before it
    }
