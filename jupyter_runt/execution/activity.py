"""What Jupyter shows of a notebook's kernel and culls it by, from what we hear of it anyway."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from jupyter_runt.protocols import KernelMessage


class Activity:
    """The state and last activity of one kernel.

    It stands in for Jupyter's own watcher, which would decode every output a second time.

    Args:
        kernels: the server's `MappingKernelManager`.
        manager: its `ServerKernelManager` of the kernel.
    """

    def __init__(self, kernels: Any, manager: Any) -> None:
        self._kernels = kernels
        self._manager = manager

    def starting(self) -> None:
        """Note that a process was started, which has not said anything yet."""
        self._manager.execution_state = "starting"
        self._touch()

    def note(self, messages: Sequence[KernelMessage]) -> None:
        """Note what the kernel told all its clients on iopub."""
        tracked = self._kernels.track_message_type
        touched = False
        for message in messages:
            asked = tracked(message.parent_type)
            busy = self._manager.execution_state == "busy"
            touched = touched or asked or busy or tracked(message.msg_type)
            state = message.content.get("execution_state")
            if message.msg_type == "status" and isinstance(state, str) and not message.aside:
                self._change(state, asked=asked)
        if touched:
            self._touch()

    def _change(self, state: str, *, asked: bool) -> None:
        if asked:
            self._manager.execution_state = state
        elif self._manager.execution_state == "starting" and state != "starting":
            self._manager.execution_state = "idle"  # it answers, whatever it was asked

    def _touch(self) -> None:
        self._manager.last_activity = self._kernels.last_kernel_activity = datetime.now(UTC)
