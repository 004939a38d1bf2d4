"""What a page says to a kernel goes where it is answered beside a cell, and in order."""

import json
from typing import Any

import pytest
from jupyter_server.services.kernels.connection import base

from jupyter_runt.execution.kernel_socket import QUESTIONS, V1, Asides

sockets: Any = base

CONTROL = "jupyter.widget.control"


def parts(header: dict[str, Any], content: dict[str, Any]) -> list[bytes]:
    return [json.dumps(header).encode(), b"{}", b"{}", json.dumps(content).encode(), b"\0buffer"]


def sent(
    asides: Asides,
    kind: str,
    content: dict[str, Any] | None = None,
    *,
    channel: str = "shell",
    named: str | None = None,
    subshell: str | None = "s",
    runs: bool = False,
) -> str | None:
    """Return to which subshell a message goes; the same in each protocol."""
    header = {"msg_id": "1", "msg_type": kind, "subshell_id": named}
    content = content or {}
    v1 = sockets.serialize_msg_to_ws_v1(parts(header, content), channel)
    taken = asides.take(v1, V1, subshell, runs=runs)
    found, (told, *rest) = sockets.deserialize_msg_from_ws_v1(taken)
    assert (found, rest) == (channel, parts(header, content)[1:])
    goes = json.loads(told)["subshell_id"]
    whole = {"header": header, "parent_header": {}, "channel": channel, "content": content}
    assert json.loads(told) == {**header, "subshell_id": goes}
    if kind != "comm_close":  # after which nothing comes
        text = asides.take(json.dumps(whole), None, subshell, runs=runs)
        assert json.loads(text) == {**whole, "header": {**header, "subshell_id": goes}}
        binary = sockets.serialize_binary_message({**whole, "buffers": [b"\0buffer"]})
        told = sockets.deserialize_binary_message(asides.take(binary, None, subshell, runs=runs))
        assert told["buffers"] == [b"\0buffer"]
        assert told["header"]["subshell_id"] == goes
    return goes


@pytest.mark.parametrize("kind", sorted(QUESTIONS))
def test_a_question_goes_to_the_subshell(kind: str) -> None:
    assert sent(Asides(), kind) == "s"


@pytest.mark.parametrize(
    ("kind", "channel", "named"),
    [
        ("execute_request", "shell", None),
        ("complete_request", "shell", "another"),
        ("comm_msg", "shell", "another"),
        ("kernel_info_request", "control", None),
    ],
)
def test_all_else_stays_as_it_is(kind: str, channel: str, named: str | None) -> None:
    about = {"code": "complete_request comm_msg"}
    assert sent(Asides(), kind, about, channel=channel, named=named, runs=True) == named


@pytest.mark.parametrize("kind", ["comm_open", "comm_msg", "comm_close", "complete_request"])
def test_a_kernel_without_subshells_is_asked_as_ever(kind: str) -> None:
    assert sent(Asides(), kind, {"comm_id": "1"}, subshell=None, runs=True) is None


@pytest.mark.parametrize("runs", [False, True])
def test_what_is_said_to_a_widget_goes_to_the_subshell(runs: bool) -> None:
    asides = Asides()
    assert sent(asides, "comm_msg", {"comm_id": "of the kernel"}, runs=runs) == "s"
    assert sent(asides, "comm_close", {"comm_id": "of the kernel"}, runs=runs) == "s"


@pytest.mark.parametrize(("target", "runs"), [(CONTROL, False), (CONTROL, True), ("another", True)])
def test_what_a_page_opens_beside_a_cell_is_open_there(target: str, runs: bool) -> None:
    asides = Asides()
    assert sent(asides, "comm_open", {"comm_id": "1", "target_name": target}, runs=runs) == "s"
    assert sent(asides, "comm_msg", {"comm_id": "1", "data": {}}) == "s"


@pytest.mark.parametrize("subshell", ["s", None])
def test_nothing_overtakes_what_a_page_opened_while_nothing_ran(subshell: str | None) -> None:
    asides = Asides()
    opened = {"comm_id": "1", "target_name": "another"}
    assert sent(asides, "comm_open", opened, subshell=subshell) is None
    assert sent(asides, "comm_msg", {"comm_id": "1", "data": {}}, runs=True) is None
    assert sent(asides, "comm_msg", {"comm_id": "2", "data": {}}, runs=True) == "s"
    assert sent(asides, "comm_close", {"comm_id": "1", "data": {}}, runs=True) is None
