"""Outputs that are too large for a document, and the references that stand for them. Pure.

What is moved out follows from an output's content alone: that of a kernel, and the same output in
the file that it was saved to, become the same reference.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jupyter_runt.artifacts import Artifact
from jupyter_runt.document.cells import Output, joined
from jupyter_runt.document.ipynb_disk import is_json_mime
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
    content: bytes
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
        output: as nbformat has it, its texts as single strings or lists.
    """
    match output.get("output_type"):
        case "stream":
            return _stream(output, limits)
        case "display_data" | "execute_result":
            data = output.get("data")
            if isinstance(data, Mapping) and REFERENCE not in data:
                return _bundle(output, data, limits)
    return MovedOut(output)


def may_be_large(output: Output, limits: Limits) -> bool:
    """Tell, in no time, whether `move_out` may have something to move."""
    if output.get("output_type") == "stream":
        return len(output.get("text", "")) > limits.text // 4
    data = output.get("data")
    least = min(limits.binary, limits.text // 4)
    values = data.values() if isinstance(data, Mapping) else ()
    return any(not isinstance(value, str) or len(value) > least for value in values)


def move_out_all(outputs: Iterable[Output], limits: Limits) -> tuple[list[Output], list[Payload]]:
    """Return the outputs of a cell as a document has them, and what they refer to."""
    shown = list(outputs)
    rest = shown[limits.outputs :]
    if len(rest) == 1 and _reference(rest[0]) is not None:
        rest = []
    moved = [move_out(output, limits) for output in (shown[: limits.outputs] if rest else shown)]
    if rest:
        moved.append(_rest(rest))
    return [each.output for each in moved], [each for one in moved for each in one.payloads]


def _rest(outputs: Sequence[Output]) -> MovedOut:
    payload = _payload(OUTPUTS, b"".join(map(line_of, outputs)), None)
    tail = ""
    for output in reversed(outputs):
        if len(tail) >= PREVIEW:
            break
        tail = readable(output) + tail
    shown = rest_preview(len(outputs), tail[-PREVIEW:])
    return MovedOut(rest_reference(payload.artifact, len(outputs), shown), (payload,))


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
    text, name = output.get("text", ""), output.get("name")
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


def _bundle(output: Output, data: Mapping[str, Any], limits: Limits) -> MovedOut:
    large = [payload for mime, value in data.items() if (payload := _large(mime, value, limits))]
    if not large:
        return MovedOut(output)
    large.sort(key=lambda each: (-each.artifact.size, each.artifact.mime))
    first, *others = (each.artifact for each in large)
    reference = _described(first)
    if others:
        reference["others"] = [_described(other) for other in others]
    gone = {each.artifact.mime: each for each in large}
    kept: dict[str, Any] = {mime: value for mime, value in data.items() if mime not in gone}
    if "text/plain" in gone:
        kept["text/plain"] = preview(str(gone["text/plain"].value))
    elif "text/plain" not in kept:
        kept["text/plain"] = f"{first.mime}, {words_for_size(first.size)}"
        reference["added"] = "text/plain"
    return MovedOut({**output, "data": {REFERENCE: reference, **kept}}, tuple(large))


def _large(mime: str, value: Any, limits: Limits) -> Payload | None:
    """Return a content of a bundle that is to be moved out."""
    if not _MIME.fullmatch(mime) or mime.startswith(_STAYS):
        return None
    if is_json_mime(mime):
        content = _json(to_shared(value))
        return _payload(mime, content, value) if len(content) > limits.text else None
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        value = "".join(value)
    if not isinstance(value, str):
        return None
    if mime.startswith(_BINARIES) and not mime.startswith(_TEXTS):
        if len(value) <= limits.binary or (raw := _decoded(value)) is None:
            return None
        return _payload(mime, raw, value) if len(raw) > limits.binary else None
    content = _utf8(value)
    return _payload(mime, content, value) if len(content) > limits.text else None


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


def _decoded(text: str) -> bytes | None:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError):
        pass  # it may have line breaks
    try:
        return binascii.a2b_base64("".join(text.split()), strict_mode=True)
    except (binascii.Error, ValueError):
        return None


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


# and back


def references(output: Any) -> list[Artifact]:
    """Return the artifacts that an output refers to."""
    return [artifact for artifact, _ in _parts(output)]


