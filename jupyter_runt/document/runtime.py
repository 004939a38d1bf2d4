"""What runs, as a shared document that only the server writes."""

from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from typing import Any

from pycrdt import Array, Map, Text

from jupyter_runt.document.materialize import Execution, Runtime, RuntimeState
from jupyter_runt.document.shared import SharedDocument
from jupyter_runt.document.turns import ToolUse, Turn, Turns
from jupyter_runt.document.values import to_shared
from jupyter_runt.events.document import Change
from jupyter_runt.ids import ExecutionId, NotebookId, Seq, derived_client_id


class RuntimeDoc(SharedDocument):
    """The runtime, the queue, the executions and the AI's turns, for browsers to read.

    `project` writes it, and it is never stored: the same states, one after the other in the same
    epoch, make the same Yjs history byte for byte, so a browser may keep what it has when it comes
    to another server (EL2). An epoch ends where that would not hold.
    """

    version = "1.3.0"

    def __init__(self, notebook_id: NotebookId, epoch: str) -> None:
        super().__init__(derived_client_id("runtime", notebook_id, epoch))
        self.runtime: Map[Any] = self.doc.get("runtime", type=Map)
        self.queue: Array[Any] = self.doc.get("queue", type=Array)
        self.executions: Map[Any] = self.doc.get("executions", type=Map)
        self.turns: Map[Any] = self.doc.get("turns", type=Map)
        self.approvals: Map[Any] = self.doc.get("approvals", type=Map)
        self.seq = Seq(0)
        """Of the last event after the epoch's first state that it shows."""

    def _take_changes(self) -> tuple[Change, ...]:
        return ()

    def scrub(self) -> None:
        """Do nothing: no peer writes here."""


def project(doc: RuntimeDoc, before: RuntimeState, after: RuntimeState) -> None:
    """Write, in one transaction, what differs between two states; `doc` shows the first one.

    Costs the difference. Everything is written in an order that the states alone decide.
    """
    with doc.doc.transaction():
        if before.runtime is not after.runtime:
            _write(doc.runtime, _runtime(before.runtime), _runtime(after.runtime))
        _write_queue(doc.queue, before.queue, after.queue)
        for execution_id in after.executions.differing(before.executions):
            old, new = before.executions.get(execution_id), after.executions.get(execution_id)
            if new is None:
                del doc.executions[execution_id]
                continue
            if old is None:
                source = new.source.encode(errors="surrogatepass")
                doc.executions[execution_id] = Map({"source_sha256": sha256(source).hexdigest()})
            _write(doc.executions[execution_id], _execution(old), _execution(new))
        if before.turns is not after.turns:
            _write_turns(doc.turns, before.turns, after.turns)
        for call_id in after.approvals.differing(before.approvals):
            if call_id in after.approvals:
                approval = asdict(after.approvals[call_id])
                doc.approvals[call_id] = Map(dict(sorted(approval.items())))
            else:
                del doc.approvals[call_id]


def _runtime(runtime: Runtime | None) -> dict[str, Any]:
    if runtime is None:
        return {}
    shown = asdict(runtime)
    del shown["fence"]
    return _told(shown)


def _execution(execution: Execution | None) -> dict[str, Any]:
    if execution is None:
        return {}
    return _told(
        {
            "cell_id": execution.cell_id,
            "status": execution.status,
            "requested_by": execution.requested_by,
            "requested_at": execution.requested_at,
            "started_at": execution.started_at,
            "completed_at": execution.completed_at,
            "execution_count": execution.execution_count,
            "error": execution.error.model_dump(mode="json") if execution.error else None,
            "input": asdict(execution.input) if execution.input else None,
            "reason": execution.reason,
        }
    )


def _write_turns(shown: Map[Any], before: Turns, after: Turns) -> None:
    for turn_id in after.by_id.differing(before.by_id):
        old, new = before.by_id.get(turn_id), after.by_id.get(turn_id)
        if new is None:
            del shown[turn_id]
            continue
        if old is None:
            shown[turn_id] = Map({"turn_id": turn_id})
            shown[turn_id]["text"] = Text()
            shown[turn_id]["items"] = Array()
        turn = shown[turn_id]
        _write(turn, _turn(old), _turn(new))
        written = old.text if old else ""
        if len(new.text) > len(written):  # it only ever grows
            text = turn["text"]
            text += to_shared(new.text[len(written) :])
        for index, item in enumerate(new.items):
            known = old.items[index] if old and index < len(old.items) else None
            if known is None:
                turn["items"].append(Map({"type": "tool"}))
            if known is not item:
                _write(turn["items"][index], _tool_use(known), _tool_use(item))


def _turn(turn: Turn | None) -> dict[str, Any]:
    if turn is None:
        return {}
    return _told(
        {
            "cell_id": turn.cell_id,
            "status": turn.status,
            "model": turn.model,
            "requested_by": turn.requested_by,
            "requested_at": turn.requested_at,
            "completed_at": turn.completed_at,
            "usage": turn.usage.model_dump(mode="json", exclude_none=True) if turn.usage else None,
            "error": turn.error,
            "undone": turn.undone or None,
        }
    )


def _tool_use(item: ToolUse | None) -> dict[str, Any]:
    return {} if item is None else _told(asdict(item))


def _told(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}


def _write(shown: Map[Any], old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    for key in old:
        if key not in new:
            del shown[key]
    for key, value in new.items():
        if old.get(key) != value:
            # Not a plain dict: pycrdt encodes the keys of one in another order each time.
            shared = to_shared(value)
            shown[key] = Map(shared) if isinstance(shared, dict) else shared


def _write_queue(
    shown: Array[Any], old: tuple[ExecutionId, ...], new: tuple[ExecutionId, ...]
) -> None:
    if old == new:
        return
    start = len(old) if new[: len(old)] == old else _common(old, new)
    tail = _common(old[start:][::-1], new[start:][::-1])
    if start < len(old) - tail:
        del shown[start : len(old) - tail]
    if start < len(new) - tail:
        shown[start:start] = list(new[start : len(new) - tail])


def _common(one: tuple[ExecutionId, ...], other: tuple[ExecutionId, ...]) -> int:
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length
