"""What is different about each kind of file that collaborates."""

import logging
from asyncio import to_thread
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol, TypeVar

from pycrdt import Text

from jupyter_runt.document.ai_cells import answers, without_answers
from jupyter_runt.document.cuts import loaded
from jupyter_runt.document.ipynb import NotebookFile, import_update, read_notebook
from jupyter_runt.document.merge import MergeReport, merge_notebook, merge_text
from jupyter_runt.document.notebook import IDS_SINCE, NotebookDoc
from jupyter_runt.document.shared import FileDocument
from jupyter_runt.document.spill import FileText, parts_of
from jupyter_runt.document.text import TextDoc
from jupyter_runt.errors import FileUnreadable, NotANotebook, StoreUnavailable
from jupyter_runt.events.base import Draft
from jupyter_runt.events.document import Change
from jupyter_runt.ids import NotebookId
from jupyter_runt.session.artifacts import NotebookArtifacts, may_paste
from jupyter_runt.session.file_content import FileContent
from jupyter_runt.session.files import (
    is_notebook,
)
from jupyter_runt.session.projection import KnownProjection, NotebookProjection, TextProjection

log = logging.getLogger(__name__)

BLANK_BYTES: Final = 1 << 16
"""A larger notebook says something: it is not read to find out."""

DocT = TypeVar("DocT", bound=FileDocument)
ParsedT = TypeVar("ParsedT")


class Content(Protocol[DocT, ParsedT]):
    """A kind of document. Those that take or return parsed content take time: use a thread."""

    def room_id(self, notebook_id: NotebookId) -> str:
        """Return the id of the document's room, as jupyter-collaboration spells it."""
        ...

    def empty(self, client_id: int | None) -> DocT:
        """Return a document without content, in which we are `client_id`, or a new client."""
        ...

    def parse(self, content: FileText, path: str) -> ParsedT:
        """Return the content of a file; raises FileUnreadable or NotANotebook."""
        ...

    def signable(self, parsed: ParsedT) -> Mapping[str, Any] | None:
        """Return what Jupyter's notary signs, if it signs this kind."""
        ...

    async def taken_in(self, parsed: ParsedT) -> ParsedT:
        """Return the content as documents have it, without what is kept apart (AR1)."""
        ...

    def brings_references(self, drafts: Sequence[Draft]) -> bool:
        """Tell whether `note_references` has to know of events before they are in the log."""
        ...

    async def note_references(self, drafts: Sequence[Draft]) -> None:
        """Have artifacts count that events, which are not in the log yet, refer to (AR2)."""
        ...

    def import_update(self, parsed: ParsedT, client_id: int, doubtful: int) -> bytes:
        """Return the Yjs update that makes an empty document hold the content.

        Args:
            client_id: who writes it.
            doubtful: who writes what nobody vouches for, whoever signed the rest.
        """
        ...

    def held_in(self, parsed: ParsedT) -> Mapping[str, Any] | str:
        """Return what a file holds, as versions are kept."""
        ...

    def held_by(self, doc: DocT) -> Mapping[str, Any] | str:
        """Return what a document holds, as versions are kept."""
        ...

    def was_otherwise(self, doc: DocT) -> bool:
        """Tell whether the file was also open as another kind, which may have written it last."""
        ...

    def projection(self, parsed: ParsedT) -> KnownProjection:
        """Return the projection that writes the file in its own style."""
        ...

    def follows(self, change: Change) -> bool:
        """Tell whether the file has to follow a change of the document."""
        ...

    def merge(self, base: DocT, theirs: ParsedT) -> Callable[[DocT], MergeReport]:
        """Return the edit that brings into a document what `theirs` changed since `base` (FB2)."""
        ...


