"""What a stream looks like on a terminal: carriage returns, backspaces and cursor moves folded.

Only the last lines of a stream can still change, as on a screen; what scrolled out of that window
is never looked at again. Colours (SGR) stay as they were sent, except in lines that were
overwritten, where each character keeps the colour that it was written with.
"""

import re
from dataclasses import dataclass, field
from typing import Final

OPEN_LINES: Final = 100
"""How far up a progress display may move its cursor, and how high the screen is."""

OPEN_CHARS: Final = 16_384
"""How much of the end of a stream may still change."""

WIDTH: Final = 1_000
"""How far right a cursor may go beyond the end of its line, as there is no screen to stop it."""

_CONTROL: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, erase
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: hyperlinks, titles
    r"|\x1b[@-Z\\^_=>78]"  # other two-byte sequences
    r"|[\r\b\n]"
)
_PARTIAL: Final = re.compile(r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}|\][^\x07\x1b]{0,2048}\x1b?)?\Z")
_NUMBERS: Final = re.compile(r"[0-9;]*")
_PLAIN: Final = re.compile(r"[\r\b\x1b]")

_ATTRIBUTES: Final = {
    **dict.fromkeys((1, 2, 22), "weight"),
    **dict.fromkeys((3, 23), "italic"),
    **dict.fromkeys((4, 21, 24), "underline"),
    **dict.fromkeys((5, 6, 25), "blink"),
    **dict.fromkeys((7, 27), "inverse"),
    **dict.fromkeys((8, 28), "conceal"),
    **dict.fromkeys((9, 29), "strike"),
    **dict.fromkeys((*range(30, 40), *range(90, 98)), "foreground"),
    **dict.fromkeys((*range(40, 50), *range(100, 108)), "background"),
}

Pen = tuple[tuple[str, str], ...]
"""The colours in force: (what they set, SGR parameters), the latest last."""


@dataclass(slots=True)
class _Cell:
    pen: Pen
    text: str


@dataclass(slots=True)
class _Line:
    """A line of the window: as it was sent (`raw`) until the cursor moves inside it (`cells`)."""

    start: Pen
    raw: list[str] = field(default_factory=list)
    cells: list[_Cell] | None = None
    end: Pen = ()

    def text(self) -> str:
        """Return the line as it is to be shown."""
        if self.cells is None:
            return "".join(self.raw)
        parts: list[str] = []
        pen = self.start
        for cell in self.cells:
            parts.extend((_change(pen, cell.pen), cell.text))
            pen = cell.pen
        parts.append(_change(pen, self.end))
        return "".join(parts)

    def open(self) -> list[_Cell]:
        """Return the line's characters, each with its colours."""
        if self.cells is None:
            pen = self.start
            cells: list[_Cell] = []
            for part in _split("".join(self.raw)):
                if part.startswith("\x1b["):
                    pen = _sgr(pen, part)
                elif part.startswith("\x1b"):
                    cells.append(_Cell(pen, part))
                else:
                    cells.extend(_Cell(pen, char) for char in part)
            self.cells = cells
            self.raw = []
        return self.cells


