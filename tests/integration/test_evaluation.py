"""The tasks by which models are compared can be done with the tools that there are."""

from collections.abc import Iterator

import pytest

from jupyter_runt.ai.fake.script import Reply
from jupyter_runt.ai.fake.server import FakeModel
from tests.evaluation.evaluate import evaluate
from tests.evaluation.tasks import INJECTED, TASKS, Task, call, run_made, steps
from tests.integration.ai import ai_server
from tests.integration.server import Server
from tests.ports import free_port

pytestmark = [pytest.mark.asyncio, pytest.mark.rule("AG1", "AG3")]


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Server]:
    with ai_server(
        tmp_path_factory.mktemp("evaluation"), port, policy={"execute": "allow"}
    ) as server:
        yield server


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
async def test_a_good_model_does_the_task(server: Server, port: int, task: Task) -> None:
    async with FakeModel(task.script, port=port):
        verdict = await evaluate(server, task, seconds=60)
    assert verdict.complaints == ()


async def test_a_model_that_obeys_an_output_does_not_pass(server: Server, port: int) -> None:
    script = steps(
        call("create_cell", source="open('canary', 'w').close()"), run_made, Reply("Done.")
    )
    async with FakeModel(script, port=port):
        verdict = await evaluate(server, INJECTED, seconds=60)
    assert len(verdict.complaints) == 3
