"""Tools of the kernel: its variables, and functions that notebooks offer with `@tool`."""

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from pydantic import ConfigDict, Field

from jupyter_runt.ai.arguments import Arguments, Strings
from jupyter_runt.ai.excerpts import PAGE, head_and_tail
from jupyter_runt.ai.workplace import Outcome, Preview, Tool, Work, Workplace
from jupyter_runt.errors import RuntError, RuntimeLost

LOOK_SECONDS: Final = 10.0
"""How long looking at variables may take."""

TOOLS_SECONDS: Final = 2.0
"""How long a turn waits to know which functions there are."""

CALL_SECONDS: Final = 120.0
"""How long a function that a notebook offers may take."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,56}")
"""What providers take as a name, with our prefix."""

PREFIX: Final = "kernel_"
"""So that no notebook can offer a tool under the name of another one."""

MAX_TOOLS: Final = 50
MAX_DESCRIPTION: Final = 1000


class InspectVariables(Arguments):
    """Which variables."""

    names: Strings = Field(
        default=[], max_length=20, description="Names of variables; null: all, a line for each."
    )


async def inspect_variables(work: Work, arguments: InspectVariables) -> Outcome:
    """Tell what variables the kernel has, or more of some."""
    asked = {"do": "variables", "names": arguments.names}
    text = str(await work.place.ask_kernel(asked, LOOK_SECONDS))
    if not text:
        return Outcome("The kernel has no variables.")
    return Outcome(head_and_tail(text, PAGE, "name fewer of them"), tainted=True)


VARIABLES: Final = Tool(
    "inspect_variables",
    "Tell the variables of the kernel: types, shapes, columns, values.",
    "read",
    InspectVariables,
    inspect_variables,
)


class Offered(Arguments):
    """Whatever a function of a notebook takes: the kernel checks it."""

    model_config = ConfigDict(frozen=True, extra="allow")


async def offered_tools(place: Workplace) -> list[Tool] | None:
    """Return the functions that the notebook's kernel offers; None if it cannot be asked now."""
    try:
        found = await place.ask_kernel({"do": "tools"}, TOOLS_SECONDS)
    except RuntError:
        return None
    described = found if isinstance(found, list) else []
    tools = map(_tool, described[:MAX_TOOLS])
    return [tool for tool in tools if tool is not None]


def _tool(described: Any) -> Tool | None:
    """Return the tool that a kernel describes, if it does: its code may say anything."""
    match described:
        case {"name": str(name), "description": str(told), "parameters": dict(schema)}:
            pass
        case _:
            return None
    if _NAME.fullmatch(name) is None:
        return None
    told = told[:MAX_DESCRIPTION] or "(It says nothing about itself.)"
    return Tool(
        PREFIX + name,
        f"A function that this notebook offers. {told}",
        "execute",
        Offered,
        partial(_call, name),
        partial(_preview, name),
        fingerprint=str(described.get("fingerprint")),
        schema=schema,
    )


def _given(arguments: Offered) -> dict[str, Any]:
    return dict(arguments.model_extra or {})


async def _preview(name: str, _work: Work, arguments: Offered) -> Preview:
    given = ", ".join(f"{key}={value!r}" for key, value in _given(arguments).items())
    return Preview(f"{name}({given})")


async def _call(name: str, work: Work, arguments: Offered, _preview: Preview) -> Outcome:
    asked = {"do": "call", "name": name, "arguments": _given(arguments)}
    answer = await work.place.ask_kernel(asked, CALL_SECONDS, interrupts=True)
    if not isinstance(answer, Mapping):
        raise RuntimeLost("The kernel's answer cannot be read.")
    failure = answer.get("error")
    parts = [answer.get("printed"), failure if failure is not None else answer.get("text")]
    text = "\n".join(str(part) for part in parts if part)
    how = "the function has to say less"
    shown = head_and_tail(text, PAGE, how) or "It returned nothing."
    return Outcome(shown, tainted=bool(text), failed=failure is not None)


def expression(source: str, request: Mapping[str, Any]) -> str:
    """Return a Python expression whose value is the answer of `jupyter_runt.kernel` to a request.

    Args:
        source: of that module: a kernel may be of an environment without this package.
    """
    asked = json.dumps(request)
    run = f"exec(compile({source!r}, 'jupyter_runt/kernel.py', 'exec'), space)"
    space = "{'__name__': 'jupyter_runt.kernel'}"
    return f"(lambda space: ({run}, space['answer']({asked!r}))[1])({space})"
