from typing import Any

import pytest

from jupyter_runt.document.references import Limits
from jupyter_runt.execution.outputs import OutputReducer
from jupyter_runt.execution.past_displays import REMEMBERED, PastDisplays, UpdateOutput
from jupyter_runt.ids import CellId, ExecutionId
from jupyter_runt.protocols import KernelMessage

RUN, CELL = ExecutionId("run"), CellId("cell")


def says(reducer: OutputReducer, msg_type: str, value: str, display_id: str) -> bool:
    content = {
        "data": {"text/plain": value},
        "metadata": {},
        "transient": {"display_id": display_id},
    }
    return reducer.feed(RUN, KernelMessage("iopub", msg_type, RUN, content, {}))


def begun(limits: Limits | None = None) -> OutputReducer:
    reducer = OutputReducer(limits or Limits())
    reducer.begin(RUN, CELL)
    return reducer


@pytest.mark.rule("EX6")
def test_what_one_server_tells_of_displays_the_next_one_updates() -> None:
    first, second = begun(), OutputReducer(Limits())
    says(first, "display_data", "0 %", "bar")
    told = first.take_displays()
    assert told == {"bar": [(RUN, CELL, 0)]}
    assert first.take_displays() is None, "nothing new"
    second.displayed({"bar": [list(told["bar"][0])]})  # as JSON has it
    assert says(second, "update_display_data", "50 %", "bar")
    assert says(second, "update_display_data", "99 %", "bar")
    assert not says(second, "update_display_data", "1 %", "foo")
    shown = {"output_type": "display_data", "data": {"text/plain": "99 %"}, "metadata": {}}
    assert second.take() == [(RUN, [UpdateOutput(CELL, 0, shown)])]
    assert second.take() == []


@pytest.mark.rule("EX6")
@pytest.mark.parametrize("how", ["begin", "clear", "clear all"])
def test_displays_of_a_cell_that_runs_anew_or_is_cleared_are_forgotten(how: str) -> None:
    reducer = OutputReducer(Limits())
    reducer.displayed({"bar": [["earlier", CELL, 0], ["earlier", "other", 1]]})
    says(reducer, "update_display_data", "50 %", "bar")
    if how == "begin":
        reducer.begin(RUN, CELL)
    else:
        reducer.cleared([CELL] if how == "clear" else None)
    left = {} if how == "clear all" else {"bar": [("earlier", "other", 1)]}
    assert reducer.take_displays() == left
    edits = [edit for _, edits in reducer.take() for edit in edits]
    assert [edit.cell_id for edit in edits if isinstance(edit, UpdateOutput)] == [
        place[1] for place in left.get("bar", [])
    ]


@pytest.mark.rule("EX6")
def test_as_many_displays_are_told_of_as_an_agent_is_to_keep_and_none_beside_the_document() -> None:
    reducer = begun(Limits(outputs=REMEMBERED + 5))
    for number in range(2 * REMEMBERED + 9):
        says(reducer, "display_data", "x", f"d{number}")
    told = reducer.take_displays()
    last = range(5, REMEMBERED + 5)
    assert told == {f"d{number}": [(RUN, CELL, number)] for number in last}
    assert list(told) == [f"d{number}" for number in last]


@pytest.mark.rule("EX6")
def test_what_a_server_was_told_of_displays_it_tells_on() -> None:
    reducer = begun()
    reducer.displayed({"a": [["earlier", "other", 0]], "b": [["earlier", "other", 1]]})
    says(reducer, "display_data", "x", "b")
    told = reducer.take_displays()
    assert told == {"a": [("earlier", "other", 0)], "b": [("earlier", "other", 1), (RUN, CELL, 0)]}


@pytest.mark.rule("EX6")
@pytest.mark.parametrize(
    "told", [None, [], {"d": None}, {"d": [1, ["a", "b"], ["a", 1, 2], ["a", "b", -1]]}]
)
def test_odd_things_that_were_left_are_no_displays(told: Any) -> None:
    past = PastDisplays()
    past.know(told)
    assert not past.update("d", {"data": {}, "metadata": {}}, RUN)