class NotebookContent:
    """`.ipynb` files."""

    def __init__(self, artifacts: NotebookArtifacts | None = None) -> None:
        """Keep what is too large for a document in `artifacts`, if there are any."""
        self._artifacts = artifacts

    def room_id(self, notebook_id: NotebookId) -> str:
        """See `Content`."""
        return f"json:notebook:{notebook_id}"

    def empty(self, client_id: int | None) -> NotebookDoc:
        """See `Content`."""
        return NotebookDoc(client_id)

    def parse(self, content: FileText, path: str) -> NotebookFile:
        """See `Content`."""
        try:
            return read_notebook(content)
        except NotANotebook as error:
            raise NotANotebook(f"{path} cannot be opened. {error.message}", path=path) from error

    def signable(self, parsed: NotebookFile) -> Mapping[str, Any] | None:
        """See `Content`."""
        return parsed.signed

    async def taken_in(self, parsed: NotebookFile) -> NotebookFile:
        """See `Content`. Where nothing can be kept apart, the document holds all of it."""
        if self._artifacts is not None:
            try:
                notebook = await self._artifacts.taken_in(parsed.notebook)
                return replace(parsed, notebook=notebook)
            except StoreUnavailable as error:
                log.warning("Outputs stay in the document: %s", error.message)
        return replace(parsed, notebook=await to_thread(loaded, parsed.notebook))

    def brings_references(self, drafts: Sequence[Draft]) -> bool:
        """See `Content`."""
        return any(map(may_paste, drafts))

    async def note_references(self, drafts: Sequence[Draft]) -> None:
        """See `Content`."""
        if self._artifacts is not None:
            await self._artifacts.note_pasted(drafts)

    def import_update(self, parsed: NotebookFile, client_id: int, doubtful: int) -> bytes:
        """See `Content`."""
        notebook = parsed.notebook
        vouched_for = without_answers(notebook)
        if client_id == doubtful or vouched_for is notebook:
            return import_update(notebook, client_id)
        doc = NotebookDoc(doubtful)
        doc.load([import_update(vouched_for, client_id)])

        def answer() -> None:
            for cell_id, outputs in answers(notebook):
                doc.append_outputs(cell_id, outputs)

        doc.transact(answer)
        return doc.doc.get_update()

    def held_in(self, parsed: NotebookFile) -> Mapping[str, Any]:
        """See `Content`."""
        notebook = parsed.notebook
        if (notebook["nbformat"], notebook["nbformat_minor"]) >= IDS_SINCE:
            return notebook
        cells = [{key: cell[key] for key in cell if key != "id"} for cell in notebook["cells"]]
        return {**notebook, "cells": cells}

    def held_by(self, doc: NotebookDoc) -> Mapping[str, Any]:
        """See `Content`."""
        return doc.notebook()

    def was_otherwise(self, doc: NotebookDoc) -> bool:
        """See `Content`."""
        return len(doc.doc.get("source", type=Text)) > 0

    def projection(self, parsed: NotebookFile) -> NotebookProjection:
        """See `Content`."""
        return NotebookProjection(parsed.text, self._artifacts)

    def follows(self, change: Change) -> bool:
        """See `Content`."""
        return NotebookProjection.follows(change)

    def merge(
        self, base: NotebookDoc, theirs: NotebookFile
    ) -> Callable[[NotebookDoc], MergeReport]:
        """See `Content`."""
        return merge_notebook(base.notebook(always_ids=True), theirs.notebook)


class TextContent:
    """Any other text file; UTF-8, as Jupyter's editor has it."""

    def room_id(self, notebook_id: NotebookId) -> str:
        """See `Content`."""
        return f"text:file:{notebook_id}"

    def empty(self, client_id: int | None) -> TextDoc:
        """See `Content`."""
        return TextDoc(client_id)

    def parse(self, content: FileText, path: str) -> str:
        """See `Content`."""
        try:
            return b"".join(parts_of(content)).decode()
        except UnicodeDecodeError as error:
            raise FileUnreadable(f"{path} is not UTF-8 text.", path=path) from error

    def signable(self, parsed: str) -> Mapping[str, Any] | None:  # noqa: ARG002
        """See `Content`."""
        return None

    async def taken_in(self, parsed: str) -> str:
        """See `Content`."""
        return parsed

    def brings_references(self, drafts: Sequence[Draft]) -> bool:  # noqa: ARG002
        """See `Content`."""
        return False

    async def note_references(self, drafts: Sequence[Draft]) -> None:
        """See `Content`: there are none."""

    def import_update(self, parsed: str, client_id: int, doubtful: int) -> bytes:  # noqa: ARG002
        """See `Content`."""
        doc = self.empty(client_id)
        doc.transact(lambda: doc.replace(parsed))
        return doc.doc.get_update()

    def held_in(self, parsed: str) -> str:
        """See `Content`."""
        return parsed

    def held_by(self, doc: TextDoc) -> str:
        """See `Content`."""
        return doc.content()

    def was_otherwise(self, doc: TextDoc) -> bool:
        """See `Content`."""
        return doc.has_other_content

    def projection(self, parsed: str) -> TextProjection:  # noqa: ARG002
        """See `Content`."""
        return TextProjection()

    def follows(self, change: Change) -> bool:
        """See `Content`."""
        return TextProjection.follows(change)

    def merge(self, base: TextDoc, theirs: str) -> Callable[[TextDoc], MergeReport]:
        """See `Content`."""
        return merge_text(base.content(), theirs)


def is_blank(file: FileContent) -> bool:
    """Tell whether a file's content could be anybody's: no text, no cell with a source."""
    if not isinstance(file.content, bytes):
        return False
    if not is_notebook(file.identity.path):
        return not file.data.strip()
    if len(file.data) > BLANK_BYTES:
        return False
    try:
        notebook = read_notebook(file.data).notebook
    except NotANotebook:
        return False
    return not any(cell["source"].strip() for cell in notebook["cells"])
