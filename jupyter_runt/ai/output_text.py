"""Outputs of cells as text and pictures for a model. Pure."""

import json
import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from typing import Any, Final

from jupyter_runt.tools import Image

_ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_TAG: Final = re.compile(r"<[^<>]*>")

IMAGE_TYPES: Final = ("image/png", "image/jpeg", "image/webp", "image/gif")
"""Those that models take."""

_TEXT_TYPES: Final = ("text/llm+plain", "text/markdown", "text/latex", "text/plain")
"""The best one first. What a library writes for people comes before Python's `repr`."""


def output_text(output: Mapping[str, Any]) -> str:
    """Return what an output says; of pictures, that there are some."""
    match output.get("output_type"):
        case "stream":
            return _plain(_joined(output.get("text", ""))).rstrip("\n")
        case "error":
            return _error(output)
        case _:
            data = output.get("data")
            return _data(data) if isinstance(data, Mapping) else ""


def output_images(output: Mapping[str, Any]) -> list[Image]:
    """Return the pictures of an output that a model can be shown."""
    data = output.get("data")
    if not isinstance(data, Mapping):
        return []
    for mime_type in IMAGE_TYPES:
        value = data.get(mime_type)
        if isinstance(value, str | list):
            try:
                return [Image(mime_type, b64decode(_joined(value), validate=False))]
            except (NotBase64, ValueError):
                return []
    return []


def _joined(text: Any) -> str:
    """Return a text of nbformat; whatever else a peer put in its place is none."""
    if isinstance(text, list):
        return "".join(part for part in text if isinstance(part, str))
    return text if isinstance(text, str) else ""


def _static(html: str) -> str:
    """Return HTML without scripts and styles; costs no more than its length, whatever it is."""
    for tag in ("script", "style"):
        kept, begun, lower = [], 0, html.lower()
        while (opening := lower.find(f"<{tag}", begun)) >= 0:
            kept.append(html[begun:opening])
            closing = lower.find(f"</{tag}", opening)
            begun = len(html) if closing < 0 else closing
        html = "".join([*kept, html[begun:]])
    return html


def _plain(text: str) -> str:
    """Return a terminal's text as it reads in the end: what a carriage return covered is gone."""
    text = _ANSI.sub("", text)
    if "\r" not in text:
        return text
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def _error(output: Mapping[str, Any]) -> str:
    lines = output.get("traceback")
    if isinstance(lines, list) and lines:
        return _plain("\n".join(map(str, lines)))
    return f"{output.get('ename', 'Error')}: {output.get('evalue', '')}"


def _data(data: Mapping[str, Any]) -> str:
    pictures = [each for each in data if each.startswith("image/")]
    said = _said(data)
    shown = [f"[{', '.join(pictures)}]"] if pictures else []
    return "\n".join([*shown, said] if said else shown)


def _said(data: Mapping[str, Any]) -> str:
    for mime_type in _TEXT_TYPES:
        if isinstance(value := data.get(mime_type), str | list):
            return _plain(_joined(value))
    for mime_type, value in data.items():
        if mime_type.endswith("json") and not mime_type.startswith("application/vnd."):
            return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(html := data.get("text/html"), str | list):
        lines = _TAG.sub(" ", _static(_joined(html))).split("\n")
        return "\n".join(" ".join(line.split()) for line in lines if line.strip())
    return ""
