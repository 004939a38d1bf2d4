"""Notebook files as the many programs that write them leave them, well-formed or not."""

import json
import os
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

FOLDER: Final = "JUPYTER_RUNT_CORPUS"
"""Environment variable: a folder whose notebooks are tried as well."""

PNG: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5=\n"
)

CODE: Final[dict[str, Any]] = {
    "cell_type": "code",
    "execution_count": 3,
    "id": "c0",
    "metadata": {"collapsed": True, "tags": ["a"], "trusted": False},
    "outputs": [
        {"name": "stdout", "output_type": "stream", "text": ["é\n", "😀"]},
        {
            "data": {
                "text/plain": ["<x>"],
                "text/html": "<b>\n</b>",
                "image/png": PNG,
                "application/json": {"b": [1, 2.5], "a": ["x\n", "y"]},
                "application/vnd.odd+json": ["x\n", "y\n"],
            },
            "execution_count": 3,
            "metadata": {"image/png": {"width": 3}},
            "output_type": "execute_result",
        },
        {"ename": "E", "evalue": "no", "output_type": "error", "traceback": ["\x1b[31mE\x1b[0m"]},
    ],
    "source": ["import this\n", "\n", "x = '\U0001d54f'  # \u2028\n", "x"],
}
MARKDOWN: Final[dict[str, Any]] = {
    "attachments": {"a.png": {"image/png": PNG}},
    "cell_type": "markdown",
    "id": "c1",
    "metadata": {},
    "source": ["# T\n", "![a](attachment:a.png)"],
}
RAW: Final[dict[str, Any]] = {
    "cell_type": "raw",
    "id": "c2",
    "metadata": {"format": "text/latex", "raw_mimetype": "text/latex"},
    "source": "one\nstring",
}
NOTEBOOK: Final[dict[str, Any]] = {
    "cells": [CODE, MARKDOWN, RAW],
    "metadata": {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python", "version": "3.11.2"},
    },
    "nbformat": 4,
    "nbformat_minor": 5,
}

_RAW_TEXTS: Final = {
    "numbers": """{"cells": [
 {"cell_type": "code", "id": "a", "source": "1", "execution_count": 1.0, "outputs": [],
  "metadata": {"f": 1.50, "e": 1E2, "z": -0.0, "big": 12345678901234567890, "i": 007}}
], "metadata": {"f": 1e2, "nan": NaN, "inf": -Infinity}, "nbformat": 4.0, "nbformat_minor": 5}
""".replace("007", "7.0"),
    "escapes": r"""{"cells": [
  {"cell_type": "code", "id": "a", "metadata": {"\u00e9": "\/"}, "source": "'\ud83d\ude00 \ud83d'",
   "execution_count": null, "outputs": [{"output_type": "stream", "name": "stdout",
   "text": "\udc00\u0000\u001b"}]},
  {"cell_type": "markdown", "id": "b", "metadata": {}, "source": ["\u2028", "\u00e9\n"]}
 ], "metadata": {"lone": "\ud800"}, "nbformat": 4, "nbformat_minor": 5}""",
    "ragged": """ {"nbformat":4, "nbformat_minor" : 5,
   "custom": {"b": 1, "a": [1,2]},
  "metadata":{"zeta":1.50,"alpha":1e2 },
"cells":[
     {"id":"c0","cell_type":"code","source":"one","metadata":{},"outputs":[],
"execution_count":null},
{"cell_type":"markdown", "id":"c1",
\t"source":["# T\\u00eftle\\n", "\\/slash"],"metadata":{}, "later": "key"}   ,
     {"id":"c2","cell_type":"raw","source":"","metadata":{}}
 ]}

""",
    "repeated keys": """{"cells": [{"cell_type": "raw", "id": "x", "id": "a", "metadata": {},
"source": "b", "source": "a"}], "metadata": {}, "nbformat_minor": 4, "nbformat": 4,
"nbformat_minor": 5}""",
}


