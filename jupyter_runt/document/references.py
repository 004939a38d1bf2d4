"""Outputs that are too large for a document, and the references that stand for them. Pure.

What is moved out follows from an output's content alone: that of a kernel, and the same output in
the file that it was saved to, become the same reference.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jupyter_runt.artifacts import Artifact
from jupyter_runt.document.base64_text import Text, decoded_lines
from jupyter_runt.document.cells import Cell, Output, joined
from jupyter_runt.document.cuts import Cut, loaded
from jupyter_runt.document.ipynb_disk import is_json_mime
from jupyter_runt.document.spool import MUCH, Spool
from jupyter_runt.document.values import to_shared

REFERENCE: Final = "application/vnd.runt.artifact+json"
"""MIME type of a reference: `{sha256, mime, size}`, with a preview as `text/plain` beside it."""

OUTPUTS: Final = "application/x-ndjson"
"""MIME type of an artifact that is many outputs, one a line."""

PREVIEW: Final = 4_000
"""Characters of the beginning, and of the end, of a text that stay in the document."""

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_MIME: Final = re.compile(r"[a-z0-9][\w.+-]*/[\w.+-]+", re.IGNORECASE)
_TEXTS: Final = ("text/", "image/svg+xml", "application/javascript", "application/xml")
_BINARIES: Final = ("image/", "audio/", "video/", "font/", "application/pdf")
_STAYS: Final = ("application/vnd.runt.", "application/vnd.jupyter.widget-")


@dataclass(frozen=True, slots=True)
class Limits:
    """What stays in the document at most, in bytes."""

    binary: int = 16 * 1024
    """Of an image or the like."""
    text: int = 64 * 1024
    """Of any other content of an output."""
    outputs: int = 1_000
    """Of one cell; how many."""


@dataclass(frozen=True, slots=True)
class Payload:
    """What was moved out of an output."""

    artifact: Artifact
    content: bytes | Spool
    value: Any
    """As it stood in the output."""


@dataclass(frozen=True, slots=True)
class MovedOut:
    """An output as a document has it, and what that refers to."""

    output: Output
    payloads: tuple[Payload, ...] = ()


def move_out(output: Output, limits: Limits) -> MovedOut:
    """Return an output whose large contents are references; takes time where there are any.

    Args:
        output: as nbformat has it, its texts as single strings or lists; its values may be cut out.
    """
    match output.get("output_type"):
        case "stream":
            return _stream(output, limits)
        case "display_data" | "execute_result":
            data = output.get("data")
            if isinstance(data, Mapping) and REFERENCE not in data:
                return _bundle(output, data, limits)
        case "error":
            return _error(output, limits)
    return MovedOut(output)


def may_be_large(output: Output, limits: Limits) -> bool:
    """Tell, in no time, whether `move_out` may have something to move."""
    if output.get("output_type") == "stream":
        return len(output.get("text", "")) > limits.text // 4
    if output.get("output_type") == "error":
        return sum(map(len, (output["evalue"], *output["traceback"]))) > limits.text // 4
    data = output.get("data")
    least = min(limits.binary, limits.text // 4)
    values = data.values() if isinstance(data, Mapping) else ()
    return any(not isinstance(value, str) or len(value) > least for value in values)


def moving_out(cells: Iterable[Cell], limits: Limits) -> Iterator[Cell | Payload]:
    """Yield the cells of a notebook as a document has them, and what they refer to, each before.

    Takes time between any two of them.
    """
    for cell in cells:
        outputs = cell.get("outputs", ()) if cell["cell_type"] == "code" else ()
        shown: list[Output] = []
        for moved in _moving_out(outputs, limits):
            yield from moved.payloads
            shown.append(moved.output)
        yield {**cell, "outputs": shown} if shown else cell


def _moving_out(outputs: Sequence[Output], limits: Limits) -> Iterator[MovedOut]:
    rest = outputs[limits.outputs :]
    if len(rest) == 1 and reference_in(rest[0]) is not None:
        rest = ()
    for output in outputs[: limits.outputs] if rest else outputs:
        moved = move_out(output, limits)
        yield MovedOut(loaded(moved.output), moved.payloads)
    if rest:
        yield _rest(rest)


def _rest(outputs: Sequence[Output]) -> MovedOut:
    spool, ends = Spool(OUTPUTS), ""
    for output in outputs:
        whole = loaded(output)
        spool.write(line_of(whole))
        if spool.pending >= MUCH:
            spool.flush()
        ends = (ends + readable(whole)[-PREVIEW:])[-PREVIEW:]
    artifact = spool.described()
    shown = rest_reference(artifact, len(outputs), rest_preview(len(outputs), ends))
    return MovedOut(shown, (Payload(artifact, spool, None),))


def line_of(output: Output) -> bytes:
    """Return an output as one line of many."""
    return _json(to_shared(dict(output))) + b"\n"


def readable(output: Output) -> str:
    """Return what a person reads of an output, as one or more lines."""
    if output.get("output_type") == "stream":
        return joined(output.get("text", ""))
    data = output.get("data")
    words = data.get("text/plain", "") if isinstance(data, Mapping) else output.get("evalue", "")
    return f"{joined(words) if isinstance(words, (str, list)) else ''}\n"


def rest_preview(count: int, tail: str) -> str:
    """Return how many more outputs a cell has, and their last words.

    Args:
        tail: the last `PREVIEW` characters of all that is readable.
    """
    if len(tail) == PREVIEW and 0 <= (start := tail.find("\n")) < PREVIEW // 2:
        tail = tail[start + 1 :]
    return f"⋯ {count:,} more outputs, which end with ⋯\n{tail}"


def rest_reference(artifact: Artifact, count: int, preview: str) -> Output:
    """Return the output that stands for all further ones of a cell."""
    data = {REFERENCE: {**_described(artifact), "outputs": count}, "text/plain": preview}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def stream_reference(name: str, artifact: Artifact, *, preview: str) -> Output:
    """Return the output that stands for a long text of the stream `name`."""
    reference = {**_described(artifact), "stream": name}
    data = {REFERENCE: reference, "text/plain": preview}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def _stream(output: Output, limits: Limits) -> MovedOut:
    text, name = loaded(output.get("text", "")), output.get("name")
    if not isinstance(name, str) or not isinstance(text, (str, list)):
        return MovedOut(output)
    text = joined(text)
    if len(text) <= limits.text // 4:  # no character takes more than four bytes
        return MovedOut(output)
    content = _utf8(text)
    if len(content) <= limits.text:
        return MovedOut(output)
    payload = _payload("text/plain", content, text)
    moved = stream_reference(name, payload.artifact, preview=preview(text))
    return MovedOut(moved, (payload,))


def _error(output: Output, limits: Limits) -> MovedOut:
    """Return a reference to the whole of an error that is too large, as there is no other place."""
    traceback = output.get("traceback")
    lines = traceback if isinstance(traceback, list) else []
    text = "\n".join(line for line in (*lines, output.get("evalue")) if isinstance(line, str))
    if len(text) <= limits.text // 4:
        return MovedOut(output)
    content = line_of(output)
    if len(content) <= limits.text:
        return MovedOut(output)
    payload = _payload(OUTPUTS, content, None)
    return MovedOut(rest_reference(payload.artifact, 1, preview(text)), (payload,))


def _bundle(output: Output, data: Mapping[str, Any], limits: Limits) -> MovedOut:
    payloads = [payload for mime, value in data.items() if (payload := large(mime, value, limits))]
    if not payloads:
        return MovedOut(output)
    payloads.sort(key=lambda each: (-each.artifact.size, each.artifact.mime))
    first, *others = (each.artifact for each in payloads)
    reference = _described(first)
    if others:
        reference["others"] = [_described(other) for other in others]
    gone = {each.artifact.mime: each for each in payloads}
    kept: dict[str, Any] = {mime: value for mime, value in data.items() if mime not in gone}
    if "text/plain" in gone:
        kept["text/plain"] = preview(str(gone["text/plain"].value))
    elif "text/plain" not in kept:
        kept["text/plain"] = f"{first.mime}, {words_for_size(first.size)}"
        reference["added"] = "text/plain"
    return MovedOut({**output, "data": {REFERENCE: reference, **kept}}, tuple(payloads))


def is_binary(mime: str) -> bool:
    """Tell whether data of a MIME type is base64."""
    return mime.startswith(_BINARIES) and not mime.startswith(_TEXTS)


def large(mime: str, value: Any, limits: Limits) -> Payload | None:
    """Return a content of a bundle that is to be moved out; it may be a `Cut`."""
    if not _MIME.fullmatch(mime) or mime.startswith(_STAYS):
        return None
    base64 = value.base64() if isinstance(value, Cut) and is_binary(mime) else None
    if base64 is not None:
        return _binary(mime, base64, value, limits)
    value = loaded(value)
    if is_json_mime(mime):
        content = _json(to_shared(value))
        return _payload(mime, content, value) if len(content) > limits.text else None
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        value = "".join(value)
    if not isinstance(value, str):
        return None
    if is_binary(mime):
        return _binary(mime, value, value, limits)
    content = _utf8(value)
    return _payload(mime, content, value) if len(content) > limits.text else None


def _binary(mime: str, base64: Text, value: Any, limits: Limits) -> Payload | None:
    raw = decoded_lines(base64) or b""
    return _payload(mime, raw, value) if len(raw) > limits.binary else None


def _utf8(text: str) -> bytes:
    """Return the bytes of a text as a document would have it."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return bytes(to_shared(text).encode())


