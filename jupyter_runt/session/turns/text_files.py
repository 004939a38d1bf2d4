"""The files that the AI may be told of."""

import posixpath
from asyncio import to_thread
from pathlib import Path

from jupyter_runt.errors import FileUnreadable, NotebookNotFound
from jupyter_runt.session.files import Files, is_notebook, normal_path


def beside(notebook: str, path: str) -> str:
    """Return a path from a notebook's folder as a root-relative one; `/` is the root."""
    return normal_path(posixpath.join(posixpath.dirname(notebook), path))


class TextFiles:
    """Texts below the server's root, which is where links may lead; hidden files never."""

    def __init__(self, files: Files, root: Path | None) -> None:
        """Read files; `root` is where they are, if they are on a disk."""
        self._files = files
        self._root = None if root is None else root.resolve()

    async def read(self, path: str) -> str:
        """Return the text of a file.

        Raises:
            NotebookNotFound: there is none, or it is hidden.
            FileUnreadable: it is a notebook, large, outside of the root, or not a text in UTF-8.
        """
        real = (await self._files.identify(path)).path
        if any(part.startswith(".") for name in (path, real) for part in name.split("/")):
            raise NotebookNotFound(f"There is no file {path}.", path=path)
        if self._root is not None and not await to_thread(self._is_inside, self._root, real):
            raise FileUnreadable(f"{path} is a link that leads elsewhere.", path=path)
        if is_notebook(real):  # its hidden cells are
            raise FileUnreadable(f"{path} is a notebook, and not read as a file.", path=path)
        content = (await self._files.read(real, hashed=False)).content
        if not isinstance(content, bytes):
            raise FileUnreadable(f"{path} is too large to be read: use code.", path=path)
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise FileUnreadable(f"{path} is not a text in UTF-8.", path=path) from error

    @staticmethod
    def _is_inside(root: Path, path: str) -> bool:
        return (root / path).resolve().is_relative_to(root)
