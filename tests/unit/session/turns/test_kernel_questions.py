import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from jupyter_runt.errors import Conflict, RuntimeLost
from jupyter_runt.session.turns.kernel_questions import kernel_answer
from tests.unit.session.workspace import FakeKernel, OpenNotebook, Workspace, until

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def notebook(workspace: Workspace) -> AsyncIterator[OpenNotebook]:
    workspace.write("nb.ipynb", "1")
    async with workspace.running(), workspace.open("nb.ipynb") as notebook:
        yield notebook


async def started(notebook: OpenNotebook) -> FakeKernel:
    await notebook.send("start_runtime")
    return notebook.workspace.gateway.kernel


async def test_the_value_of_an_expression_is_its_json(notebook: OpenNotebook) -> None:
    await started(notebook)
    code = '\'{"a": [1, "\\\\u00e9"]}\''
    assert await kernel_answer(notebook.session.runtime, code, 5, interrupts=False) == {
        "a": [1, "é"]
    }


async def test_without_a_kernel_there_is_no_answer(notebook: OpenNotebook) -> None:
    with pytest.raises(RuntimeLost, match="no kernel yet"):
        await kernel_answer(notebook.session.runtime, "'1'", 5, interrupts=False)


@pytest.mark.rule("EX8")
async def test_a_kernel_that_runs_a_cell_is_asked_beside_it_or_not_at_all(
    notebook: OpenNotebook,
) -> None:
    await notebook.run("c0")
    kernel = await notebook.started()
    with pytest.raises(Conflict, match="get_execution"):
        await kernel_answer(notebook.session.runtime, "'1'", 5, interrupts=False)
    kernel.subshell = True
    assert await kernel_answer(notebook.session.runtime, "'1'", 5, interrupts=False) == 1
    with pytest.raises(Conflict, match="get_execution"):  # who calls a function waits its turn
        await kernel_answer(notebook.session.runtime, "'1'", 5, interrupts=True)
    kernel.finish(kernel.asked[0][0])


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ({"status": "ok"}, "not one of Python's"),
        ({"status": "aborted"}, "not one of Python's"),
        ({"user_expressions": {"answer": {"status": "error", "ename": "E"}}}, "could not: E"),
        ({"user_expressions": {"answer": {"status": "ok"}}}, "cannot be read"),
        (
            {"user_expressions": {"answer": {"status": "ok", "data": {"text/plain": "x("}}}},
            "cannot be read",
        ),
    ],
)
async def test_a_kernel_that_does_not_understand_is_told_from_one_that_does(
    notebook: OpenNotebook, monkeypatch: pytest.MonkeyPatch, reply: dict[str, Any], told: str
) -> None:
    kernel = await started(notebook)

    async def evaluate(expression: str, begun: Callable[[], None], **_: Any) -> dict[str, Any]:
        return reply

    monkeypatch.setattr(kernel, "evaluate", evaluate)
    with pytest.raises(RuntimeLost, match=told):
        await kernel_answer(notebook.session.runtime, "'1'", 5, interrupts=False)


@pytest.mark.rule("EX5")
@pytest.mark.parametrize("cancelled", [True, False])
@pytest.mark.parametrize("begins", [True, False])
@pytest.mark.parametrize("interrupts", [True, False])
async def test_what_takes_too_long_is_interrupted_if_it_is_ours_and_may_be(
    notebook: OpenNotebook,
    monkeypatch: pytest.MonkeyPatch,
    *,
    cancelled: bool,
    begins: bool,
    interrupts: bool,
) -> None:
    kernel = await started(notebook)
    asked = asyncio.Event()

    async def evaluate(expression: str, begun: Callable[[], None], **_: Any) -> dict[str, Any]:
        if begins:
            begun()
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(kernel, "evaluate", evaluate)
    seconds = 60 if cancelled else 0.01
    asking = kernel_answer(notebook.session.runtime, "'1'", seconds, interrupts=interrupts)
    answer = asyncio.create_task(asking)
    await asked.wait()
    if cancelled:
        answer.cancel()
    await until(answer.done)
    assert answer.cancelled() if cancelled else isinstance(answer.exception(), RuntimeLost)
    assert ("interrupt" in notebook.workspace.gateway.did) == (begins and interrupts)
