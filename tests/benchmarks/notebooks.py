"""Notebooks to measure with."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


def write_notebook(path: Path, cells: int, *, lines: int = 0, source: str = "x = 1") -> None:
    """Write a notebook of code cells, each with a stream output of so many lines."""
    _write(path, [_cell(number, lines, source) for number in range(cells)])


def write_code(path: Path, sources: Iterable[str]) -> None:
    """Write a notebook of code cells that were not run."""
    _write(path, [_cell(number, 0, source) for number, source in enumerate(sources)])


def _write(path: Path, cells: Sequence[dict[str, Any]]) -> None:
    notebook = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(notebook, indent=1) + "\n", encoding="utf-8")


def _cell(number: int, lines: int, source: str) -> dict[str, Any]:
    text = [f"line {line} of what this cell printed\n" for line in range(lines)]
    return {
        "cell_type": "code",
        "execution_count": number + 1 if lines else None,
        "id": f"cell-{number}",
        "metadata": {},
        "outputs": [{"name": "stdout", "output_type": "stream", "text": text}] if lines else [],
        "source": source.splitlines(keepends=True),
    }
