"""Any text file but a notebook, as a shared document."""

from pycrdt import Text

from jupyter_runt.document.changes import SharedEvent, text_delta
from jupyter_runt.document.shared import FileDocument, weakly
from jupyter_runt.document.textdiff import replace_text
from jupyter_runt.document.values import to_shared
from jupyter_runt.events.document import Change, StateChanged, TextChanged


class TextDoc(FileDocument):
    """A text file in the shape of `jupyter_ydoc.YFile`: roots `source` (Text) and `state`."""

    version = "1.0.0"

    def __init__(self, client_id: int | None = None) -> None:
        super().__init__(client_id)
        self._source: Text = self.doc.get("source", type=Text)
        self._inserted = 0
        self._removed = 0
        self._state_keys: set[str] = set()
        self._observers = (
            self._source.observe(weakly(self._on_source)),
            self._state.observe(weakly(self._on_state)),
        )

    def content(self) -> str:
        """Return the text."""
        return str(self._source)

    @property
    def has_other_content(self) -> bool:
        """Whether it was a document of another kind too."""
        return not {"source", "state"} >= set(self.doc.keys())

    def replace(self, text: str) -> None:
        """Make the document read `text`, in as few edits as it takes; call inside `transact`."""
        replace_text(self._source, to_shared(text))

    def _on_source(self, event: SharedEvent) -> None:
        inserted, removed = text_delta(event)
        self._inserted += inserted
        self._removed += removed

    def _on_state(self, event: SharedEvent) -> None:
        self._state_keys.update(event.keys)

    def _take_changes(self) -> tuple[Change, ...]:
        changes: list[Change] = []
        if self._inserted or self._removed:
            changes.append(TextChanged(inserted=self._inserted, removed=self._removed))
        if self._state_keys:
            changes.append(StateChanged(keys=tuple(sorted(self._state_keys))))
        self._inserted = self._removed = 0
        self._state_keys = set()
        return tuple(changes)

    def scrub(self) -> None:
        """Do nothing: a peer may write any text."""
