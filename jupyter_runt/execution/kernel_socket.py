"""Jupyter's kernel WebSocket, whose questions a notebook's kernel answers while it runs a cell."""

import json
from typing import Any, Final

from jupyter_server.services.kernels.connection import base as sockets

from jupyter_runt.execution.connection import LinkedKernelConnection

V1: Final = "v1.kernel.websocket.jupyter.org"

QUESTIONS: Final = frozenset(
    {
        "comm_info_request",
        "complete_request",
        "inspect_request",
        "is_complete_request",
        "kernel_info_request",
    }
)
"""Requests that change nothing, and that a person or a page waits for."""

WIDGETS: Final = "jupyter.widget.control"
ALL_STATES: Final = "request_states"
"""The target and the method with which a page asks for all widgets, once it is loaded."""

_SIGNS: Final = (*QUESTIONS, WIDGETS, ALL_STATES)

_v1: Any = sockets
_Base: Any = object


class AnsweredAside(_Base):  # type: ignore[misc]
    """What `answered_aside` adds."""

    def handle_incoming_message(self, incoming_msg: Any) -> None:
        """See the base class. Questions go to the kernel's subshell, where it has one."""
        known = self._known()
        if known is not None and known.subshell is not None:
            incoming_msg = aside(incoming_msg, known.subshell, self.subprotocol)
        super().handle_incoming_message(incoming_msg)

    def request_kernel_info(self) -> Any:
        """See the base class. A kernel that runs a cell would answer after that."""
        known = self._known()
        if known is None or not known.info:
            return super().request_kernel_info()
        self._finish_kernel_info(known.info)
        return self._kernel_info_future

    def _known(self) -> LinkedKernelConnection | None:
        known: LinkedKernelConnection | None
        known = self.multi_kernel_manager.connection_of(self.kernel_id)
        return known


def answered_aside(base: type[Any]) -> type[Any]:
    """Return a subclass of a kernel WebSocket connection for kernels of `owned_kernel_manager`."""

    class AnsweredAsideConnection(AnsweredAside, base):  # type: ignore[misc]
        pass

    return AnsweredAsideConnection


def aside(message: Any, subshell: str, protocol: str | None) -> Any:
    """Return a browser's message, for the subshell if it is a question for no other one."""
    if not _may_ask(message):
        return message
    if protocol == V1:
        channel, parts = _v1.deserialize_msg_from_ws_v1(message)
        header = json.loads(parts[0])
        if channel != "shell" or not _asks(header, json.loads(parts[3])):
            return message
        header["subshell_id"] = subshell
        return _v1.serialize_msg_to_ws_v1([json.dumps(header).encode(), *parts[1:]], channel)
    if isinstance(message, bytes):  # with buffers, which no question has
        return message
    request = json.loads(message)
    if request.get("channel") != "shell" or not _asks(request["header"], request["content"]):
        return message
    request["header"]["subshell_id"] = subshell
    return json.dumps(request)


def _may_ask(message: str | bytes) -> bool:
    """Tell questions from what may be large without taking it apart."""
    if isinstance(message, str):
        return any(sign in message for sign in _SIGNS)
    return any(sign.encode() in message[:2048] for sign in _SIGNS)


def _asks(header: dict[str, Any], content: dict[str, Any]) -> bool:
    kind, data = header.get("msg_type"), content.get("data") or {}
    question = (
        kind in QUESTIONS
        or (kind == "comm_open" and content.get("target_name") == WIDGETS)
        or (kind == "comm_msg" and data.get("method") == ALL_STATES)
    )
    return question and header.get("subshell_id") is None
