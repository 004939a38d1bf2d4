"""A stream of bytes to another machine, over connections that come and go."""

import struct
from collections import deque
from collections.abc import Iterator
from typing import Final

WINDOW: Final = 4 << 20
"""Bytes that may be on their way; whoever has more to say waits."""

_OFFSET: Final = struct.Struct(">Q")


class BadStream(Exception):
    """The other end is not where it can be."""


class Carrier:
    """One end of the stream.

    A message is the place of its first byte and the bytes. One without bytes is the end. What was
    sent is kept until the other end says that it has it, and is sent again on the next connection.
    """

    def __init__(self) -> None:
        self.received = 0
        """Where what comes next is."""
        self.ended = False
        """Whether the other end said its last."""
        self._kept: deque[bytes] = deque()
        self._first = 0
        self._next = 0
        self._finished = False

    @property
    def full(self) -> bool:
        """Whether the other end has to take something first."""
        return self._next - self._first >= WINDOW

    def send(self, data: bytes) -> bytes:
        """Return the message that brings `data`; without any, it is the last one."""
        message = _OFFSET.pack(self._next) + data
        if data:
            self._kept.append(data)
            self._next += len(data)
        else:
            self._finished = True
        return message

    def acknowledged(self, place: int) -> None:
        """Keep no more what is before a place; raises BadStream."""
        if not self._first <= place <= self._next:
            raise BadStream(f"{place} is not between {self._first} and {self._next}")
        while self._kept and self._first + len(self._kept[0]) <= place:
            self._first += len(self._kept.popleft())
        if self._first < place:
            self._kept[0] = self._kept[0][place - self._first :]
            self._first = place

    def again(self, place: int) -> Iterator[bytes]:
        """Return the messages that bring a new connection up to date; raises BadStream.

        Args:
            place: up to where the other end has everything.
        """
        self.acknowledged(place)
        for data in self._kept:
            yield _OFFSET.pack(place) + data
            place += len(data)
        if self._finished:
            yield _OFFSET.pack(self._next)

    def take(self, message: bytes) -> bytes:
        """Return what a message brings that is new; raises BadStream."""
        if len(message) < _OFFSET.size:
            raise BadStream("no message of a stream")
        (place,) = _OFFSET.unpack_from(message)
        data = message[_OFFSET.size :]
        if place > self.received:
            raise BadStream(f"what is between {self.received} and {place} is missing")
        new = data[self.received - place :]
        self.received += len(new)
        self.ended = self.ended or (not data and place == self.received)
        return new
