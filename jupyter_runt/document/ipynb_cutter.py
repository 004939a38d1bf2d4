"""Cutting large values of outputs out of a notebook file, without making objects of it."""

import re
from collections.abc import Generator, Iterable, Iterator
from itertools import chain
from typing import Final

from jupyter_runt.document.cuts import LARGE, Cuts
from jupyter_runt.document.spill import FileText, parts_of

BOM: Final = b"\xef\xbb\xbf"

MAX_KEY: Final = 1 << 16
"""Bytes; a notebook has no longer ones."""

_STRING: Final = rb'"(?:[^"\\]++|\\.)*+"'
_FLAT: Final = rb'(?:[^"{}\[\]]++|' + _STRING + rb")*+"
_KEY: Final = re.compile(_STRING, re.DOTALL)
_SPACE: Final = re.compile(rb"[ \t\n\r]*+")
_SCALAR: Final = re.compile(rb"[-+.\w]*+")
_IN_STRING: Final = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_INSIDE: Final = re.compile(
    rb'(?:[^"{}\[\]]++|' + _STRING + rb"|\[" + _FLAT + rb"\]|\{" + _FLAT + rb"\})*+", re.DOTALL
)
"""What has no bracket of its own, and the lists and objects whose items have none."""


def cut_out(content: FileText, cuts: Cuts) -> bytes:
    """Return the JSON of a notebook with marks for the large values of its outputs.

    Only what looks as nbformat 4 has it is cut; all else is returned as it came. Where the result
    and what was cut are JSON, the whole was, and the other way round.
    """
    cutter = _Cutter(parts_of(content), cuts)
    try:
        cutter.notebook()
    except _Unexpected:
        pass  # whoever parses it says what is wrong
    except OSError:  # a full disk
        return b"".join(parts_of(content))
    return cutter.rest()


class _Unexpected(Exception):
    """This is not what a notebook looks like."""


class _Cutter:
    """Reads a file in a window that moves on; what it passes goes into the result."""

    def __init__(self, parts: Iterable[bytes], cuts: Cuts) -> None:
        self._parts = iter(parts)
        self._cuts = cuts
        self._result: list[bytes] = []
        self._window = b""
        self._at = self._taken = 0
        """In the window: what comes next, and what is not in the result yet."""

    def rest(self) -> bytes:
        """Return the result, with all that was not read."""
        self._take()
        return b"".join((*self._result, self._window[self._at :], *self._parts))

    def notebook(self) -> None:
        """Cut what is to be cut; raises _Unexpected where it ends before the notebook does."""
        while len(self._window) < len(BOM) and self._more():
            pass
        if self._window.startswith(BOM):
            self._at = len(BOM)
        self._space()
        for key in self._members():
            if key == b'"cells"' and self._peek() == b"[":
                for _ in self._items():
                    self._cell()
            else:
                self._value()

    def _cell(self) -> None:
        for key in self._members():
            if key == b'"outputs"' and self._peek() == b"[":
                for _ in self._items():
                    self._output()
            else:
                self._value()

    def _output(self) -> None:
        for key in self._members():
            if key == b'"data"' and self._peek() == b"{":
                for _ in self._members():
                    self._cut_if_large()
            else:
                self._cut_if_large()

    def _cut_if_large(self) -> None:
        passed = self._passed()
        held, size = list[bytes](), 0
        while size < LARGE:
            if (part := next(passed, None)) is None:
                self._result += held
                return
            held.append(part)
            size += len(part)
        self._result.append(f'"{self._cuts.put(chain(held, passed)).mark}"'.encode())

    def _value(self) -> None:
        self._result += self._passed()

    def _members(self) -> Iterator[bytes]:
        """Stop before each value of an object, yielding its key."""
        for _ in self._items(b"{", b"}"):
            key = self._key()
            self._space()
            self._expect(b":")
            self._space()
            yield key

    def _items(self, opening: bytes = b"[", closing: bytes = b"]") -> Iterator[None]:
        """Stop before each item."""
        self._expect(opening)
        self._space()
        if self._peek() == closing:
            self._at += 1
            return
        while True:
            yield
            self._space()
            if self._peek() == closing:
                self._at += 1
                return
            self._expect(b",")
            self._space()

    def _passed(self) -> Generator[bytes, None, None]:
        """Pass over a value, yielding it in parts. One that is cut short is no JSON either way."""
        self._take()
        depth = 0
        while True:
            if depth:
                self._pass(_INSIDE)
            if self._at == len(self._window) and not (yield from self._moved_on()):
                break
            match self._window[self._at : self._at + 1]:
                case b'"':
                    yield from self._string()
                case b"[" | b"{":
                    depth += 1
                    self._at += 1
                case b"]" | b"}" if depth:
                    depth -= 1
                    self._at += 1
                case _ if not depth:
                    yield from self._scalar()
            if not depth:
                break
        if self._taken < self._at:
            yield self._moved()

    def _scalar(self) -> Generator[bytes, None, None]:
        while True:
            self._pass(_SCALAR)
            if self._at < len(self._window) or not (yield from self._moved_on()):
                return

    def _string(self) -> Generator[bytes, None, None]:
        self._at += 1
        while True:
            quote = self._window.find(b'"', self._at)
            end = quote if quote >= 0 else len(self._window)
            if self._window.find(b"\\", self._at, end) < 0:
                self._at = end
            else:
                self._pass(_IN_STRING)
            if self._window.startswith(b'"', self._at):
                self._at += 1
                return
            if not (yield from self._moved_on()):  # what is left is a backslash, if anything
                return

    def _moved_on(self) -> Generator[bytes, None, bool]:
        """Yield what was passed, and go on to more; return whether there is any."""
        if self._taken < self._at:
            yield self._moved()
        return self._more()

    def _moved(self) -> bytes:
        passed, self._taken = self._window[self._taken : self._at], self._at
        return passed

    def _take(self) -> None:
        if self._taken < self._at:
            self._result.append(self._moved())

    def _more(self) -> bool:
        """Move the window on to what comes next."""
        self._take()
        part = next(filter(None, self._parts), b"")
        self._window, self._at, self._taken = self._window[self._at :] + part, 0, 0
        return bool(part)

    def _peek(self) -> bytes:
        if self._at == len(self._window):
            self._more()
        return self._window[self._at : self._at + 1]

    def _pass(self, pattern: re.Pattern[bytes]) -> None:
        if (found := pattern.match(self._window, self._at)) is not None:
            self._at = found.end()

    def _space(self) -> None:
        while True:
            self._pass(_SPACE)
            if self._at < len(self._window) or not self._more():
                return

    def _expect(self, byte: bytes) -> None:
        if self._peek() != byte:
            raise _Unexpected
        self._at += 1

    def _key(self) -> bytes:
        while (found := _KEY.match(self._window, self._at)) is None:
            if len(self._window) - self._at > MAX_KEY or not self._more():
                raise _Unexpected
        self._at = found.end()
        return found[0]
