"""What is noted of a kernel is what Jupyter's own watcher would note."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from jupyter_runt.execution.activity import Activity
from jupyter_runt.protocols import KernelMessage

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
UNTRACKED = ("kernel_info_request", "status", "stream")


def watched(state: str) -> tuple[Activity, Any]:
    manager = SimpleNamespace(execution_state=state, last_activity=LONG_AGO)
    kernels = SimpleNamespace(
        track_message_type=lambda name: name not in UNTRACKED, last_kernel_activity=LONG_AGO
    )
    return Activity(kernels, manager), manager


def message(msg_type: str, parent_type: str | None, **content: Any) -> KernelMessage:
    return KernelMessage("iopub", msg_type, "1", content, {}, parent_type=parent_type)


def status(state: str, parent_type: str | None = "execute_request") -> KernelMessage:
    return message("status", parent_type, execution_state=state)


def test_a_kernel_that_runs_a_cell_is_busy_until_it_is_idle() -> None:
    activity, manager = watched("idle")
    activity.note([status("busy")])
    assert manager.execution_state == "busy"
    activity.note([message("stream", "execute_request", text="1"), status("idle")])
    assert manager.execution_state == "idle"
    assert manager.last_activity > LONG_AGO


def test_a_question_that_is_not_tracked_is_no_activity() -> None:
    activity, manager = watched("idle")
    activity.note([status("busy", "kernel_info_request"), status("idle", "kernel_info_request")])
    assert manager.execution_state == "idle"
    assert manager.last_activity == LONG_AGO


def test_whatever_a_kernel_says_while_it_is_busy_is_activity() -> None:
    activity, manager = watched("busy")
    activity.note([message("stream", "kernel_info_request", text="1")])
    assert manager.last_activity > LONG_AGO


def test_a_kernel_that_starts_is_idle_once_it_answers() -> None:
    activity, manager = watched("busy")
    activity.starting()
    assert manager.execution_state == "starting"
    activity.note([status("starting", None)])
    assert manager.execution_state == "starting"
    activity.note([status("busy", "kernel_info_request")])
    assert manager.execution_state == "idle"


def test_a_status_without_a_state_changes_nothing() -> None:
    activity, manager = watched("idle")
    activity.note([message("status", "execute_request")])
    assert manager.execution_state == "idle"


def test_what_is_answered_beside_a_cell_is_activity_and_does_not_end_the_cell() -> None:
    activity, manager = watched("busy")
    for state in ("busy", "idle"):
        content = {"execution_state": state}
        about = {"parent_type": "complete_request", "aside": True}
        activity.note([KernelMessage("iopub", "status", "2", content, {}, **about)])
    assert manager.execution_state == "busy"
    assert manager.last_activity > LONG_AGO
