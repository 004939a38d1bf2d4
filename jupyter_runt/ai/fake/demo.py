"""The demo model: it follows a script, understands nothing, and says so. Pure."""

import re
from typing import Final

from jupyter_runt.ai.fake.script import Reply, Request

MODEL: Final = "demo"

NOTICE: Final = (
    "**This is the demo model of jupyter-runt.** It follows a script and understands nothing; "
    "a real one answers here once its key is set."
)
PLOT: Final = """\
import math

xs = [x / 10 for x in range(63)]
for x, y in list(zip(xs, map(math.sin, xs)))[::6]:
    print(f"{x:4.1f} " + " " * round(20 + 20 * y) + "*")
"""

_PACE: Final = 0.04
_WANTS_WORK: Final = re.compile(r"\b(add|create|make|plot|draw|write|cell)\b", re.IGNORECASE)


def demo(request: Request) -> Reply:
    """Return what the demo model says: something about what it was shown, and a cell if asked."""
    if _was_told_of_a_tool(request):
        said = "There it is, below this cell. Run it, or take it back with *Undo its changes*."
        return Reply(said, delay=_PACE)
    question = _text(request.messages[-1]).split("\n\n")[-1].strip()
    seen = len(re.findall(r"^\[\d+\] ", "\n".join(map(_text, request.messages)), re.MULTILINE))
    cells = "no cell" if not seen else "one cell" if seen == 1 else f"{seen} cells"
    said = f"{NOTICE}\n\nYou asked:\n\n> {question[:200]}\n\nand I was shown {cells} above it. "
    if _may_create_cells(request) and _WANTS_WORK.search(question):
        arguments = {"cell_type": "code", "source": PLOT, "after": None}
        return Reply(f"{said}I make one.", [("create_cell", arguments)], delay=_PACE)
    hint = "Ask me to *draw a plot* to see how I work with cells."
    return Reply(f"{said}{hint}", delay=_PACE)


def _was_told_of_a_tool(request: Request) -> bool:
    last = request.messages[-1] if request.messages else {}
    return last.get("role") == "tool" or last.get("type") == "function_call_output"


def _may_create_cells(request: Request) -> bool:
    tools = request.body.get("tools") or []
    return any("create_cell" in (tool.get("name"), *_named(tool)) for tool in tools)


def _named(tool: dict[str, object]) -> tuple[object, ...]:
    function = tool.get("function")
    return (function.get("name"),) if isinstance(function, dict) else ()


def _text(message: dict[str, object]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""
