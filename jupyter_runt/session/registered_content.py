"""Files of a kind that another package registered with jupyter_ydoc, such as chats."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jupyter_runt.document.merge import MergeReport, Overlap
from jupyter_runt.document.registered import RegisteredDoc
from jupyter_runt.document.spill import FileText
from jupyter_runt.events.base import Draft
from jupyter_runt.events.document import Change
from jupyter_runt.ids import NotebookId
from jupyter_runt.session.content import TextContent
from jupyter_runt.session.projection import TextProjection


class RegisteredProjection(TextProjection):
    """The file as the kind's class spells it, unless it says the same already."""

    def __init__(self, text: str, spelled: str) -> None:
        super().__init__()
        self._text = text
        self._spelled = spelled

    def render(self) -> bytes:
        """See `FileProjection`."""
        return self._text.encode() if self._content == self._spelled else super().render()


class RegisteredContent:
    """Text files of a registered kind."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._text = TextContent()

    def room_id(self, notebook_id: NotebookId) -> str:
        """See `Content`."""
        return f"text:{self._kind}:{notebook_id}"

    def empty(self, client_id: int | None) -> RegisteredDoc:
        """See `Content`."""
        return RegisteredDoc(self._kind, client_id)

    def parse(self, content: FileText, path: str) -> str:
        """See `Content`."""
        return self._text.parse(content, path)

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
        return self._imported(parsed, client_id).doc.get_update()

    def held_in(self, parsed: str) -> str:
        """See `Content`."""
        return parsed

    def held_by(self, doc: RegisteredDoc) -> str:
        """See `Content`."""
        return doc.content()

    def was_otherwise(self, doc: RegisteredDoc) -> bool:
        """See `Content`."""
        return doc.has_other_content

    def projection(self, parsed: str) -> RegisteredProjection:
        """See `Content`."""
        return RegisteredProjection(parsed, self._imported(parsed, None).content())

    def follows(self, change: Change) -> bool:
        """See `Content`."""
        return self._text.follows(change)

    def merge(self, base: RegisteredDoc, theirs: str) -> Callable[[RegisteredDoc], MergeReport]:
        """See `Content`. Nobody here knows the shape of the text, so it is taken whole or not."""
        known = base.content()

        def edit(doc: RegisteredDoc) -> MergeReport:
            if doc.content() != known:
                return MergeReport((Overlap(None, theirs),))
            doc.replace(theirs)
            return MergeReport()

        return edit

    def _imported(self, text: str, client_id: int | None) -> RegisteredDoc:
        doc = self.empty(client_id)
        doc.transact(lambda: doc.replace(text))
        return doc
