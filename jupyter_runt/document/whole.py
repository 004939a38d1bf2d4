"""Outputs with all that they refer to, as other programs want them."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from jupyter_runt.artifacts import Artifact
from jupyter_runt.document.base64_text import encoded
from jupyter_runt.document.cells import Output, joined
from jupyter_runt.document.cuts import LARGE, Cut, loaded
from jupyter_runt.document.ipynb_disk import is_json_mime
from jupyter_runt.document.references import (
    REFERENCE,
    Limits,
    is_binary,
    large,
    line_of,
    reference_in,
    references,
    references_of,
)
from jupyter_runt.document.spool import lines_of

Load = Callable[[str], Iterator[bytes]]
"""Yields the bytes of an artifact; raises LookupError for one that is gone, or does not count.

Takes time. One that is damaged is found out after the last of them.
"""

_ANY_TEXT: Final = "application/octet-stream"

CutOut = Callable[[str, Iterable[bytes], bool], Cut | None]
"""Keeps a value apart, if there is place: of its MIME type, its content, and whether it is the text
of a stream."""


def nothing(sha256: str) -> Iterator[bytes]:
    """Load no artifact: there are none."""
    raise LookupError(sha256)


def bring_back(output: Output, value_of: Callable[[Artifact], Any]) -> Output:
    """Return an output with the contents that it refers to.

    Args:
        value_of: returns what stands in the output for an artifact, None if it is gone.

    Returns:
        The output itself where it refers to nothing, or where something of it is gone.
    """
    reference = reference_in(output)
    values = {artifact.mime: value_of(artifact) for artifact in references(output)}
    if reference is None or "outputs" in reference or not values or None in values.values():
        return output
    if isinstance(stream := reference.get("stream"), str):
        return {"output_type": "stream", "name": stream, "text": next(iter(values.values()))}
    data = {mime: value for mime, value in output["data"].items() if mime != REFERENCE}
    if isinstance(added := reference.get("added"), str):
        data.pop(added, None)
    return {**output, "data": {**data, **values}}


def value_in_output(mime: str, content: bytes) -> Any:
    """Return how an output has the content of an artifact."""
    if is_json_mime(mime):
        return json.loads(content)
    if is_binary(mime):
        return encoded(content).decode()
    return content.decode()


def complete(
    cell: Mapping[str, Any], old: Mapping[str, Any], load: Load, cut_out: CutOut | None = None
) -> Mapping[str, Any]:
    """Return a cell with all that its outputs refer to, for a file.

    Args:
        old: the cell as the file has it. What it says of a content is how that is spelled.
        cut_out: keeps large values apart, so that they are never in memory all at once.
    """
    outputs = cell.get("outputs")
    if not references_of(outputs):
        return cell
    shown = old.get("outputs")
    old_outputs = shown if isinstance(shown, list) else []
    values = _Values(old_outputs, load, cut_out)
    whole: list[Output] = []
    for output in outputs or ():
        whole += values.expanded(output, old_outputs[len(whole) :])
    return {**cell, "outputs": whole}


class _Values:
    """What stands in a cell's outputs in the file for the artifacts that they refer to."""

    def __init__(self, old: Sequence[Output], load: Load, cut_out: CutOut | None) -> None:
        self._there = {key: value for output in old for key, value in _movable(output)}
        self._load = load
        self._cut_out = cut_out

    def expanded(self, output: Output, old: Sequence[Output]) -> list[Output]:
        """Return what an output refers to, which may be many; `old` are those it stood for."""
        reference, artifacts = reference_in(output), references(output)
        if reference is None or not artifacts:
            return [output]
        if not isinstance(reference.get("outputs"), int):
            stream = isinstance(reference.get("stream"), str)
            return [bring_back(output, lambda artifact: self._value(artifact, stream=stream))]
        same = old[: reference["outputs"]]
        digest = hashlib.sha256()
        for each in same:
            digest.update(line_of(_with_joined_texts(loaded(each))))
        if digest.hexdigest() == artifacts[0].sha256:
            return list(same)
        try:
            return [
                self._lean(json.loads(line)) for line in lines_of(self._load(artifacts[0].sha256))
            ]
        except (LookupError, ValueError):  # it is gone, or a peer said so of something else
            return [output]

    def _value(self, artifact: Artifact, *, stream: bool) -> Any:
        there = self._there.get((artifact.sha256, artifact.mime))
        if there is not None:
            return there
        try:
            return self._new_value(artifact, stream=stream)
        except (LookupError, ValueError):
            return None

    def _new_value(self, artifact: Artifact, *, stream: bool) -> Any:
        if self._cut_out is not None and artifact.size >= LARGE:
            cut = self._cut_out(artifact.mime, self._load(artifact.sha256), stream)
            if cut is not None:
                cut.artifact = artifact
                return cut
        return value_in_output(artifact.mime, b"".join(self._load(artifact.sha256)))

    def _lean(self, output: Output) -> Output:
        """Return an output whose large values are kept apart; raises ValueError if it is none."""
        if not isinstance(output, dict):
            raise ValueError("no output")
        if self._cut_out is None:
            return output
        if output.get("output_type") == "stream":
            return {**output, "text": self._apart("text/plain", output["text"], stream=True)}
        if isinstance(data := output.get("data"), Mapping):
            lean = {mime: self._apart(mime, value) for mime, value in data.items()}
            return {**output, "data": lean}
        return output

    def _apart(self, mime: str, value: Any, *, stream: bool = False) -> Any:
        if self._cut_out is None or not isinstance(value, str) or len(value) < LARGE:
            return value
        if is_json_mime(mime):
            return value
        # Base64 is a text like any other by now.
        form = _ANY_TEXT if is_binary(mime) else mime
        return self._cut_out(form, (value.encode(),), stream) or value


def _movable(output: Output) -> Iterator[tuple[tuple[str, str], Any]]:
    """Yield what might stand beside a document: hash and MIME type, and how the file has it."""
    if output.get("output_type") == "stream":
        values = {"text/plain": output.get("text", "")}
    else:
        data = output.get("data")
        values = dict(data) if isinstance(data, Mapping) else {}
    for mime, value in values.items():
        if isinstance(value, Cut) and value.artifact is not None:
            yield (value.artifact.sha256, mime), value
        elif (payload := large(mime, value, Limits(0, 0))) is not None:
            if isinstance(value, Cut):
                value.artifact = payload.artifact
            yield (payload.artifact.sha256, mime), value


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