def _json(value: Any) -> bytes:
    """Return the one JSON of a value: neither a document nor a file keeps the order of keys."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def _payload(mime: str, content: bytes, value: Any) -> Payload:
    digest = hashlib.sha256(content).hexdigest()
    return Payload(Artifact(digest, mime, len(content)), content, value)


def _described(artifact: Artifact) -> dict[str, Any]:
    return {"sha256": artifact.sha256, "mime": artifact.mime, "size": artifact.size}


def preview(text: str) -> str:
    """Return the beginning and the end of a text, cut at lines where there are any."""
    return shortened(text[:PREVIEW], text[-PREVIEW:], len(text))


def shortened(head: str, tail: str, length: int) -> str:
    """Return how a text is shown of which only the beginning and the end are known.

    Args:
        head: its first `PREVIEW` characters.
        tail: its last ones.
        length: of the whole, in characters; more than both together.
    """
    if length <= 2 * PREVIEW:
        return head + tail[max(0, len(head) + len(tail) - length) :]
    if (end := head.rfind("\n")) >= len(head) // 2:
        head = head[: end + 1]
    if 0 <= (start := tail.find("\n")) < len(tail) // 2:
        tail = tail[start + 1 :]
    left_out = length - len(head) - len(tail)
    separator = "" if head.endswith("\n") else "\n"
    return f"{head}{separator}⋯ {left_out:,} characters are not shown here ⋯\n{tail}"


def words_for_size(size: int) -> str:
    """Return a number of bytes for people."""
    if size < 1_000:
        return f"{size} bytes"
    if size < 1_000_000:
        return f"{size / 1e3:.1f} kB"
    return f"{size / 1e6:.1f} MB"


def references(output: Any) -> list[Artifact]:
    """Return the artifacts that an output refers to."""
    return [artifact for artifact, _ in _parts(output)]


def references_of(outputs: Any) -> list[Artifact]:
    """Return the artifacts that a cell's outputs refer to."""
    shown = outputs if isinstance(outputs, list) else []
    return [artifact for output in shown for artifact in references(output)]


def reference_in(output: Any) -> Mapping[str, Any] | None:
    """Return the reference that an output is, if it is one."""
    data = output.get("data") if isinstance(output, Mapping) else None
    reference = data.get(REFERENCE) if isinstance(data, Mapping) else None
    return reference if isinstance(reference, Mapping) else None


def _parts(output: Any) -> Iterator[tuple[Artifact, Mapping[str, Any]]]:
    if (reference := reference_in(output)) is None:
        return
    others = reference.get("others")
    for part in (reference, *(others if isinstance(others, list) else ())):
        if not isinstance(part, Mapping):
            continue
        sha256, mime, size = part.get("sha256"), part.get("mime"), part.get("size")
        if not (isinstance(sha256, str) and isinstance(mime, str) and isinstance(size, int)):
            continue
        if _SHA256.fullmatch(sha256) and _MIME.fullmatch(mime):
            yield Artifact(sha256, mime, size), part