def _dumped(notebook: Any = NOTEBOOK, **style: Any) -> bytes:
    """Return a notebook as Jupyter writes it, apart from `style`."""
    usual = {"indent": 1, "sort_keys": True, "ensure_ascii": False}
    return (json.dumps(notebook, **(usual | style)) + "\n").encode()


def _minor(minor: int) -> bytes:
    notebook = deepcopy(NOTEBOOK)
    notebook["nbformat_minor"] = minor
    for cell in notebook["cells"]:
        del cell["id"]
        if minor == 0:
            cell.pop("attachments", None)
    return _dumped(notebook)


def _cells(*changes: dict[str, Any]) -> bytes:
    """Return a notebook with these members of its first cells changed; None removes one."""
    notebook = deepcopy(NOTEBOOK)
    for cell, changed in zip(notebook["cells"], changes, strict=False):
        cell.update(changed)
        for key in [key for key, value in changed.items() if value is None]:
            del cell[key]
    return _dumped(notebook)


def _large_outputs() -> bytes:
    streams = [{"name": "stdout", "output_type": "stream", "text": ["line\n"] * 20_000}]
    image = {"data": {"image/png": PNG * 20_000}, "metadata": {}, "output_type": "display_data"}
    return _cells({"outputs": [*streams, image]})


def _version_3() -> bytes:
    code = {
        "cell_type": "code",
        "collapsed": False,
        "input": ["print(1)\n", "2"],
        "language": "python",
        "metadata": {},
        "outputs": [
            {"output_type": "stream", "stream": "stdout", "text": ["1\n"]},
            {"metadata": {}, "output_type": "pyout", "prompt_number": 1, "text": ["2"]},
        ],
        "prompt_number": 1,
    }
    heading = {"cell_type": "heading", "level": 2, "metadata": {}, "source": ["T"]}
    plain = {"cell_type": "markdown", "metadata": {}, "source": ["*a*"]}
    sheet = {"cells": [code, heading, plain, code], "metadata": {}}
    return _dumped(
        {"metadata": {"name": "old"}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [sheet]}
    )


def generated() -> dict[str, bytes]:
    """Return files by what is special about them."""
    usual = _dumped()
    return {
        **{f"4.{minor}": _minor(minor) for minor in range(5)},
        "4.5": usual,
        "3": _version_3(),
        "no cells": _dumped({**NOTEBOOK, "cells": []}),
        "large outputs": _large_outputs(),
        "no ids": _cells({"id": None}, {"id": None}, {"id": None}),
        "one id twice": _cells({}, {"id": "c0"}, {"id": "c0"}),
        "ids that are none": _cells({"id": ""}, {"id": 7}, {"id": "a b/c"}),
        "bare cells": _cells(
            {"outputs": None, "execution_count": None, "metadata": None}, {"source": None}
        ),
        "unknown keys": _cells(
            {"later": {"z": 1, "a": [None, True]}, "metadata": {"runt": {"odd": []}, "é": "ü"}},
            {"attachments": {}},
            {"outputs": [], "execution_count": 1},
        ),
        "unknown outputs": _cells(
            {"outputs": [{"output_type": "later", "x": [1]}, {"output_type": "display_data"}]}
        ),
        "unsorted": _dumped(dict(reversed(NOTEBOOK.items())), sort_keys=False),
        "ascii": _dumped(ensure_ascii=True),
        "two spaces": _dumped(indent=2),
        "tabs": _dumped(indent="\t"),
        "no indent": _dumped(indent=0),
        "one line": _dumped(indent=None),
        "compact": _dumped(indent=None, separators=(",", ":")),
        "no newline at the end": usual.rstrip(),
        "CRLF": usual.replace(b"\n", b"\r\n"),
        "BOM": b"\xef\xbb\xbf" + usual,
        **{name: text.encode() for name, text in _RAW_TEXTS.items()},
    }


def files() -> Iterator[tuple[str, bytes | Path]]:
    """Yield the generated files, and those of the corpus folder if there is one."""
    yield from generated().items()
    if folder := os.environ.get(FOLDER):
        for path in sorted(Path(folder).rglob("*.ipynb")):
            if path.is_file():
                yield path.relative_to(folder).as_posix(), path