def references_of(outputs: Any) -> list[Artifact]:
    """Return the artifacts that a cell's outputs refer to."""
    shown = outputs if isinstance(outputs, list) else []
    return [artifact for output in shown for artifact in references(output)]


def _reference(output: Any) -> Mapping[str, Any] | None:
    data = output.get("data") if isinstance(output, Mapping) else None
    reference = data.get(REFERENCE) if isinstance(data, Mapping) else None
    return reference if isinstance(reference, Mapping) else None


def _parts(output: Any) -> Iterator[tuple[Artifact, Mapping[str, Any]]]:
    if (reference := _reference(output)) is None:
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


def bring_back(output: Output, value_of: Callable[[Artifact], Any]) -> Output:
    """Return an output with the contents that it refers to.

    Args:
        value_of: returns what stands in the output for an artifact, None if it is gone.

    Returns:
        The output itself where it refers to nothing, or where something of it is gone.
    """
    reference = _reference(output)
    values = {artifact.mime: value_of(artifact) for artifact in references(output)}
    if reference is None or "outputs" in reference or not values or None in values.values():
        return output
    if isinstance(stream := reference.get("stream"), str):
        return {"output_type": "stream", "name": stream, "text": next(iter(values.values()))}
    data = {mime: value for mime, value in output["data"].items() if mime != REFERENCE}
    data.pop(reference.get("added", ""), None)
    return {**output, "data": {**data, **values}}


def value_in_output(mime: str, content: bytes) -> Any:
    """Return how an output has the content of an artifact."""
    if is_json_mime(mime):
        return json.loads(content)
    if mime.startswith(_BINARIES) and not mime.startswith(_TEXTS):
        return base64.b64encode(content).decode("ascii")
    return content.decode()


def complete(
    cell: Mapping[str, Any], old: Mapping[str, Any], load: Callable[[str], bytes]
) -> Mapping[str, Any]:
    """Return a cell with all that its outputs refer to, for a file.

    Args:
        old: the cell as the file has it. What it says of a content is how that is spelled.
        load: returns the bytes of an artifact; raises LookupError for one that is gone, or does not
            count here.
    """
    outputs = cell.get("outputs")
    if not references_of(outputs):
        return cell
    shown = old.get("outputs")
    old_outputs = shown if isinstance(shown, list) else []
    payloads = [each for one in old_outputs for each in move_out(one, Limits(0, 0)).payloads]
    there = {(each.artifact.sha256, each.artifact.mime): each.value for each in payloads}

    def value_of(artifact: Artifact) -> Any:
        value = there.get((artifact.sha256, artifact.mime))
        if value is not None:
            return value
        try:
            return value_in_output(artifact.mime, load(artifact.sha256))
        except (LookupError, ValueError):
            return None

    whole: list[Output] = []
    for output in outputs or ():
        whole += _expanded(output, value_of, old_outputs[len(whole) :])
    return {**cell, "outputs": whole}


def _expanded(
    output: Output, value_of: Callable[[Artifact], Any], old: Sequence[Output]
) -> list[Output]:
    """Return what an output refers to, which may be many; `old` are those that it stood for."""
    reference, artifacts = _reference(output), references(output)
    if reference is None or not artifacts or not isinstance(reference.get("outputs"), int):
        return [bring_back(output, value_of)]
    same = [_with_joined_texts(each) for each in old[: reference["outputs"]]]
    if hashlib.sha256(b"".join(map(line_of, same))).hexdigest() == artifacts[0].sha256:
        return same
    lines = value_of(artifacts[0])
    try:
        return [json.loads(line) for line in str(lines).split("\n")[:-1]] if lines else [output]
    except ValueError:  # a peer said so of something else
        return [output]


def _with_joined_texts(output: Output) -> Output:
    """Return an output of a file as it is in memory."""
    if output.get("output_type") == "stream":
        return {**output, "text": joined(output.get("text", ""))}
    data = output.get("data")
    if not isinstance(data, Mapping):
        return output
    texts = {
        mime: "".join(value)
        for mime, value in data.items()
        if isinstance(value, list)
        and not is_json_mime(mime)
        and all(isinstance(line, str) for line in value)
    }
    return {**output, "data": {**data, **texts}}
