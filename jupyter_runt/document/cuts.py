"""Large values of a notebook file, kept apart from its JSON until somebody asks for one."""

import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum, auto
from typing import Any, Final

from jupyter_runt.artifacts import Artifact
from jupyter_runt.document.base64_text import decoded
from jupyter_runt.document.cells import joined
from jupyter_runt.document.spill import Spill, Spilled

LARGE: Final = 16 * 1024
"""Bytes of JSON from which on a value is worth it."""


class _Form(Enum):
    """How the base64 that a JSON string is was written."""

    LINE = auto()
    LINES = auto()
    OTHER = auto()
    """It is no base64."""


class Cut:
    """A value that was cut out of a text."""

    __slots__ = ("_cuts", "_form", "as_text", "number")

    def __init__(self, cuts: "Cuts", number: int) -> None:
        self._cuts = cuts
        self.number = number
        self.as_text = False
        """Whether it is a text, in however many pieces the file has it."""
        self._form: _Form | None = None

    @property
    def mark(self) -> str:
        """The string that stands in its place."""
        return self._cuts.mark(self.number)

    @property
    def artifact(self) -> Artifact | None:
        """What it is beside the document, if somebody found out."""
        return self._cuts.artifacts.get(self.number)

    @artifact.setter
    def artifact(self, artifact: Artifact) -> None:
        self._cuts.artifacts[self.number] = artifact

    def raw(self) -> Any:
        """Return the value as the file has it; takes time.

        Raises:
            ValueError: it is no JSON.
        """
        return json.loads(str(self._cuts.view(self.number), "utf-8"))

    def value(self) -> Any:
        """Return the value as it is in memory; takes time."""
        return joined(self.raw()) if self.as_text else self.raw()

    def base64(self) -> bytes | memoryview | None:
        """Return the text that the value is, if it is base64, with line breaks or without.

        That takes a fraction of the time of `raw`.
        """
        content = self._cuts.view(self.number)
        self._form = self._form or _form(content)
        if self._form is _Form.OTHER:
            return None
        text = content[1:-1]
        return text if self._form is _Form.LINE else bytes(text).replace(b"\\n", b"\n")


class Cuts:
    """The values that were cut out of one text, each of which left a mark: a JSON string.

    The marks have a word that nobody who wrote the text can have known. Not thread-safe; what the
    disk does not take is an `OSError`.
    """

    def __init__(self) -> None:
        self._word = secrets.token_hex(16)
        self._mark = re.compile(rf"{self._word}-(\d+)")
        self._quoted = re.compile(rf'"{self._word}-(\d+)"')
        self._spill: Spill | None = None
        self._places: dict[int, Spilled] = {}
        self._next = 0
        self.artifacts: dict[int, Artifact] = {}

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._places)

    def mark(self, number: int) -> str:
        """Return the string that stands for a value."""
        return f"{self._word}-{number}"

    def put(self, parts: Iterable[bytes]) -> Cut:
        """Keep the JSON of a value."""
        self._spill = self._spill or Spill()
        cut = Cut(self, self._next)
        self._places[cut.number] = self._spill.add(parts)
        self._next += 1
        return cut

    def blocks(self, number: int) -> Iterator[bytes]:
        """Yield the JSON of a value in parts."""
        if self._spill is not None:
            yield from self._spill.blocks(self._places[number])

    def view(self, number: int) -> memoryview:
        """Return the JSON of a value, without a copy of it."""
        return self._spill.view(self._places[number]) if self._spill else memoryview(b"")

    def restored(self, value: Any) -> Any:
        """Return a JSON value with a `Cut` for each mark in it."""
        if isinstance(value, str):
            found = self._mark.fullmatch(value)
            return Cut(self, int(found[1])) if found else value
        if isinstance(value, dict):
            return {key: self.restored(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.restored(item) for item in value]
        return value

    def parts(self, text: str) -> Iterator[bytes]:
        """Yield a text with the values that its marks stand for."""
        if self._word not in text:
            yield text.encode()
            return
        at = 0
        for found in self._quoted.finditer(text):
            yield text[at : found.start()].encode()
            yield from self.blocks(int(found[1]))
            at = found.end()
        yield text[at:].encode()

    def marked(self, text: str) -> set[int]:
        """Return the values whose marks are in a text."""
        if self._word not in text:
            return set()
        return {int(found[1]) for found in self._quoted.finditer(text)}

    def tidy(self, used: set[int], *, slack: int) -> None:
        """Let go of all other values, where they are most of what is kept and more than `slack`.

        What yields parts of a text goes on from where they were.
        """
        there = sum(self._places[number].length for number in used)
        if self._spill is None or self._spill.size <= 2 * there + slack:
            return
        try:
            spill = Spill()
            places = {number: spill.add(self.blocks(number)) for number in sorted(used)}
        except OSError:  # a full disk
            return
        self._spill, self._places = spill, places
        self.artifacts = {n: a for n, a in self.artifacts.items() if n in used}


def _form(content: memoryview) -> _Form:
    if bytes(content[:1]) != b'"' or bytes(content[-1:]) != b'"':
        return _Form.OTHER
    text = content[1:-1]
    if decoded(text) is not None:
        return _Form.LINE
    lines = bytes(text)
    in_lines = b"\\n" in lines and decoded(lines.replace(b"\\n", b"")) is not None
    return _Form.LINES if in_lines else _Form.OTHER


def loaded(value: Any) -> Any:
    """Return a JSON value in which nothing is cut out; takes time where something was."""
    if isinstance(value, Cut):
        return value.value()
    if isinstance(value, Mapping):
        return {key: loaded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [loaded(item) for item in value]
    return value


def marked(value: Any) -> Any:
    """Return what `json` writes for a cut."""
    if isinstance(value, Cut):
        return value.mark
    raise TypeError(f"{type(value).__name__} is no JSON")
