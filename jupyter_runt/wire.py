"""Frames between the server and the agent beside a kernel: bytes in, bytes out, nothing else.

A frame is a length, a CRC-32 and a body: one byte that says what it is, and the rest. What the
agent keeps of a kernel is a file of `record` frames, so a replay sends the bytes as they lie there.
"""

import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

PROTOCOL: Final = 3
"""Of the frames and of an agent's state file; changed when either side would not follow."""

MAX_FRAME: Final = 1 << 31
"""Bytes of a body; a larger length is not a frame."""

HEAD: Final = struct.Struct(">II")
_RECORD: Final = struct.Struct(">QBH")
_SIZE: Final = struct.Struct(">I")
_SEQ: Final = struct.Struct(">Q")


class Kind(IntEnum):
    """What a frame is."""

    HELLO = 1
    """Server: who it is (JSON: `protocol`, `fence`, `from_seq`)."""
    WELCOME = 2
    """Agent: it serves (JSON: `first_seq`, `next_seq`, `note`)."""
    REFUSED = 3
    """Agent: it does not (JSON: `reason`), and closes."""
    RECORD = 4
    """Agent: a message of the kernel, or a request that was sent to it, with its place."""
    SEND = 5
    """Server: a request for the kernel."""
    NOTE = 6
    """Server: something to keep for the next server (JSON)."""
    RETIRE = 7
    """Server: everything up to a place is in the log, and need not be kept."""
    LET_GO = 9
    """Server: the kernel may end without telling anybody (JSON)."""
    EXITED = 8
    """Agent: the kernel ended, and all that it said came before (JSON: `code`, `oom`)."""


class Channel(IntEnum):
    """Where a message came from; a request has the channel on which it was sent."""

    SHELL = 1
    STDIN = 2
    IOPUB = 3
    CONTROL = 4
    SHELL_REQUEST = 11
    STDIN_REQUEST = 12
    CONTROL_REQUEST = 14
    DROPPED = 21
    """No message: from here on outputs were dropped, since the journal is full."""


class BadFrame(Exception):
    """The bytes are no frame."""


@dataclass(frozen=True, slots=True)
class Record:
    """A message with its place in what the kernel said; the first is 1 and there are no gaps."""

    seq: int
    channel: Channel
    parts: tuple[bytes, ...]
    """The frames of the ZeroMQ message, its signature included."""


def frame(kind: Kind, *payload: bytes) -> list[bytes]:
    """Return the bytes of a frame, as buffers to be written one after the other."""
    lead = bytes([kind])
    crc, size = zlib.crc32(lead), 1
    for part in payload:
        crc, size = zlib.crc32(part, crc), size + len(part)
    return [HEAD.pack(size, crc) + lead, *payload]


def json_frame(kind: Kind, content: dict[str, Any]) -> bytes:
    """Return a frame whose payload is JSON."""
    return b"".join(frame(kind, json.dumps(content).encode()))


def record_frame(seq: int, channel: Channel, parts: Sequence[bytes]) -> list[bytes]:
    """Return the buffers of a record."""
    return frame(Kind.RECORD, _RECORD.pack(seq, channel, len(parts)), *_sized(parts))


def send_frame(channel: Channel, parts: Sequence[bytes]) -> list[bytes]:
    """Return the buffers of a request; its place is the agent's to give."""
    return frame(Kind.SEND, _RECORD.pack(0, channel, len(parts)), *_sized(parts))


def retire_frame(seq: int) -> bytes:
    """Return the frame that lets go of everything up to `seq`."""
    return b"".join(frame(Kind.RETIRE, _SEQ.pack(seq)))


def _sized(parts: Sequence[bytes]) -> Iterator[bytes]:
    for part in parts:
        yield _SIZE.pack(len(part))
        yield part


def parse_json(payload: memoryview) -> dict[str, Any]:
    """Return the JSON of a payload; raises BadFrame."""
    try:
        content = json.loads(bytes(payload))
    except ValueError as error:
        raise BadFrame("not JSON") from error
    if not isinstance(content, dict):
        raise BadFrame("not an object")
    return content


def parse_record(payload: memoryview) -> Record:
    """Return the record, or request, of a payload; raises BadFrame."""
    try:
        seq, channel, count = _RECORD.unpack_from(payload)
        position = _RECORD.size
        parts: list[bytes] = []
        for _ in range(count):
            (size,) = _SIZE.unpack_from(payload, position)
            position += _SIZE.size + size
            parts.append(bytes(payload[position - size : position]))
        if position != len(payload):
            raise BadFrame("a record of another size")
        return Record(seq, Channel(channel), tuple(parts))
    except (struct.error, ValueError) as error:
        raise BadFrame("not a record") from error


def parse_retire(payload: memoryview) -> int:
    """Return the place of a retirement; raises BadFrame."""
    try:
        return int(_SEQ.unpack(payload)[0])
    except struct.error as error:
        raise BadFrame("not a place") from error


class Decoder:
    """Takes bytes as they come, and gives whole frames."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0
        self._wanted = HEAD.size

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not whole yet."""
        return self._size

    def feed(self, data: bytes) -> list[tuple[Kind, memoryview]]:
        """Return the frames that are whole now.

        Raises:
            BadFrame: what comes is no frame; nothing can be made of the rest.
        """
        self._chunks.append(data)
        self._size += len(data)
        if self._size < self._wanted:
            return []
        frames: list[tuple[Kind, memoryview]] = []
        whole, position = memoryview(self._taken()), 0
        while True:
            end = frame_end(whole, position)
            if end is None:
                self._wanted = HEAD.size
                break
            if end > len(whole):
                self._wanted = end - position
                break
            frames.append(_open(whole[position:end]))
            position = end
        if position < len(whole):
            self._chunks, self._size = [bytes(whole[position:])], len(whole) - position
        return frames

    def _taken(self) -> bytes:
        """Return what has come; what comes in one piece is not copied."""
        chunks, self._chunks, self._size = self._chunks, [], 0
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def frame_end(data: memoryview, start: int) -> int | None:
    """Return where the frame at `start` ends, which may be beyond the data; None without a head.

    Raises:
        BadFrame: no frame is so large.
    """
    if len(data) - start < HEAD.size:
        return None
    size, _ = HEAD.unpack_from(data, start)
    if not 0 < size <= MAX_FRAME:
        raise BadFrame(f"a frame of {size} bytes")
    return start + HEAD.size + int(size)


def _open(data: memoryview) -> tuple[Kind, memoryview]:
    _, crc = HEAD.unpack_from(data)
    body = data[HEAD.size :]
    if zlib.crc32(body) != crc:
        raise BadFrame("the checksum is wrong")
    try:
        return Kind(body[0]), body[1:]
    except ValueError as error:
        raise BadFrame("a frame of an unknown kind") from error
