"""What a kernel said and was asked, in order, on disk, until the log of its notebook has it."""

import os
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Final

SEGMENT_BYTES: Final = 8 << 20
"""A file that has grown to this is followed by another one, so that files can be let go of."""

MEMORY_BYTES: Final = 16 << 20
"""What is kept in memory at most where the disk takes nothing."""

MAX_BUFFERS: Final = 1000
"""What one system call takes at once."""


class Journal:
    """Records by place. Not synchronised to the disk: the kernel would not survive its loss.

    Args:
        path: of its files, which are this with a number behind it; their folder exists.
        limit: bytes, beyond which the journal is `full`.
    """

    def __init__(self, path: Path, limit: int, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._path = path
        self._limit = limit
        self._segment_bytes = segment_bytes
        self._segments: list[_File | _Memory] = []
        self._next_seq = 1
        self._files = 0

    @property
    def first_seq(self) -> int:
        """The first place that can be read; the next one where there is none."""
        return self._segments[0].first_seq if self._segments else self._next_seq

    @property
    def next_seq(self) -> int:
        """The place that the next record gets."""
        return self._next_seq

    @property
    def full(self) -> bool:
        """Whether it has as much as it may."""
        memory = sum(each.size for each in self._segments if isinstance(each, _Memory))
        return memory > MEMORY_BYTES or sum(each.size for each in self._segments) > self._limit

    def append(self, buffers: Sequence[bytes]) -> None:
        """Keep a frame, which has the next place."""
        try:
            self._file().write(buffers)
        except OSError:  # the disk is full: the notebook must still hear of it
            self._segments.append(_Memory(self._next_seq, b"".join(buffers)))
        self._next_seq += 1

    def read(self, seq: int, size: int) -> tuple[bytes, int]:
        """Return the frames from a place on, about `size` bytes, and the place after them.

        There is at least one frame unless `seq` is the next place.

        Raises:
            KeyError: what was there was let go of.
        """
        if seq >= self._next_seq:
            return b"", seq
        number = bisect_right(self._segments, seq, key=lambda each: each.first_seq) - 1
        if number < 0:
            raise KeyError(seq)
        return self._segments[number].read(seq, size)

    def retire(self, seq: int) -> None:
        """Let go of what is up to and with a place; files go as a whole, the last is used again."""
        while self._segments and self._after_first() <= seq + 1:
            first = self._segments[0]
            if len(self._segments) == 1 and isinstance(first, _File):
                first.begin_again(self._next_seq)
                return
            self._segments.pop(0).remove()

    def remove(self) -> None:
        """Remove its files."""
        while self._segments:
            self._segments.pop().remove()

    def _after_first(self) -> int:
        return self._segments[1].first_seq if len(self._segments) > 1 else self._next_seq

    def _file(self) -> "_File":
        last = self._segments[-1] if self._segments else None
        if isinstance(last, _File) and last.size < self._segment_bytes:
            return last
        self._files += 1
        new = _File(self._path.with_name(f"{self._path.name}.{self._files}"), self._next_seq)
        self._segments.append(new)
        return new


class _File:
    """Frames one after the other, and where each begins."""

    def __init__(self, path: Path, first_seq: int) -> None:
        self.first_seq = first_seq
        self.size = 0
        self._starts = array("Q")
        self._path = path
        self._descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)

    def write(self, buffers: Sequence[bytes]) -> None:
        wanted = sum(map(len, buffers))
        try:
            written = os.pwritev(self._descriptor, buffers[:MAX_BUFFERS], self.size)
            if written < wanted:
                self._write_rest(memoryview(b"".join(buffers))[written:], self.size + written)
        except OSError:
            os.ftruncate(self._descriptor, self.size)
            raise
        self._starts.append(self.size)
        self.size += wanted

    def _write_rest(self, data: memoryview, position: int) -> None:
        while data:
            written = os.pwrite(self._descriptor, data, position)
            data, position = data[written:], position + written

    def read(self, seq: int, size: int) -> tuple[bytes, int]:
        number = seq - self.first_seq
        start = self._starts[number]
        after = max(bisect_right(self._starts, start + size) - 1, number + 1)
        if start + size >= self.size or after == len(self._starts):
            after, end = len(self._starts), self.size
        else:
            end = self._starts[after]
        return os.pread(self._descriptor, end - start, start), self.first_seq + after

    def begin_again(self, first_seq: int) -> None:
        if self.size:
            os.ftruncate(self._descriptor, 0)
        self.first_seq, self.size = first_seq, 0
        del self._starts[:]

    def remove(self) -> None:
        os.close(self._descriptor)
        self._path.unlink(missing_ok=True)


class _Memory:
    """One record that the disk did not take."""

    def __init__(self, first_seq: int, frame: bytes) -> None:
        self.first_seq = first_seq
        self.size = len(frame)
        self._frame = frame

    def read(self, _seq: int, _size: int) -> tuple[bytes, int]:
        return self._frame, self.first_seq + 1

    def remove(self) -> None:
        self._frame = b""
