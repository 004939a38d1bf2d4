from typing import Any

import pytest

from jupyter_runt.document.references import Limits
from jupyter_runt.execution.outputs import OutputReducer
from jupyter_runt.ids import CellId, ExecutionId
from jupyter_runt.protocols import KernelMessage

pytestmark = pytest.mark.rule("EX6")

RUN = ExecutionId("run")


class Kernel:
    """A kernel that runs a cell, with an output widget for each name."""

    def __init__(self, *widgets: str) -> None:
        self.reducer = OutputReducer(Limits())
        self.reducer.begin(RUN, CellId("cell"))
        self.reducer.take()
        for name in widgets:
            self.says("comm_open", comm_id=name, data={"state": {"_model_name": "OutputModel"}})

    def says(self, msg_type: str, **content: Any) -> bool:
        return self.reducer.feed(RUN, KernelMessage("iopub", msg_type, RUN, content, {}))

    def sets(self, comm_id: str, method: str = "update", **state: Any) -> None:
        self.says("comm_msg", comm_id=comm_id, data={"method": method, "state": state})

    def prints(self, text: str) -> bool:
        return self.says("stream", name="stdout", text=text)

    def displays(self, value: str, display_id: str | None = None) -> bool:
        transient = {} if display_id is None else {"display_id": display_id}
        data = {"text/plain": value}
        return self.says("display_data", data=data, metadata={}, transient=transient)

    def widgets(self) -> dict[str, list[str]]:
        taken = self.reducer.widgets.take()
        return {comm_id: [_shown(output) for output in outputs] for comm_id, outputs in taken}

    def cell(self) -> list[str]:
        edits = [edit for _, edits in self.reducer.take() for edit in edits]
        return [_shown(output) for edit in edits for output in getattr(edit, "outputs", ())]


def _shown(output: Any) -> str:
    text: str = output["text"] if "text" in output else output["data"]["text/plain"]
    return text


def test_what_is_said_inside_with_belongs_to_the_widget_and_the_rest_to_the_cell() -> None:
    kernel = Kernel("out")
    kernel.prints("before\n")
    kernel.sets("out", msg_id=RUN)
    assert kernel.prints("in")
    assert kernel.prints("side\n")
    kernel.displays("a plot")
    kernel.sets("out", msg_id="")
    kernel.prints("after\n")
    assert kernel.cell() == ["before\nafter\n"]
    assert kernel.widgets() == {"out": ["inside\n", "a plot"]}
    assert kernel.widgets() == {}


def test_the_innermost_widget_catches_first() -> None:
    kernel = Kernel("inner", "outer")
    kernel.sets("outer", msg_id=RUN)
    kernel.prints("1")
    kernel.sets("inner", msg_id=RUN)
    kernel.prints("2")
    kernel.sets("inner", msg_id="")
    kernel.prints("3")
    assert kernel.widgets() == {"outer": ["13"], "inner": ["2"]}
    assert kernel.cell() == []


@pytest.mark.parametrize("wait", [True, False])
def test_a_widget_is_cleared_as_a_cell_is(*, wait: bool) -> None:
    kernel = Kernel("out")
    kernel.sets("out", msg_id=RUN)
    kernel.prints("old")
    kernel.widgets()
    assert kernel.says("clear_output", wait=wait) is not wait
    assert kernel.widgets() == ({} if wait else {"out": []})
    kernel.prints("new")
    assert kernel.widgets() == {"out": ["new"]}


def test_a_progress_bar_in_a_widget_overwrites_itself() -> None:
    kernel = Kernel("out")
    kernel.sets("out", msg_id=RUN)
    kernel.prints("10 %")
    kernel.widgets()
    kernel.prints("\r99 %")
    assert kernel.widgets() == {"out": ["99 %"]}


def test_a_display_in_a_widget_is_updated_there_and_in_the_cell() -> None:
    kernel = Kernel("out")
    kernel.displays("1", "d")
    kernel.sets("out", msg_id=RUN)
    kernel.displays("1", "d")
    kernel.sets("out", msg_id="")
    update = {"data": {"text/plain": "2"}, "metadata": {}, "transient": {"display_id": "d"}}
    assert kernel.says("update_display_data", **update)
    assert kernel.widgets() == {"out": ["2"]}
    assert kernel.cell() == ["2"]


def test_outputs_that_the_kernel_sets_itself_come_first_and_are_not_told_back() -> None:
    kernel = Kernel("out")
    given = {"output_type": "stream", "name": "stdout", "text": "given"}
    kernel.sets("out", outputs=[given])
    assert kernel.widgets() == {}
    kernel.sets("out", msg_id=RUN)
    kernel.displays("more")
    assert kernel.widgets() == {"out": ["given", "more"]}
    kernel.sets("out", "echo_update", outputs=[])
    kernel.displays("still more")
    assert kernel.widgets() == {"out": ["given", "more", "still more"]}


@pytest.mark.parametrize(
    "message",
    [
        {"comm_id": "out", "data": {"method": "update", "state": {"msg_id": "a browser's"}}},
        {"comm_id": "slider", "data": {"method": "update", "state": {"msg_id": RUN}}},
        {"comm_id": "out", "data": {"method": "custom", "content": {"msg_id": RUN}}},
        {"comm_id": "out"},
        {},
    ],
)
def test_what_is_not_asked_to_be_caught_here_stays_in_the_cell(message: dict[str, Any]) -> None:
    kernel = Kernel("out")
    kernel.says("comm_msg", **message)
    kernel.prints("x")
    assert kernel.cell() == ["x"]
    assert kernel.widgets() == {}


def test_a_widget_that_was_closed_catches_nothing() -> None:
    kernel = Kernel("out")
    kernel.sets("out", msg_id=RUN)
    kernel.displays("1", "d")
    kernel.says("comm_close", comm_id="out")
    kernel.displays("2", "d")
    assert kernel.cell() == ["2"]
    assert kernel.widgets() == {}


def test_widgets_that_were_there_before_are_met_when_the_kernel_tells_of_all() -> None:
    kernel = Kernel()
    shown = [{"output_type": "stream", "name": "stdout", "text": "earlier\n"}]
    states = {
        "out": {"model_name": "OutputModel", "state": {"msg_id": RUN, "outputs": shown}},
        "slider": {"model_name": "IntSliderModel", "state": {"value": 1}},
    }
    kernel.says("comm_msg", comm_id="control", data={"method": "update_states", "states": states})
    kernel.prints("inside\n")
    assert kernel.widgets() == {"out": ["earlier\n", "inside\n"]}
    assert kernel.cell() == []


def test_what_tells_of_all_widgets_does_not_undo_what_a_widget_said_since() -> None:
    kernel = Kernel()
    kernel.sets("out", msg_id=RUN)
    kernel.sets("out", msg_id="")
    states = {"out": {"model_name": "OutputModel", "state": {"msg_id": RUN}}}
    kernel.says("comm_msg", comm_id="control", data={"method": "update_states", "states": states})
    kernel.prints("after\n")
    assert kernel.cell() == ["after\n"]
    kernel.sets("out", msg_id=RUN)
    kernel.prints("inside\n")
    assert kernel.widgets() == {"out": ["inside\n"]}
