"""Jupyter's kernel WebSocket: what a notebook's kernel is asked there does not wait for a cell."""

import json
from collections.abc import Callable
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

COMM_OPEN: Final = "comm_open"
COMM_MESSAGES: Final = frozenset({"comm_msg", "comm_close"})

ALL_WIDGETS: Final = "jupyter.widget.control"
"""The target of the comm with which a page that is loaded asks for all widgets."""

_SIGNS: Final = (*QUESTIONS, COMM_OPEN, *COMM_MESSAGES)

_Header = dict[str, Any]

_wire: Any = sockets
_Base: Any = object


class Asides:
    """Which messages of one page go to its kernel's subshell, where they do not wait for a cell.

    Questions do, and what is said to widgets: IPython's kernels take that in their main shell all
    the same while they run nothing. What a page opens while nothing runs is opened in the main
    shell, as Jupyter does, and what it says to that goes there too: it must not overtake.
    """

    def __init__(self) -> None:
        self._in_line: set[str] = set()
        """The comms that the page opened in the main shell."""

    def take(self, message: Any, protocol: str | None, subshell: str | None, *, runs: bool) -> Any:
        """Return a message as the kernel is to have it.

        Args:
            subshell: the kernel's, if it has one.
            runs: whether it runs a cell.
        """
        if not _may_concern(message):
            return message
        if protocol == V1:
            channel, parts = _wire.deserialize_msg_from_ws_v1(message)
            header = json.loads(parts[0])
            if not self._goes_aside(channel, header, lambda: json.loads(parts[3]), subshell, runs):
                return message
            header["subshell_id"] = subshell
            return _wire.serialize_msg_to_ws_v1([json.dumps(header).encode(), *parts[1:]], channel)
        binary = isinstance(message, bytes)
        said = _wire.deserialize_binary_message(message) if binary else json.loads(message)
        header = said["header"]
        if not self._goes_aside(said["channel"], header, lambda: said["content"], subshell, runs):
            return message
        header["subshell_id"] = subshell
        return _wire.serialize_binary_message(said) if binary else json.dumps(said)

    def _goes_aside(
        self,
        channel: str,
        header: _Header,
        content: Callable[[], dict[str, Any]],
        subshell: str | None,
        runs: bool,
    ) -> bool:
        if channel != "shell" or header.get("subshell_id") is not None:
            return False
        kind = header.get("msg_type")
        if kind == COMM_OPEN:
            opened = content()
            aside = subshell is not None and (runs or opened.get("target_name") == ALL_WIDGETS)
            if not aside:
                self._in_line.add(str(opened.get("comm_id")))
            return aside
        if subshell is None:
            return False
        if kind in COMM_MESSAGES:
            return not self._in_line or content().get("comm_id") not in self._in_line
        return kind in QUESTIONS


def _may_concern(message: str | bytes) -> bool:
    """Tell what may concern us from what may be large without taking it apart."""
    if isinstance(message, str):
        return any(sign in message for sign in _SIGNS)
    return any(sign.encode() in message[:2048] for sign in _SIGNS)


class AnsweredAside(_Base):  # type: ignore[misc]
    """What `answered_aside` adds."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """See the base class."""
        super().__init__(*args, **kwargs)
        self._asides = Asides()

    def handle_incoming_message(self, incoming_msg: Any) -> None:
        """See the base class."""
        known = self._known()
        if known is not None:
            incoming_msg = self._asides.take(
                incoming_msg, self.subprotocol, known.subshell, runs=known.runs_cell
            )
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
