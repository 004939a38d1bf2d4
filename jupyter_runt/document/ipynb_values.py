"""The JSON of large values, made in parts of what comes in parts."""

import codecs
import json
from collections.abc import Iterable, Iterator
from typing import Final

from jupyter_runt.document.base64_text import encoded
from jupyter_runt.document.ipynb_disk import is_json_mime, is_lined
from jupyter_runt.document.ipynb_layout import Style
from jupyter_runt.document.references import is_binary

_PLACE_OF_STREAM: Final = 5
_PLACE_IN_BUNDLE: Final = 6
"""Levels deep in a notebook."""


def json_parts(
    mime: str, blocks: Iterable[bytes], style: Style, *, stream: bool = False
) -> Iterator[bytes]:
    """Yield the JSON of an artifact as a notebook file has it.

    Args:
        blocks: its content, in parts.
        stream: whether it is the text of a stream, and not of a MIME bundle.

    Raises:
        ValueError: it is not what its MIME type says.
    """
    depth = _PLACE_OF_STREAM if stream else _PLACE_IN_BUNDLE
    if is_json_mime(mime):
        yield style.dump(json.loads(b"".join(blocks)), depth).encode()
    elif is_binary(mime):
        yield from _base64(blocks)
    elif stream or is_lined(mime):
        yield from _lines(_texts(blocks), style, depth)
    else:
        yield b'"'
        for text in _texts(blocks):
            yield _inside(text, style)
        yield b'"'


def _base64(blocks: Iterable[bytes]) -> Iterator[bytes]:
    yield b'"'
    left = b""
    for block in blocks:
        data = left + block
        end = len(data) - len(data) % 3
        left = data[end:]
        yield encoded(memoryview(data)[:end])
    yield encoded(left) + b'"'


def _texts(blocks: Iterable[bytes]) -> Iterator[str]:
    """Yield a text in parts, none of which ends in the middle of a line break."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    held = ""
    for block in blocks:
        text = held + decoder.decode(block)
        held = "\r" if text.endswith("\r") else ""
        yield text.removesuffix(held) if held else text
    yield held + decoder.decode(b"", final=True)


def _lines(texts: Iterable[str], style: Style, depth: int) -> Iterator[bytes]:
    """Yield the JSON of the list of a text's lines."""
    opening, closing = f'[{style.line(depth + 1)}"', f'"{style.line(depth)}]'
    comma = style.comma if style.indent is None else ","
    yield opening.encode()
    ended = False
    for text in texts:
        if not (lines := text.splitlines(keepends=True)):
            continue
        if ended:
            yield f'"{comma}{style.line(depth + 1)}"'.encode()
        yield style.dump(lines, depth)[len(opening) : -len(closing)].encode()
        ended = lines[-1].splitlines()[0] != lines[-1]
    yield closing.encode()


def _inside(text: str, style: Style) -> bytes:
    return style.dump(text, 0)[1:-1].encode()
