import asyncio
import json
import time
from typing import Any

import pytest

from jupyter_runt.execution.remote import Introduction, RemoteMachine

pytestmark = pytest.mark.asyncio

ABOUT = Introduction("id", "python3", "Python 3", "python", "signal", "node7", "key", "hmac-sha256")


class Line:
    """A connection of the machine."""

    token_id = "its token"

    def tell(self, message: str | bytes) -> None:
        assert json.loads(message)["type"] in {"registered", "renewed", "end"}

    def close(self) -> None:
        """Nothing is left to send."""


async def no_kernel(*_: Any, **__: Any) -> Any:
    raise AssertionError


@pytest.mark.rule("EX12", "EX1")
async def test_a_lease_ends_when_nothing_was_heard_whatever_the_clock_on_the_wall_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with asyncio.TaskGroup() as group:
        machine = RemoteMachine(ABOUT, 0.1, lambda _: None, no_kernel, group.create_task)
        machine.attach(Line(), 0, 0)
        monkeypatch.setattr(time, "time", lambda: 0.0)
        began = time.monotonic()
        assert await machine.expired() == "node7 was not heard of for 0.1 seconds."
        assert time.monotonic() - began >= 0.05
        assert machine.token_id == Line.token_id


@pytest.mark.rule("EX12")
async def test_a_machine_that_says_nothing_is_out_of_reach_before_its_lease_ends() -> None:
    presence: list[bool] = []
    away = asyncio.Event()

    def note(machine: RemoteMachine) -> None:
        presence.append(machine.present)
        if not machine.present:
            away.set()

    async with asyncio.TaskGroup() as group:
        machine = RemoteMachine(ABOUT, 0.2, note, no_kernel, group.create_task)
        machine.attach(Line(), 0, 0)
        watching = group.create_task(machine.expired())
        await away.wait()
        assert not watching.done()
        machine.attach(Line(), 0, 0)
        await watching
    assert presence == [True, False, True, False], "it came back"
