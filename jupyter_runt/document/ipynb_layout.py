"""How a notebook file is spelled: its style, and where in its text each cell is."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from jupyter_runt.document.cuts import marked

_NOT_SPACE: Final = re.compile(r"[^ \t\n\r]")
_NON_ASCII_ESCAPE: Final = re.compile(r"\\u(?!00[0-7])")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Style:
    """How new JSON is written, so that it looks as the rest of the file does."""

    indent: str | None = " "
    """One level; None where everything stands on one line."""
    newline: str = "\n"
    comma: str = ", "
    """Between items that stand on one line."""
    colon: str = ": "
    escaped: bool = False
    """Whether what is not ASCII is written as escapes."""

    def dump(self, value: Any, depth: int) -> str:
        """Return the JSON of a value that stands `depth` levels deep."""
        text = json.dumps(
            value,
            indent=self.indent,
            separators=(self.comma if self.indent is None else ",", self.colon),
            ensure_ascii=self.escaped,
            default=marked,
        )
        if _SURROGATE.search(text):
            text = _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
        # A line break inside a JSON string is an escape, so those in the text are all layout.
        return text.replace("\n", self.line(depth))

    def line(self, depth: int) -> str:
        """Return what stands before an item that is `depth` levels deep."""
        return "" if self.indent is None else self.newline + self.indent * depth


class Item(NamedTuple):
    """An item of `cells`: its JSON, and the white space on both sides of it."""

    lead: str
    text: str
    trail: str


@dataclass(slots=True)
class Layout:
    """A JSON object, cut into pieces that are its text again when they are put together."""

    value: dict[str, Any] = field(default_factory=dict)
    """The object."""
    style: Style = field(default_factory=Style)
    members: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By key: the text before the value, and the value's; of `cells`, an empty one.

    Of a key that is there twice the last one counts; the others are under names that are no keys.
    """
    cells: list[Item] = field(default_factory=list)
    close: str = ""
    """White space before the bracket that ends `cells`."""
    tail: str = ""
    """What follows the last member."""


def scan(text: str) -> Layout:
    """Return the layout of a JSON object.

    Raises:
        json.JSONDecodeError: the text is none.
        RecursionError: it is nested too deeply.
    """
    return _Scanner(text).layout()


class _Scanner:
    """Reads the object's and the cells' brackets itself, and all values with the C scanner."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._decode = json.JSONDecoder().raw_decode

    def layout(self) -> Layout:
        layout = Layout()
        members: list[tuple[str, tuple[str, str]]] = []
        start = 0
        self._space()
        for _ in self._items("{", "}"):
            key = self._key()
            head, begin = self._text[start : self._at], self._at
            if key == "cells" and self._text.startswith("[", self._at):
                layout.value[key], layout.cells, layout.close = self._cells()
                begin = self._at  # their texts are in the items
            else:
                layout.value[key] = self._value()
            members.append((key, (head, self._text[begin : self._at])))
            start = self._at
        layout.members = _by_key(members)
        if isinstance(layout.value.get("cells"), list):
            layout.members["cells"] = (layout.members["cells"][0], "")
        layout.tail = self._text[start:]
        self._space()
        if self._at < len(self._text):
            raise self._error("Extra data")
        heads = [head for head, _ in layout.members.values()]
        layout.style = _style(self._text, heads)
        return layout

    def _cells(self) -> tuple[list[Any], list[Item], str]:
        values: list[Any] = []
        items: list[Item] = []
        start, close = self._at, ""
        for lead in self._items("[", "]"):
            begin = self._at
            values.append(self._value())
            end = self._at
            close = self._space()
            items.append(Item(lead, self._text[begin:end], close))
        if items:
            items[-1] = items[-1]._replace(trail="")
        else:
            close = self._text[start + 1 : self._at - 1]
        return values, items, close

    def _items(self, opening: str, closing: str) -> Iterator[str]:
        """Stop before each item, yielding the white space there, and after the closing bracket."""
        self._take(opening)
        lead = self._space()
        if self._text.startswith(closing, self._at):
            self._at += 1
            return
        while True:
            yield lead
            self._space()
            if self._text.startswith(closing, self._at):
                self._at += 1
                return
            self._take(",")
            lead = self._space()

    def _key(self) -> str:
        if not self._text.startswith('"', self._at):
            raise self._error("Expecting property name enclosed in double quotes")
        key: str = self._value()
        self._space()
        self._take(":")
        self._space()
        return key

    def _value(self) -> Any:
        value, self._at = self._decode(self._text, self._at)
        return value

    def _space(self) -> str:
        begin, found = self._at, _NOT_SPACE.search(self._text, self._at)
        self._at = found.start() if found else len(self._text)
        return self._text[begin : self._at]

    def _take(self, character: str) -> None:
        if not self._text.startswith(character, self._at):
            raise self._error(f"Expecting {character!r}")
        self._at += 1

    def _error(self, message: str) -> json.JSONDecodeError:
        return json.JSONDecodeError(message, self._text, self._at)


def _by_key(members: Sequence[tuple[str, tuple[str, str]]]) -> dict[str, tuple[str, str]]:
    last = {key: place for place, (key, _) in enumerate(members)}
    return {
        key if last[key] == place else f"{key} ({place})": texts
        for place, (key, texts) in enumerate(members)
    }


def _style(text: str, heads: Sequence[str]) -> Style:
    """Return the style of a JSON object, as what stands before its first members tells."""
    if not heads:
        return Style()
    gap = heads[0].partition("{")[2].partition('"')[0]
    _, colon = heads[0].rsplit('"', 1)
    comma = heads[1].partition('"')[0].strip("\r\n\t") if len(heads) > 1 else ", "
    return Style(
        indent=gap.rpartition("\n")[2] if "\n" in gap else None,
        newline="\r\n" if "\r\n" in gap else "\n",
        comma="," if comma == "," else ", ",
        colon=":" if colon == ":" else ": ",
        escaped=text.isascii() and any(map(_is_escape, _NON_ASCII_ESCAPE.finditer(text))),
    )


def _is_escape(found: re.Match[str]) -> bool:
    """Tell whether a backslash is not itself escaped."""
    first = at = found.start()
    while first > 0 and found.string[first - 1] == "\\":
        first -= 1
    return (at - first) % 2 == 0
