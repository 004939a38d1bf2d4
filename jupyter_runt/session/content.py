"""What is different about each kind of file that collaborates."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from jupyter_runt.document.ipynb import NotebookFile, NotebookText, import_update, read_notebook
from jupyter_runt.document.merge import merge_notebook, merge_text
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.shared import FileDocument
from jupyter_runt.document.text import TextDoc
from jupyter_runt.errors import FileUnreadable
from jupyter_runt.ids import NotebookId
from jupyter_runt.session.projection import FileProjection, NotebookProjection, TextProjection

DocT = TypeVar("DocT", bound=FileDocument)
ParsedT = TypeVar("ParsedT")


class Content(Protocol[DocT, ParsedT]):
    """A kind of document. All but `room_id` and `empty` take time: call them in a thread."""

    def room_id(self, notebook_id: NotebookId) -> str:
        """Return the id of the document's room, as jupyter-collaboration spells it."""
        ...

    def empty(self, client_id: int) -> DocT:
        """Return a document without content, in which we are `client_id`."""
        ...

    def parse(self, data: bytes, path: str) -> ParsedT:
        """Return the content of a file; raises FileUnreadable or NotANotebook."""
        ...

    def signable(self, parsed: ParsedT) -> Mapping[str, Any] | None:
        """Return what Jupyter's notary signs, if it signs this kind."""
        ...

    def import_update(self, parsed: ParsedT, client_id: int) -> bytes:
        """Return the Yjs update that makes an empty document hold the content."""
        ...

    def projection(self, parsed: ParsedT) -> FileProjection:
        """Return the projection that writes the file in its own style."""
        ...

    def merge(self, base: DocT, theirs: ParsedT) -> Callable[[DocT], Any]:
        """Return the edit that brings into a document what `theirs` changed since `base` (FB2)."""
        ...


class NotebookContent:
    """`.ipynb` files."""

    def room_id(self, notebook_id: NotebookId) -> str:
        """See `Content`."""
        return f"json:notebook:{notebook_id}"

    def empty(self, client_id: int) -> NotebookDoc:
        """See `Content`."""
        return NotebookDoc(client_id)
