"""What the server asks a kernel between its cells, or beside them: the values of expressions."""

import ast
import asyncio
import json
from contextlib import suppress
from typing import Any, Final

from jupyter_runt.errors import Conflict, RuntimeLost
from jupyter_runt.session.runtime import NotebookRuntime

RUNS_A_CELL: Final = "The kernel runs a cell: wait for its end (get_execution), then try again."


async def kernel_answer(
    runtime: NotebookRuntime, expression: str, seconds: float, *, interrupts: bool
) -> Any:
    """Return the JSON that a Python expression tells, evaluated by a kernel.

    Args:
        interrupts: whether the kernel is interrupted where it takes longer, or nobody waits for its
            answer any more; without it, it is let finish, and may be asked beside a cell.

    Raises:
        RuntimeLost: there is no kernel, it did not answer, or could not.
        Conflict: it has cells to run, and answers nothing beside them.
    """
    connection = runtime.connection
    if connection is None:
        raise RuntimeLost("The notebook has no kernel yet: running a cell starts one.")
    if runtime.busy and interrupts:
        raise Conflict(RUNS_A_CELL)
    begun = asyncio.Event()
    try:
        async with asyncio.timeout(seconds):
            await connection.ready()
            reply = await connection.evaluate(expression, begun.set, aside=runtime.busy)
    except Conflict:
        raise Conflict(RUNS_A_CELL) from None
    except (TimeoutError, asyncio.CancelledError) as error:
        if interrupts and begun.is_set():  # and not at somebody's cell
            with suppress(RuntimeLost):
                await runtime.interrupt()
        if isinstance(error, asyncio.CancelledError):
            raise
        raise RuntimeLost(f"The kernel did not answer within {seconds:g} s.") from None
    return _value(reply)


def _value(reply: dict[str, Any]) -> Any:
    answer = (reply.get("user_expressions") or {}).get("answer")
    if not isinstance(answer, dict):
        raise RuntimeLost("The kernel cannot be asked: it is not one of Python's.")
    if answer.get("status") != "ok":
        raise RuntimeLost(f"The kernel could not: {answer.get('ename')}: {answer.get('evalue')}")
    try:
        return json.loads(ast.literal_eval(answer["data"]["text/plain"]))
    except (KeyError, ValueError, SyntaxError, TypeError) as error:
        raise RuntimeLost("The kernel's answer cannot be read.") from error
