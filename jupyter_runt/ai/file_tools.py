"""The tool that reads files: what a question mentions as `@file:PATH`, if a person allows it."""

from typing import Final

from pydantic import Field

from jupyter_runt.ai.arguments import Arguments
from jupyter_runt.ai.excerpts import page
from jupyter_runt.ai.workplace import Outcome, Preview, Tool, Work

FILE_PAGE: Final = 20_000
"""Characters of one call: each one may be asked about."""


class ReadFile(Arguments):
    """Which part of which file."""

    path: str = Field(min_length=1, max_length=1000, description="Path from the notebook's folder.")
    offset: int = Field(default=0, ge=0, description="Where to begin, in characters.")


async def _preview(work: Work, arguments: ReadFile) -> Preview:
    return Preview(work.place.beside(arguments.path))


async def read_file(work: Work, arguments: ReadFile, preview: Preview) -> Outcome:
    """Tell a part of the file that a person was shown the path of, wherever the notebook is now."""
    text = await work.place.file_text(preview.text)
    how = f"read_file(path={arguments.path!r}, offset={{offset}}) goes on"
    shown = page(text, arguments.offset, FILE_PAGE, how)
    return Outcome(shown or "The file is empty.", tainted=bool(text))


FILES: Final = (
    Tool(
        "read_file",
        "Read a text file, such as one that the question mentions as @file:PATH. Notebooks, hidden "
        "and large files (over 4 MB) are not read.",
        "files",
        ReadFile,
        read_file,
        preview=_preview,
    ),
)
