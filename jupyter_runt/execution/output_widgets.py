"""Output widgets: what a cell says inside `with out:` belongs to the widget `out`.

`ipywidgets.Output` asks the front end to catch what the kernel says in answer to a request: it sets
its `msg_id`, and gets its `outputs` back. A browser does that for requests of its own; for those
that the server sent, only the server hears all of it.
"""

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any, Final

from jupyter_runt.document.cells import object_in
from jupyter_runt.execution.output_item import Item, NewOutput, Output, display_id_of, output_of
from jupyter_runt.ids import ExecutionId
from jupyter_runt.protocols import KernelMessage

COMM_MESSAGES: Final = frozenset({"comm_open", "comm_msg", "comm_close"})


@dataclass(slots=True)
class _Widget:
    """What an output widget shows."""

    comm_id: str
    items: list[Item] = field(default_factory=list)
    shown: list[Output] = field(default_factory=list)
    """Outputs above `items`, which the kernel set itself."""
    clear_next: bool = False
    displays: set[str] = field(default_factory=set)

    def outputs(self) -> list[NewOutput]:
        return [*self.shown, *(item.take() for item in self.items)]

    def write(self, name: str, text: str) -> None:
        last = self.items[-1] if self.items else None
        if last is None or not last.is_stream(name):
            output = {"output_type": "stream", "name": name}
            last = Item(len(self.items), output, stream=True, kept=True)
            self.items.append(last)
        if last.stream is not None:
            last.stream.feed(text)

    def append(self, output: dict[str, Any]) -> Item:
        item = Item(len(self.items), output, stream=False, kept=True)
        self.items.append(item)
        return item


class OutputWidgets:
    """The output widgets of one kernel, and what they have caught."""

    def __init__(self) -> None:
        self._widgets: dict[str, _Widget] = {}
        self._changed: dict[str, _Widget] = {}
        self._catching: list[tuple[ExecutionId, _Widget]] = []
        """The innermost `with` is last."""
        self._displays: dict[str, list[tuple[_Widget, Item]]] = {}
        self._asked: dict[str, Any] = {}
        """The last `msg_id` of widgets that were not met yet: what tells of all may be older."""

    def hear(self, message: KernelMessage, ours: Container[ExecutionId]) -> None:
        """Follow what the kernel says of its widgets.

        Args:
            ours: executions of which nobody else catches anything.
        """
        comm_id, data = str(message.content.get("comm_id")), message.content.get("data") or {}
        if data.get("method") == "update_states":  # of all widgets, as somebody asked for
            self._meet(object_in(data, "states"), ours)
            return
        state = data.get("state")
        known = self._widgets.get(comm_id)
        if message.msg_type == "comm_close":
            self._asked.pop(comm_id, None)
            if known is not None:
                self._forget(known)
        elif not isinstance(state, dict):
            return
        elif message.msg_type == "comm_open":
            if state.get("_model_name") == "OutputModel":
                widget = self._widgets[comm_id] = _Widget(comm_id)
                self._take_state(widget, state, ours)
        elif data.get("method") != "update":  # an echo repeats what we said
            return
        elif known is not None:
            self._take_state(known, state, ours)
        elif "msg_id" in state:
            self._asked[comm_id] = state["msg_id"]

    def catch(self, execution_id: ExecutionId, message: KernelMessage) -> bool | None:
        """Take an output that belongs to a widget; return whether that changed the widget.

        None: no widget catches it.
        """
        catching = [widget for caught, widget in self._catching if caught == execution_id]
        if not catching:
            return None
        widget, content = catching[-1], message.content
        if message.msg_type == "clear_output":
            if content.get("wait"):
                widget.clear_next = True
                return False
            return self._clear(widget)
        if message.msg_type == "stream" and not content.get("text"):
            return False
        if widget.clear_next:
            self._clear(widget)
        if message.msg_type == "stream":
            widget.write(str(content.get("name", "stdout")), str(content["text"]))
        else:
            item = widget.append(output_of(message.msg_type, content))
            if (display_id := display_id_of(content)) is not None:
                widget.displays.add(display_id)
                self._displays.setdefault(display_id, []).append((widget, item))
        self._changed[widget.comm_id] = widget
        return True

    def update_display(self, content: dict[str, Any]) -> bool:
        """Show a display anew wherever a widget shows it; return whether any does."""
        shown = self._displays.get(display_id_of(content) or "", [])
        for widget, item in shown:
            data, metadata = content.get("data") or {}, content.get("metadata") or {}
            item.output = {**item.output, "data": data, "metadata": metadata}
            self._changed[widget.comm_id] = widget
        return bool(shown)

    def take(self) -> list[tuple[str, list[NewOutput]]]:
        """Return the outputs, all of them, of each widget (its comm id) that changed."""
        changed = [(comm_id, widget.outputs()) for comm_id, widget in self._changed.items()]
        self._changed.clear()
        return changed

    def _meet(self, states: dict[str, Any], ours: Container[ExecutionId]) -> None:
        for comm_id in states:
            described = object_in(states, comm_id)
            if described.get("model_name") == "OutputModel" and comm_id not in self._widgets:
                widget = self._widgets[comm_id] = _Widget(comm_id)
                state = object_in(described, "state")
                if comm_id in self._asked:
                    state = {**state, "msg_id": self._asked.pop(comm_id)}
                self._take_state(widget, state, ours)

    def _take_state(
        self, widget: _Widget, state: dict[str, Any], ours: Container[ExecutionId]
    ) -> None:
        if "msg_id" in state:
            self._catching = [each for each in self._catching if each[1] is not widget]
            if isinstance(asked := state["msg_id"], str) and asked in ours:
                self._catching.append((ExecutionId(asked), widget))
        if isinstance(outputs := state.get("outputs"), list):
            self._clear(widget)
            widget.shown = outputs
            self._changed.pop(widget.comm_id, None)

    def _clear(self, widget: _Widget) -> bool:
        changed = bool(widget.shown or widget.items)
        self._drop_displays(widget)
        widget.clear_next = False
        widget.shown, widget.items = [], []
        if changed:
            self._changed[widget.comm_id] = widget
        return changed

    def _forget(self, widget: _Widget) -> None:
        self._drop_displays(widget)
        del self._widgets[widget.comm_id]
        self._changed.pop(widget.comm_id, None)
        self._catching = [each for each in self._catching if each[1] is not widget]

    def _drop_displays(self, gone: _Widget) -> None:
        for display_id in gone.displays:
            kept = [each for each in self._displays[display_id] if each[0] is not gone]
            if kept:
                self._displays[display_id] = kept
            else:
                del self._displays[display_id]
        gone.displays.clear()
