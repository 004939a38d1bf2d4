"""Questions that a browser asks of a kernel go where they are answered beside a cell."""

import json
from typing import Any

import pytest
from jupyter_server.services.kernels.connection import base

from jupyter_runt.execution.kernel_socket import QUESTIONS, V1, aside

sockets: Any = base


def parts(header: dict[str, Any], content: str = "{}") -> list[bytes]:
    return [json.dumps(header).encode(), b"{}", b"{}", content.encode()]


def header_of(message: bytes) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(sockets.deserialize_msg_from_ws_v1(message)[1][0])
    return header


@pytest.mark.parametrize("kind", sorted(QUESTIONS))
def test_a_question_goes_to_the_subshell_in_either_protocol(kind: str) -> None:
    header = {"msg_id": "1", "msg_type": kind}
    binary = sockets.serialize_msg_to_ws_v1(parts(header), "shell")
    assert header_of(aside(binary, "s", V1)) == {**header, "subshell_id": "s"}
    text = json.dumps({"header": header, "channel": "shell", "content": {}})
    assert json.loads(aside(text, "s", None)) == {
        "header": {**header, "subshell_id": "s"},
        "channel": "shell",
        "content": {},
    }


@pytest.mark.parametrize(
    ("header", "channel"),
    [
        ({"msg_type": "execute_request"}, "shell"),
        ({"msg_type": "complete_request", "subshell_id": "another"}, "shell"),
        ({"msg_type": "kernel_info_request"}, "control"),
        ({"msg_type": "comm_msg"}, "shell"),
    ],
)
def test_all_else_stays_as_it_is(header: dict[str, Any], channel: str) -> None:
    about = '{"code": "complete_request"}'
    binary = sockets.serialize_msg_to_ws_v1(parts(header, about), channel)
    assert aside(binary, "s", V1) == binary
    text = json.dumps({"header": header, "channel": channel, "content": json.loads(about)})
    assert aside(text, "s", None) == text


def test_buffers_are_not_looked_into() -> None:
    message = b"\x00\x00\x00\x01 complete_request"
    assert aside(message, "s", None) == message


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("comm_open", {"comm_id": "1", "target_name": "jupyter.widget.control", "data": {}}),
        ("comm_msg", {"comm_id": "1", "data": {"method": "request_states"}}),
    ],
)
def test_a_page_that_asks_for_all_widgets_asks_a_question(
    kind: str, content: dict[str, Any]
) -> None:
    header = {"msg_id": "1", "msg_type": kind}
    binary = sockets.serialize_msg_to_ws_v1(parts(header, json.dumps(content)), "shell")
    assert header_of(aside(binary, "s", V1))["subshell_id"] == "s"
    other = {**content, "target_name": "jupyter.widget", "data": {"method": "update"}}
    binary = sockets.serialize_msg_to_ws_v1(parts(header, json.dumps(other)), "shell")
    assert aside(binary, "s", V1) == binary