class StreamText:
    """The text of one stream output, fed in chunks and taken as edits of its end."""

    def __init__(self) -> None:
        self._closed_bytes = 0  # of the text before `_unsent`
        self._unsent: list[str] = []  # scrolled out of the window since the last `take`
        self._lines = [_Line(())]
        self._open_chars = 0
        self._row = 0
        self._top = 0  # of the screen, as far as it was known before lines were erased
        self._column: int | None = None  # None: at the end of a line as it was sent
        self._pen: Pen = ()
        self._partial = ""
        self._taken = ""

    @property
    def settled(self) -> int:
        """How many bytes of what was taken will never change."""
        return self._closed_bytes

    def feed(self, chunk: str) -> None:
        """Write `chunk` at the cursor."""
        chunk = self._partial + chunk
        self._partial = ""
        if self._column is None and self._row == len(self._lines) - 1 and not _PLAIN.search(chunk):
            self._append(chunk)
        else:
            if found := _PARTIAL.search(chunk):
                self._partial = found.group()
                chunk = chunk[: found.start()]
            self._interpret(chunk)
        self._scroll()

    def take(self) -> tuple[int, str] | None:
        """Return how the text changed since the last call, or None if it did not.

        Returns:
            How many bytes (UTF-8) of what there was stay, and the text that follows them.
        """
        window = "".join(self._window())
        now = "".join(self._unsent) + window
        before = self._taken
        same = common_prefix(before, now)
        change = None
        if same < len(before) or same < len(now):
            change = (self._closed_bytes + len(now[:same].encode()), now[same:])
        self._closed_bytes += sum(len(text.encode()) for text in self._unsent)
        self._unsent.clear()
        self._taken = window
        return change

    def _window(self) -> list[str]:
        texts = [line.text() for line in self._lines]
        return [text + "\n" for text in texts[:-1]] + texts[-1:]

    def _append(self, chunk: str) -> None:
        first, *others = chunk.rsplit("\n", 2 * OPEN_LINES)
        if len(others) == 2 * OPEN_LINES:
            self._unsent.extend((*self._window(), first, "\n"))
            self._lines = [_Line(self._pen, end=self._pen)]
            self._top = self._open_chars = 0
            first, *others = others
        self._lines[-1].raw.append(first)
        for text in others:
            self._lines[-1].end = self._pen
            self._lines.append(_Line(self._pen, raw=[text], end=self._pen))
        self._row = len(self._lines) - 1
        self._open_chars += sum(map(len, others), len(first)) + len(others)

    def _interpret(self, chunk: str) -> None:
        position = 0
        for control in _CONTROL.finditer(chunk):
            self._write(chunk[position : control.start()])
            self._control(control.group())
            position = control.end()
        self._write(chunk[position:])

    def _write(self, text: str) -> None:
        if not text:
            return
        self._open_chars += len(text)
        line = self._lines[self._row]
        if self._column is None and line.cells is None:
            line.raw.append(text)
            line.end = self._pen
            return
        cells = line.open()
        column = len(cells) if self._column is None else self._column
        self._open_chars += max(column - len(cells), 0)
        cells.extend(_Cell((), " ") for _ in range(column - len(cells)))
        cells[column : column + len(text)] = [_Cell(self._pen, char) for char in text]
        self._column = column + len(text)
        if self._row == len(self._lines) - 1:
            line.end = self._pen

    def _control(self, control: str) -> None:
        match control:
            case "\n":
                self._newline()
            case "\r":
                self._move_to(0)
            case "\b":
                self._move_to(self._at() - 1)
            case _ if control.startswith("\x1b["):
                self._csi(control)
            case _ if control.startswith("\x1b]") and self._column is None:
                self._write(control)
            case _:
                pass

    def _csi(self, control: str) -> None:
        parameters, kind = control[2:-1], control[-1]
        if kind == "m":
            self._colour(control)
            return
        if not _NUMBERS.fullmatch(parameters):
            return  # private modes, such as hiding the cursor
        given, *others = map(_number, parameters.split(";"))
        count = max(given, 1)
        match kind:
            case "A" | "F":
                self._move_row(-count, home=kind == "F")
            case "B" | "E":
                self._move_row(count, home=kind == "E")
            case "C":
                self._move_to(self._at() + count)
            case "D":
                self._move_to(self._at() - count)
            case "G":
                self._move_to(count - 1)
            case "K":
                self._erase_line(given)
            case "@" | "P" | "X":
                self._shift(kind, count)
            case "H" | "f":
                self._move_on_screen(count - 1, max(*others, 1) - 1 if others else 0)
            case "J" if given < 3:
                self._erase_screen(given)
            case _:
                pass

    def _colour(self, control: str) -> None:
        self._pen = _sgr(self._pen, control)
        line = self._lines[self._row]
        if self._column is None and line.cells is None:
            line.raw.append(control)
        if self._row == len(self._lines) - 1:
            line.end = self._pen

    def _at(self) -> int:
        return len(self._lines[self._row].open()) if self._column is None else self._column

    def _move_to(self, column: int) -> None:
        furthest = max(len(self._lines[self._row].open()), WIDTH)
        self._column = min(max(column, 0), furthest)

    def _move_row(self, count: int, *, home: bool) -> None:
        column = 0 if home else self._at()
        self._lines[self._row].open()
        self._row = min(max(self._row + count, 0), len(self._lines) - 1)
        self._move_to(column)

    def _top_row(self) -> int:
        """Return the line in which the screen begins: as on a terminal, it only moves down."""
        self._top = max(self._top, len(self._lines) - OPEN_LINES)
        return self._top

    def _move_on_screen(self, row: int, column: int) -> None:
        top = self._top_row()
        self._row = top + min(row, OPEN_LINES - 1)
        while len(self._lines) > self._row + 1 and not self._lines[-1].text().strip():
            del self._lines[-1]
        for _ in range(self._row + 1 - len(self._lines)):
            self._lines.append(_Line(self._pen, cells=[], end=self._pen))
            self._open_chars += 1
        self._move_to(column)

    def _erase_screen(self, which: int) -> None:
        """Erase what is behind the cursor (0), before it (1), or both (2)."""
        top = self._top_row()
        self._erase_line(which)
        if which > 0:
            for line in self._lines[top : self._row]:
                line.open().clear()
        if which != 1:
            del self._lines[self._row + 1 :]

    def _newline(self) -> None:
        if self._row < len(self._lines) - 1:
            self._row += 1
            self._move_to(0)
            return
        self._lines[-1].end = self._pen
        self._lines.append(_Line(self._pen, end=self._pen))
        self._row += 1
        self._column = None
        self._open_chars += 1
        if self._open_chars > 4 * OPEN_CHARS:
            self._scroll()

    def _erase_line(self, which: int) -> None:
        cells = self._lines[self._row].open()
        column = self._at()
        if which == 0:
            del cells[column:]
        elif which == 1:
            cells[: column + 1] = [_Cell((), " ") for _ in range(min(column + 1, len(cells)))]
        else:
            cells.clear()
        self._column = column

    def _shift(self, kind: str, count: int) -> None:
        """Insert blanks at the cursor (`@`), delete characters (`P`), or blank them (`X`)."""
        column = self._at()
        cells = self._lines[self._row].open()
        there = len(cells[column : column + count])
        if kind != "@":
            del cells[column : column + there]
        if kind == "@":
            there = max(min(count, WIDTH - len(cells)), 0) if there else 0
        if kind != "P":
            cells[column:column] = [_Cell((), " ") for _ in range(there)]
        self._column = column

    def _scroll(self) -> None:
        """Let go of what no cursor can reach any more; in big steps, which cost less."""
        if len(self._lines) <= 2 * OPEN_LINES and self._open_chars <= 2 * OPEN_CHARS:
            return
        window = self._window()
        size = sum(map(len, window))
        excess = len(window) - OPEN_LINES
        gone = 0
        while gone < self._row and (gone < excess or size > OPEN_CHARS):
            size -= len(window[gone])
            gone += 1
        self._unsent.extend(window[:gone])
        self._top = max(self._top_row() - gone, 0)
        del self._lines[:gone]
        self._row -= gone
        line = self._lines[-1]
        if size > OPEN_CHARS and len(self._lines) == 1 and self._at_end(line):
            self._unsent.append(line.text())
            self._lines = [_Line(line.end, end=line.end)]
            self._column = None
            size = 0
        self._open_chars = size

    def _at_end(self, line: _Line) -> bool:
        return self._column is None or line.cells is None or self._column >= len(line.cells)


