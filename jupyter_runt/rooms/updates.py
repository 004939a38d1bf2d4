"""What can be told of a Yjs update (version 1 encoding) without a document. Pure."""

from collections.abc import Iterable
from typing import Final

from pycrdt import get_update

from jupyter_runt.rooms.protocol import (
    BadFrame,
    read_integer,
    read_state_vector,
    write_state_vector,
)

EMPTY: Final = b"\0\0"
"""The update that holds nothing: no structs, no deletions."""

_NO_CLOCK: Final = 2**32 - 1


def has_structs(update: bytes) -> bool:
    """Tell whether an update holds more than deletions."""
    return update[:1] != b"\0"


def authors(update: bytes) -> tuple[int, int | None]:
    """Return how many Yjs clients wrote the structs of `update`, and the first client if any.

    Raises:
        BadFrame: it is truncated.
    """
    count, position = read_integer(update, 0)
    if count == 0:
        return 0, None
    _, position = read_integer(update, position)
    client, _ = read_integer(update, position)
    return count, client


def beginnings(update: bytes) -> list[tuple[int, int]]:
    """Return each client that wrote structs of `update`, and the clock of the first of them.

    Raises:
        BadFrame: it is not an update.
    """
    found: list[tuple[int, int]] = []
    seen: dict[int, int] = {}
    while has_structs(update):
        _, position = read_integer(update, 0)
        _, position = read_integer(update, position)
        client, position = read_integer(update, position)
        clock, _ = read_integer(update, position)
        found.append((client, clock))
        seen[client] = _NO_CLOCK
        if update[0] == 1:
            break
        update = beyond(update, write_state_vector(seen))
    return found


def beyond(update: bytes, state_vector: bytes) -> bytes:
    """Return `update` without the structs that `state_vector` has; deletions stay.

    Raises:
        BadFrame: it is not an update.
    """
    try:
        return get_update(update, state_vector)
    except ValueError as error:
        raise BadFrame("it is not a Yjs update") from error


def is_covered(update: bytes, state_vector: bytes) -> bool:
    """Tell whether a document of that state has all structs, and all that the update deletes.

    Raises:
        BadFrame: it is not an update.
    """
    rest = beyond(update, state_vector)
    if rest == EMPTY:
        return True
    if rest[0] != 0:
        return False
    clocks = read_state_vector(state_vector)
    return all(end <= clocks.get(client, 0) for client, end in _deletions(rest))


def _deletions(update: bytes) -> Iterable[tuple[int, int]]:
    """Yield (client, clock after the last deleted one) of an update that has no structs."""
    clients, position = read_integer(update, 1)
    for _ in range(clients):
        client, position = read_integer(update, position)
        ranges, position = read_integer(update, position)
        for _ in range(ranges):
            clock, position = read_integer(update, position)
            length, position = read_integer(update, position)
            yield client, clock + length


def writes_as(update: bytes, clients: frozenset[int], state_vector: bytes) -> bool:
    """Tell whether an update has structs of any of `clients` beyond that state.

    Raises:
        BadFrame: it is not an update.
    """
    news = beyond(update, state_vector)
    others = beyond(news, write_state_vector(dict.fromkeys(clients, _NO_CLOCK)))
    return authors(news)[0] != authors(others)[0]
