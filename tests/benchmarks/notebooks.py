"""Notebooks to measure with."""

from pathlib import Path
from typing import Any

import nbformat


def write_notebook(path: Path, cells: int, *, lines: int = 0, source: str = "x = 1") -> None:
    """Write a notebook of code cells, each with a stream output of so many lines."""
    nbformat.write(_notebook(cells, lines, source), path)


def _notebook(cells: int, lines: int, source: str) -> Any:
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(metadata=metadata)
    text = "".join(f"line {number} of what this cell printed\n" for number in range(lines))
    for number in range(cells):
        outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)] if lines else []
        notebook.cells.append(
            nbformat.v4.new_code_cell(
                source,
                id=f"cell-{number}",
                outputs=outputs,
                execution_count=number + 1 if lines else None,
            )
        )
    return notebook
