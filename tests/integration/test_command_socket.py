"""Commands over a socket that stays open: they are answered as requests are."""

import base64
from typing import Any

import pytest
import pytest_asyncio
from pycrdt import Doc, Text
from websockets.exceptions import InvalidStatus

from jupyter_runt.handlers.commands import MAX_AT_ONCE
from tests.integration.command_socket import socket_at, socket_of
from tests.integration.server import Notebook, Server

pytestmark = [pytest.mark.asyncio, pytest.mark.rule("EX2")]

RUN = {"type": "execute_cells", "cell_ids": ["c0"]}


@pytest_asyncio.fixture
async def notebook(server: Server) -> Notebook:
    """A notebook in which a test may do what it likes."""
    return await server.notebook("print('ran')", "two = 2")


async def test_a_command_is_performed_once_whichever_way_it_comes(notebook: Notebook) -> None:
    command = {**RUN, "command_id": "once"}
    async with socket_of(notebook) as socket:
        command_id, status, body = await socket.ask(command)
        assert (command_id, status) == ("once", 200)
        assert await socket.ask(command) == ("once", 200, body)
    (requested,) = body["events"]
    assert requested["name"] == "v1.ExecutionRequested"
    as_request = await notebook.server.call("POST", f"{notebook.url}/commands", command)
    assert (as_request.status, as_request.body) == (200, body)
    execution = await notebook.execution(requested["payload"]["execution_id"])
    assert execution["outputs"][0]["text"] == "ran\n"


async def test_what_is_no_command_is_answered_with_an_error_and_the_socket_stays(
    notebook: Notebook,
) -> None:
    wrong: list[tuple[str | bytes | dict[str, Any], str | None, int, str]] = [
        ("[" * 100_000, None, 400, "invalid_command"),
        (b"\xff\xfe", None, 400, "invalid_command"),
        ("[]", None, 400, "invalid_command"),
        ({"type": "nope", "command_id": "\ud800"}, "\ud800", 400, "invalid_command"),
        ({"type": "nope", "command_id": "a"}, "a", 400, "invalid_command"),
        ({"type": "interrupt_runtime"}, None, 400, "invalid_command"),
        ({"type": "interrupt_runtime", "command_id": 7}, None, 400, "invalid_command"),
        (
            {"type": "execute_cells", "cell_ids": ["x"], "command_id": "b"},
            "b",
            404,
            "cell_not_found",
        ),
    ]
    before = await notebook.seq()
    async with socket_of(notebook) as socket:
        for said, command_id, status, code in wrong:
            answer = await socket.ask(said)
            assert (*answer[:2], answer[2]["code"]) == (command_id, status, code)
            assert set(answer[2]) == {"code", "message", "detail"}
    assert await notebook.seq() == before


async def test_a_command_that_waits_holds_up_no_other(notebook: Notebook) -> None:
    ahead: Doc[Any] = Doc()
    ahead.get("source", type=Text).insert(0, "never sent")
    vector = base64.b64encode(ahead.get_state()).decode()
    async with socket_of(notebook) as socket:
        await socket.send({**RUN, "command_id": "waits", "state_vector": vector})
        command_id, status, _ = await socket.ask({**RUN, "command_id": "does not"})
        assert (command_id, status) == ("does not", 200)
        command_id, status, body = await socket.answer()
        assert (command_id, status, body["code"]) == ("waits", 409, "stale_revision")


async def test_more_commands_than_are_performed_at_once_are_all_answered(
    notebook: Notebook,
) -> None:
    hide = {"type": "set_cell_visibility", "cell_ids": ["c0"], "source_hidden": True}
    ids = {str(number) for number in range(2 * MAX_AT_ONCE)}
    async with socket_of(notebook) as socket:
        for each in ids:
            await socket.send({**hide, "command_id": each})
        answers = [await socket.answer() for _ in ids]
    assert {command_id for command_id, _, _ in answers} == ids
    assert {status for _, status, _ in answers} == {200}


async def test_a_command_is_performed_though_its_socket_closes(notebook: Notebook) -> None:
    async with socket_of(notebook) as socket:
        await socket.send({"type": "execute_cells", "cell_ids": ["c1"], "command_id": "last"})
    answer = await notebook.send("execute_cells", cell_ids=["c1"], command_id="last")
    (requested,) = answer.body["events"]
    assert (await notebook.execution(requested["payload"]["execution_id"]))["status"] == "ok"
    assert len(await notebook.events(types="v1.ExecutionRequested")) == 1


async def test_a_socket_for_strangers_or_for_no_notebook_is_not_opened(notebook: Notebook) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        async with socket_of(notebook, Authorization="token wrong"):
            pass
    with pytest.raises(InvalidStatus, match="404"):
        async with socket_at(notebook.server, "/api/runt/notebooks/nothing"):
            pass
