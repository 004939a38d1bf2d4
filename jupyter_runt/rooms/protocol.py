"""The frames of y-websocket 1.x, as jupyter-collaboration 5 speaks them. Pure.

A frame is a type (0 sync, 1 awareness, 2 raw) and its content in the encoding of lib0: unsigned
integers in groups of 7 bits, the lowest first; strings and byte arrays with their length in bytes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from jupyter_runt.document.lib0 import write_bytes, write_integer

SYNC: Final = 0
AWARENESS: Final = 1
RAW: Final = 2

STEP1: Final = 0
STEP2: Final = 1
UPDATE: Final = 2

MAX_INTEGER: Final = 2**53 - 1
"""What a JavaScript peer can count to."""

SaveStatus = Literal["success", "failed"]
"""What JupyterLab is told of a save. It takes a third word, `skipped`, for an error."""


class BadFrame(ValueError):
    """Bytes that no honest peer sends; they cost their sender the connection (RM2)."""


@dataclass(frozen=True, slots=True)
class SyncStep1:
    """A peer tells what it has, and asks for the rest."""

    state_vector: bytes


@dataclass(frozen=True, slots=True)
class SyncStep2:
    """The answer to a `SyncStep1`: all that the asker lacks."""

    update: bytes


@dataclass(frozen=True, slots=True)
class SyncUpdate:
    """A change that a peer made."""

    update: bytes


@dataclass(frozen=True, slots=True)
class AwarenessUpdate:
    """States of peers; `jupyter_runt.rooms.presence` reads them."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class SaveRequest:
    """A person pressed Ctrl+S; the reply carries the id back."""

    request_id: int


Message = SyncStep1 | SyncStep2 | SyncUpdate | AwarenessUpdate | SaveRequest


def parse(frame: bytes) -> Message | None:
    """Return what a frame says, None for a raw message of a kind that nobody serves.

    Raises:
        BadFrame: it is empty, truncated, has bytes too many, or is of an unknown type.
    """
    if len(frame) < 2:
        raise BadFrame("the frame is truncated")
    kind = frame[0]
    if kind == SYNC:
        return _parse_sync(frame)
    if kind == AWARENESS:
        return AwarenessUpdate(_last_bytes(frame, 1))
    if kind == RAW:
        return _parse_raw(frame)
    raise BadFrame(f"there is no frame of type {kind}")


def _parse_sync(frame: bytes) -> Message:
    step = frame[1]
    content = _last_bytes(frame, 2)
    if step == UPDATE:
        return SyncUpdate(content)
    if step == STEP1:
        return SyncStep1(content)
    if step == STEP2:
        return SyncStep2(content)
    raise BadFrame(f"there is no sync message of type {step}")


def _parse_raw(frame: bytes) -> SaveRequest | None:
    name, position = read_bytes(frame, 1)
    if name != b"save":
        return None
    request_id, _ = read_integer(frame, position)
    return SaveRequest(request_id)


def _last_bytes(frame: bytes, position: int) -> bytes:
    length, start = read_integer(frame, position)
    if start + length != len(frame):
        raise BadFrame("the content is not as long as the frame says")
    return frame[start:]


def step1_frame(state_vector: bytes) -> bytes:
    """Return the frame that asks a peer for what `state_vector` lacks."""
    return bytes((SYNC, STEP1)) + write_bytes(state_vector)


def step2_frame(update: bytes) -> bytes:
    """Return the frame that answers a `SyncStep1`."""
    return bytes((SYNC, STEP2)) + write_bytes(update)


def update_frame(update: bytes) -> bytes:
    """Return the frame that tells of a change."""
    return bytes((SYNC, UPDATE)) + write_bytes(update)


def awareness_frame(payload: bytes) -> bytes:
    """Return the frame of an awareness update."""
    return bytes((AWARENESS,)) + write_bytes(payload)


def save_reply_frame(request_id: int, status: SaveStatus) -> bytes:
    """Return the frame that answers a `SaveRequest`."""
    reply = {"type": "save", "responseTo": request_id, "status": status}
    return bytes((RAW,)) + write_bytes(json.dumps(reply).encode())


def read_integer(data: bytes, position: int) -> tuple[int, int]:
    """Return the integer at `position`, and the position after it.

    Raises:
        BadFrame: the data ends before the integer does, or it is larger than `MAX_INTEGER`.
    """
    value = 0
    shift = 0
    while position < len(data):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value > MAX_INTEGER:
                break
            return value, position
        shift += 7
        if shift > 56:
            break
    raise BadFrame("an integer is truncated or too large")


def read_bytes(data: bytes, position: int) -> tuple[bytes, int]:
    """Return the byte array at `position`, and the position after it.

    Raises:
        BadFrame: the data ends before the array does.
    """
    length, start = read_integer(data, position)
    end = start + length
    if end > len(data):
        raise BadFrame("a byte array is truncated")
    return data[start:end], end


def read_state_vector(data: bytes) -> dict[int, int]:
    """Return the clock of each Yjs client of a state vector.

    Raises:
        BadFrame: it is not a state vector.
    """
    count, position = read_integer(data, 0)
    clocks = {}
    for _ in range(count):
        client, position = read_integer(data, position)
        clocks[client], position = read_integer(data, position)
    if position != len(data):
        raise BadFrame("the state vector has bytes too many")
    return clocks


def write_state_vector(clocks: Mapping[int, int]) -> bytes:
    """Return the state vector with these clocks."""
    parts = [write_integer(len(clocks))]
    for client, clock in clocks.items():
        parts += (write_integer(client), write_integer(clock))
    return b"".join(parts)
