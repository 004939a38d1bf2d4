"""Documents in the shape of a class that another package registered with jupyter_ydoc."""

from typing import Any

from jupyter_ydoc.ybasedoc import YBaseDoc
from pycrdt import Doc

from jupyter_runt.document.changes import SharedEvent
from jupyter_runt.document.shared import FileDocument, weakly
from jupyter_runt.document.ydocs import ydoc_class_without_undo
from jupyter_runt.events.document import Change, StateChanged, TextChanged


class RegisteredDoc(FileDocument):
    """A text file whose class makes a shared document of its text, and a text of that.

    The class itself works on replicas alone: it may write into the document that it is given, and
    watch it to write more.
    """

    def __init__(self, kind: str, client_id: int | None = None) -> None:
        super().__init__(client_id)
        self._kind = kind
        model = self._model(Doc())
        self.version = model.version
        self._state_keys: set[str] = set()
        self._content_changed = False
        self._roots = {
            name: self.doc.get(name, type=type(root))
            for name, root in model.ydoc.items()
            if name != "state"
        }
        on_content = weakly(self._on_content)
        self._observers = [
            *(root.observe_deep(on_content) for root in self._roots.values()),
            self._state.observe(weakly(self._on_state)),
        ]

    @property
    def has_other_content(self) -> bool:
        """Whether it was a document of another kind too."""
        return not self._roots.keys() | {"state"} >= set(self.doc.keys())

    def content(self) -> str:
        """Return the text; costs the size of the document."""
        replica: Doc[Any] = Doc()
        model = self._model(replica)
        replica.apply_update(self.doc.get_update())
        return str(model.get())

    def replace(self, text: str) -> None:
        """Make the document that of `text`, all of it anew; call inside `transact`."""
        replica: Doc[Any] = Doc(client_id=self.doc.client_id)
        replica.apply_update(self.doc.get_update())
        state = replica.get_state()
        model = self._model(replica)
        model.set(text)
        if model.dirty:
            model.dirty = False  # some say at first that they are
        self.doc.apply_update(replica.get_update(state))

    def _model(self, replica: Doc[Any]) -> YBaseDoc:
        model = ydoc_class_without_undo(self._kind)(replica)
        model.unobserve()
        return model

    def _on_content(self, _events: list[SharedEvent]) -> None:
        self._content_changed = True

    def _on_state(self, event: SharedEvent) -> None:
        self._state_keys.update(event.keys)

    def _take_changes(self) -> tuple[Change, ...]:
        changes: list[Change] = []
        if self._content_changed:
            changes.append(TextChanged(inserted=0, removed=0))
        if self._state_keys:
            changes.append(StateChanged(keys=tuple(sorted(self._state_keys))))
        self._content_changed = False
        self._state_keys = set()
        return tuple(changes)

    def scrub(self) -> None:
        """Do nothing: what a peer may write is for the class to know."""
