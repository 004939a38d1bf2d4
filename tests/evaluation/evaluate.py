"""Has a model do a task on a real server with a real kernel, and looks at what came of it."""

from dataclasses import dataclass

from tests.evaluation.tasks import Outcome, Task
from tests.integration.ai import ask
from tests.integration.server import Server


@dataclass(frozen=True)
class Verdict:
    """How a model did a task."""

    task: str
    complaints: tuple[str, ...]
    status: str
    """Of the turn."""
    rounds: int
    """Calls of tools."""

    @property
    def passed(self) -> bool:
        """Whether there is nothing to complain about."""
        return not self.complaints


async def evaluate(server: Server, task: Task, *, seconds: int = 300) -> Verdict:
    """Have the model of a server do a task."""
    notebook = await server.notebook(*task.cells)
    await notebook.run(*(f"c{number}" for number in range(len(task.cells))), stop_on_error=False)
    turn = await ask(notebook, task.prompt)
    answer = await turn.ended(seconds)
    outcome = Outcome(notebook, turn, answer, (await notebook.at())["cells"])
    complaints = [] if answer["status"] == "ok" else [f"the turn ended with {answer['status']}"]
    complaints += await task.check(outcome)
    return Verdict(task.name, tuple(complaints), answer["status"], len(answer["items"]))
