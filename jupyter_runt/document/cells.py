"""A cell, in nbformat's shape and in the shared document's (YNotebook 2.0.0)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pycrdt import Array, Map, Text

from jupyter_runt.document.values import from_shared, to_shared

Cell = Mapping[str, Any]
"""A cell as nbformat 4.5 defines it, its texts as single strings."""

Output = Mapping[str, Any]
"""An output as nbformat 4.5 defines it, its texts as single strings."""

SHARED_TYPES: Final = ("code", "markdown", "raw")
"""The types that the front end knows: a cell of another one makes the notebook open empty.

No set: what files and peers say instead need not have a hash.
"""

RUNT_TYPES: Final = frozenset({"ai", "sql"})
"""Types of ours: code cells that say so in `metadata.runt.type`."""


class SharedText(str):
    """What becomes a Text of a document."""


class SharedMap(dict[str, Any]):
    """What becomes a Map of a document."""


class SharedList(list[Any]):
    """What becomes an Array of a document."""


def cell_content(cell: Cell) -> SharedMap:
    """Return what a cell is in a document; it has an id."""
    shared = SharedMap(
        (key, to_shared(value))
        for key, value in cell.items()
        if key not in ("source", "metadata", "outputs")
    )
    shared["source"] = SharedText(to_shared(cell["source"]))
    shared["metadata"] = SharedMap(to_shared(cell.get("metadata", {})))
    if cell["cell_type"] == "code":
        shared.setdefault("execution_count", None)
        shared.setdefault("execution_state", "idle")
        shared["outputs"] = SharedList(map(_output_content, cell.get("outputs", ())))
    elif not shared.get("attachments", True):
        del shared["attachments"]
    return shared


def _output_content(output: Output) -> SharedMap:
    """Return what an output is in a document: a Map, with a Text where a stream will grow."""
    values = SharedMap(to_shared(output))
    if values.get("output_type") == "stream":
        values["text"] = SharedText(joined(values.get("text", "")))
    return values


def shared_cell(cell: Cell) -> Map[Any]:
    """Return a cell to put into a document; it has an id."""
    return Map(_shared_values(cell_content(cell)))


def shared_outputs(outputs: Iterable[Output]) -> list[Map[Any]]:
    """Return outputs to put into a document."""
    return [Map(_shared_values(_output_content(output))) for output in outputs]


def _shared_values(content: SharedMap) -> dict[str, Any]:
    return {key: _shared(value) for key, value in content.items()}


def _shared(value: Any) -> Any:
    match value:
        case SharedText():
            return Text(str(value))
        case SharedMap():
            return Map(_shared_values(value))
        case SharedList():
            return Array([_shared(item) for item in value])
        case _:
            return value


def plain_cell(cell: Map[Any]) -> dict[str, Any]:
    """Return a shared cell as nbformat has it; `execution_state` does not belong to it."""
    plain: dict[str, Any] = from_shared(cell)
    plain.pop("execution_state", None)
    if not plain.get("attachments", True):
        del plain["attachments"]
    return plain


def sound_cell(cell: Cell) -> dict[str, Any]:
    """Return a cell that has what nbformat asks of each, whatever a peer has made of it."""
    source, metadata = cell.get("source"), cell.get("metadata")
    sound = {
        **cell,
        "source": source if isinstance(source, str) else str(source or ""),
        "metadata": metadata if isinstance(metadata, dict) else {},
    }
    if sound["cell_type"] == "code":
        outputs = cell.get("outputs")
        shown = outputs if isinstance(outputs, list) else []
        sound["outputs"] = [_sound_output(output) for output in shown if isinstance(output, dict)]
        count = cell.get("execution_count")
        sound["execution_count"] = count if type(count) is int else None
    attached = cell.get("attachments", {})
    if not (isinstance(attached, dict) and all(isinstance(v, dict) for v in attached.values())):
        del sound["attachments"]
    return sound


def _sound_output(output: Output) -> Output:
    """Return an output that nbformat can read: it joins whatever is a list of lines."""
    text, data = output.get("text"), output.get("data")
    if isinstance(text, list) and not all(isinstance(line, str) for line in text):
        output = {**output, "text": "".join(line for line in text if isinstance(line, str))}
    if "data" in output and not isinstance(data, dict):
        output = {**output, "data": {}}
    return output


def item(values: Map[Any] | Mapping[str, Any], key: str) -> Any:
    """Return a value, None where there is none; `get` of a shared map asks twice."""
    try:
        return values[key]
    except KeyError:
        return None


def object_in(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the JSON object at a key; an empty one where something else stands, or nothing."""
    found = values.get(key)
    return dict(found) if isinstance(found, Mapping) else {}


def runt_type(metadata: Any) -> str | None:
    """Return the type of ours that a cell's metadata (plain or shared) names, if any."""
    runt = item(metadata, "runt") if isinstance(metadata, (Map, Mapping)) else None
    named = runt.get("type") if isinstance(runt, (Map, Mapping)) else None
    return named if isinstance(named, str) and named in RUNT_TYPES else None


def cell_type(cell: Map[Any]) -> str:
    """Return the type of a shared cell: code, markdown, raw, ai or sql."""
    shared = item(cell, "cell_type")
    if shared == "code" and (ours := runt_type(item(cell, "metadata"))) is not None:
        return ours
    return shared if isinstance(shared, str) else ""


def joined(text: str | list[str]) -> str:
    """Return a text that nbformat may keep as a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def distrust(cell: Map[Any]) -> None:
    """Remove `trusted` from the metadata of a shared cell."""
    metadata = cell.get("metadata")
    if isinstance(metadata, Map) and "trusted" in metadata:
        del metadata["trusted"]