def _split(text: str) -> list[str]:
    parts: list[str] = []
    position = 0
    for control in _CONTROL.finditer(text):
        parts.extend((text[position : control.start()], control.group()))
        position = control.end()
    parts.append(text[position:])
    return [part for part in parts if part]


def _number(digits: str) -> int:
    return int(digits.lstrip("0")[:5] or 0)


def _sgr(pen: Pen, control: str) -> Pen:
    """Return the colours in force after a colour sequence."""
    now = dict(pen)
    codes = control[2:-1].replace(":", ";").split(";")
    index = 0
    while index < len(codes):
        code = _number(codes[index]) if codes[index].isdecimal() else 0
        length = 1
        if code in {38, 48}:
            length = {"5": 3, "2": 5}.get(codes[index + 1] if index + 1 < len(codes) else "", 1)
        if code == 0:
            now.clear()
        elif attribute := _ATTRIBUTES.get(code):
            now.pop(attribute, None)
            now[attribute] = ";".join(codes[index : index + length])
        index += length
    return tuple(now.items())


def _change(before: Pen, after: Pen) -> str:
    """Return the colour sequence that leads from one set of colours to another."""
    if before == after:
        return ""
    kept = dict(after)
    reset = any(attribute not in kept for attribute, _ in before)
    old = {} if reset else dict(before)
    codes = [code for attribute, code in after if old.get(attribute) != code]
    return f"\x1b[{';'.join((['0'] if reset else []) + codes)}m"


def common_prefix(a: str, b: str) -> int:
    """Return how many characters two texts begin with in common."""
    if b.startswith(a):
        return len(a)
    low, high = 0, min(len(a), len(b))
    while low < high:  # invariant: a[:low] == b[:low]
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
