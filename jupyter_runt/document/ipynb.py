"""Notebook files: reading them, and their content as the first update of a shared document."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbformat import convert, reader

from jupyter_runt.document.ai_cells import from_file
from jupyter_runt.document.cells import (
    SHARED_TYPES,
    SharedList,
    SharedMap,
    cell_content,
)
from jupyter_runt.document.cuts import Cut, Cuts, loaded
from jupyter_runt.document.first_update import FirstUpdate
from jupyter_runt.document.ipynb_cutter import cut_out
from jupyter_runt.document.ipynb_disk import is_json_mime
from jupyter_runt.document.ipynb_layout import Layout, scan
from jupyter_runt.document.ipynb_text import BOM, NotebookText
from jupyter_runt.document.spill import FileText, parts_of
from jupyter_runt.document.values import to_shared
from jupyter_runt.errors import NotANotebook
from jupyter_runt.ids import CellId, new_id

__all__ = ["NotebookFile", "NotebookText", "import_update", "read_notebook"]

_TRANSIENT = frozenset({"orig_nbformat", "orig_nbformat_minor", "signature"})


@dataclass(frozen=True, slots=True)
class NotebookFile:
    """A notebook that was read from a file."""

    signed: dict[str, Any]
    """As nbformat 4 has it in memory, with the file's minor version; every cell has an id.

    Large values of outputs may be a `Cut`.
    """
    notebook: dict[str, Any]
    """The same as a document holds it: cells of ours as they are edited, not as they are stored."""
    text: NotebookText
    """What a save starts from."""


def read_notebook(content: FileText) -> NotebookFile:
    """Return the notebook in the content of a file; takes time, so call it in a thread.

    Of a content that comes in parts, large values of outputs are never in memory all at once.
    Versions before 4 are converted. Cells without an id, or with that of an earlier cell, get a new
    one, which the file does not learn of.

    Raises:
        NotANotebook: it is none; the message says why.
    """
    cuts = Cuts()
    layout, bom = _parse(content if isinstance(content, bytes) else cut_out(content, cuts))
    try:
        return _understood(layout, cuts, content, bom=bom)
    except RecursionError as error:
        raise NotANotebook("The file is nested too deeply to be a notebook.") from error
    except ValueError as error:
        raise NotANotebook(f"The file is not the JSON of a notebook: {error}.") from error


def _understood(layout: Layout, cuts: Cuts, content: FileText, *, bom: bool) -> NotebookFile:
    major = layout.value.get("nbformat")
    if not isinstance(major, (int, float)) or isinstance(major, bool):
        raise NotANotebook("The file is not a notebook: it does not name its version of nbformat.")
    if major > 4:
        raise NotANotebook(f"The notebook is in nbformat {major}; versions up to 4 can be read.")
    if major < 4:
        data = b"".join(parts_of(content))
        notebook = _notebook(_converted(loaded(cuts.restored(layout.value))), cuts)
        return NotebookFile(notebook, notebook, NotebookText.fresh(notebook, converted=data))
    layout.value.setdefault("nbformat_minor", 0)
    notebook = _notebook(layout.value, cuts)
    cell_ids = [CellId(cell["id"]) for cell in notebook["cells"]]
    held = {**notebook, "cells": [from_file(cell) for cell in notebook["cells"]]}
    return NotebookFile(notebook, held, NotebookText(layout, cell_ids, bom=bom, cuts=cuts))


def _parse(data: bytes) -> tuple[Layout, bool]:
    if not data or data.isspace():
        raise NotANotebook("The file is empty; a notebook is a JSON object.")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise NotANotebook(f"The file is not UTF-8 text: {error.reason}.") from error
    bom = text.startswith(BOM)
    try:
        return scan(text.removeprefix(BOM)), bom
    except ValueError as error:
        raise NotANotebook(f"The file is not the JSON of a notebook: {error}.") from error
    except RecursionError as error:
        raise NotANotebook("The file is nested too deeply to be a notebook.") from error


def _converted(value: dict[str, Any]) -> dict[str, Any]:
    try:
        old = reader.reads(json.dumps(value))  # type: ignore[no-untyped-call]
        converted: dict[str, Any] = convert(old, 4)  # type: ignore[no-untyped-call]
    except Exception as error:
        version = value.get("nbformat")
        raise NotANotebook(
            f"The notebook is in the old nbformat {version} and cannot be converted: {error}"
        ) from error
    return converted


def _notebook(value: dict[str, Any], cuts: Cuts) -> dict[str, Any]:
    cells, metadata = value.get("cells"), value.get("metadata", {})
    if not isinstance(cells, list):
        raise NotANotebook("The file is not a notebook: it has no list of cells.")
    if not isinstance(metadata, dict):
        raise NotANotebook("The notebook's metadata is not a JSON object.")
    seen: set[str] = set()
    return {
        "cells": [_cell(cell, f"Cell {n}", seen, cuts) for n, cell in enumerate(cells, start=1)],
        "metadata": {k: v for k, v in metadata.items() if k not in _TRANSIENT},
        "nbformat": 4,
        "nbformat_minor": _minor(value["nbformat_minor"]),
    }


def _minor(value: Any) -> int:
    if not isinstance(value, (int, float)):
        raise NotANotebook("The notebook's nbformat_minor is not a number.")
    return int(value)


def _cell(value: Any, name: str, seen: set[str], cuts: Cuts) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NotANotebook(f"{name} is not a JSON object.")
    kind = value.get("cell_type")
    if kind not in SHARED_TYPES:
        raise NotANotebook(f"{name} is of the unknown type {json.dumps(kind)}.")
    metadata = value.get("metadata", {})
    if not isinstance(metadata, dict):
        raise NotANotebook(f"The metadata of {name.lower()} is not a JSON object.")
    if cuts and "outputs" in value:
        value = {**value, "outputs": _restored(value["outputs"], cuts)}
    cell_id = value.get("id")
    if not isinstance(cell_id, str) or not cell_id or cell_id in seen:
        cell_id = new_id()
    seen.add(cell_id)
    cell = {
        **value,
        "id": cell_id,
        "source": _text(value.get("source", ""), f"The source of {name.lower()}"),
        "metadata": {k: v for k, v in metadata.items() if k != "trusted"},
    }
    if kind == "code":
        cell.setdefault("execution_count", None)
        cell["outputs"] = _outputs(value.get("outputs", []), name.lower())
    elif cuts and "outputs" in value:
        cell["outputs"] = loaded(value["outputs"])
    if isinstance(attachments := value.get("attachments"), dict):
        cell["attachments"] = {key: _data(data) for key, data in attachments.items()}
    return cell


def _outputs(value: Any, name: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(output, dict) for output in value):
        raise NotANotebook(f"The outputs of {name} are not a list of JSON objects.")
    outputs = []
    for output in value:
        kind = output.get("output_type")
        if not isinstance(kind, str):
            raise NotANotebook(f"An output of {name} does not say of what type it is.")
        if kind == "stream":
            text = _text(output.get("text", ""), f"The text of a stream of {name}")
            outputs.append({**output, "text": text})
        elif kind in ("display_data", "execute_result"):
            outputs.append({**output, "data": _data(output.get("data", {}))})
        else:
            outputs.append(output)
    return outputs


def _restored(value: Any, cuts: Cuts) -> Any:
    """Return outputs of which nothing is cut out but what may be moved out."""
    outputs = cuts.restored(value)
    return [_whole_but(output) for output in outputs] if isinstance(outputs, list) else outputs


def _whole_but(output: Any) -> Any:
    if not isinstance(output, dict):
        return loaded(output)
    match output.get("output_type"):
        case "stream":
            kept = {"text": output.get("text", "")}
        case "display_data" | "execute_result" if isinstance(output.get("data"), dict):
            kept = {"data": output["data"]}
        case _:
            kept = {}
    return {key: kept[key] if key in kept else loaded(item) for key, item in output.items()}


def _data(value: Any) -> Any:
    """Return a MIME bundle with each text as one string."""
    if not isinstance(value, dict):
        return value
    bundle = dict(value)
    for mime, data in value.items():
        if not is_json_mime(mime) and (text := _joined(data)) is not None:
            bundle[mime] = text
        elif isinstance(data, Cut):
            data.raw()  # it has to be JSON
    return bundle


def _text(value: Any, name: str) -> str | Cut:
    text = _joined(value)
    if text is None:
        raise NotANotebook(f"{name} is neither a text nor a list of texts.")
    return text


def _joined(value: Any) -> str | Cut | None:
    """Return a text, which may be a list of texts, as one; None if it is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, Cut):
        value.as_text = value.base64() is not None or _joined(value.raw()) is not None
        return value if value.as_text else None
    if not isinstance(value, list):
        return None
    try:
        return "".join(value)
    except TypeError:
        return None


def import_update(notebook: Mapping[str, Any], client_id: int) -> bytes:
    """Return the Yjs update that makes an empty document hold a notebook, whose cells have ids.

    A notebook without cells gets an empty code cell: the front end leaves that to the server.
    Takes time, so call it in a thread.

    Raises:
        NotANotebook: its values are nested too deeply.
    """
    update = FirstUpdate(client_id)
    try:
        meta = {key: notebook[key] for key in ("nbformat", "nbformat_minor")}
        update.map("meta", SharedMap(meta, metadata=SharedMap(to_shared(notebook["metadata"]))))
        cells = notebook["cells"] or [_empty_cell()]
        update.list("cells", SharedList(map(cell_content, cells)))
    except RecursionError as error:
        raise NotANotebook("The notebook's values are nested too deeply.") from error
    return update.encoded()


def _empty_cell() -> dict[str, Any]:
    return {"id": new_id(), "cell_type": "code", "source": "", "metadata": {}}
