import json
from collections.abc import Mapping
from typing import Any

import pytest

from jupyter_runt.ai.kernel_tools import MAX_TOOLS, VARIABLES, offered_tools
from jupyter_runt.errors import RuntimeLost

pytestmark = pytest.mark.asyncio

SOUND = {"name": "f", "description": "Does.", "parameters": {"type": "object"}, "fingerprint": "x"}


class Kernel:
    """A workplace that has a kernel alone, which answers what the test says."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    @property
    def place(self) -> "Kernel":
        return self

    async def ask_kernel(
        self, request: Mapping[str, Any], seconds: float, *, interrupts: bool = False
    ) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def offered(answer: Any) -> list[str] | None:
    tools = await offered_tools(Kernel(answer))  # type: ignore[arg-type]
    return None if tools is None else [tool.name for tool in tools]


@pytest.mark.rule("AG2")
async def test_a_notebook_cannot_offer_a_tool_under_the_name_of_ours() -> None:
    assert await offered([{**SOUND, "name": "run_cells"}]) == ["kernel_run_cells"]
    (tool,) = await offered_tools(Kernel([SOUND])) or []  # type: ignore[arg-type]
    assert (tool.effect, tool.fingerprint, tool.spec().parameters) == (
        "execute",
        "x",
        {"type": "object"},
    )


@pytest.mark.parametrize(
    "answer",
    [
        None,
        7,
        {},
        [None, 7, {}],
        [{**SOUND, "name": "a b"}],
        [{**SOUND, "name": "x" * 99}],
        [{**SOUND, "name": 7}],
        [{**SOUND, "parameters": None}],
        [{**SOUND, "description": None}],
    ],
)
async def test_what_is_no_description_offers_nothing(answer: Any) -> None:
    assert await offered(answer) == []


async def test_there_is_an_end_to_what_is_offered() -> None:
    many = [{**SOUND, "name": f"f{n}", "description": "d" * 9999} for n in range(999)]
    tools = await offered_tools(Kernel(many)) or []  # type: ignore[arg-type]
    assert len(tools) == MAX_TOOLS
    assert len(json.dumps([tool.description for tool in tools])) < 60_000


async def test_a_kernel_that_cannot_be_asked_is_told_from_one_that_offers_nothing() -> None:
    assert await offered(RuntimeLost("gone")) is None


@pytest.mark.parametrize("answer", [None, 7, ["x"]])
async def test_an_answer_that_is_none_is_an_error(answer: Any) -> None:
    (tool,) = await offered_tools(Kernel([SOUND])) or []  # type: ignore[arg-type]
    with pytest.raises(RuntimeLost):
        await tool.run(Kernel(answer), tool.arguments(), None)


async def test_no_variables_taint_nothing() -> None:
    outcome = await VARIABLES.run(Kernel(""), VARIABLES.arguments())
    assert (outcome.tainted, "no variables" in outcome.text) == (False, True)
    assert (await VARIABLES.run(Kernel("x: int = 1"), VARIABLES.arguments())).tainted
