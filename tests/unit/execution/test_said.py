"""What kernels may say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt.document.references import Limits
from jupyter_runt.execution.output_widgets import COMM_MESSAGES
from jupyter_runt.execution.outputs import OUTPUT_MESSAGES, OutputReducer
from jupyter_runt.execution.queue import outcome
from jupyter_runt.execution.said import is_deep, sound
from jupyter_runt.ids import CellId, ExecutionId
from jupyter_runt.protocols import KernelMessage

RUN = ExecutionId("run")
TEXT = st.sampled_from(["", "x", "run", "update", "update_states", "OutputModel", "idle"])
KEYS = st.sampled_from(
    [
        "name",
        "text",
        "data",
        "metadata",
        "transient",
        "display_id",
        "ename",
        "traceback",
        "wait",
        "comm_id",
        "method",
        "state",
        "states",
        "msg_id",
        "outputs",
        "_model_name",
        "model_name",
        "status",
        "execution_count",
        "payload",
        "source",
        "text/plain",
        "x",
    ]
)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(OUTPUT_MESSAGES | COMM_MESSAGES)),
            st.dictionaries(KEYS, ANY, max_size=6),
        ),
        max_size=6,
    )
)
@pytest.mark.rule("EX2")
def test_whatever_a_kernel_says_is_taken_or_left(
    messages: list[tuple[str, dict[str, Any]]],
) -> None:
    reducer = OutputReducer(Limits())
    reducer.begin(RUN, CellId("cell"))
    for kind, content in messages:
        reducer.feed(RUN, KernelMessage("iopub", kind, RUN, sound(kind, content), {}))
    reducer.finished(RUN)
    reducer.take()
    reducer.widgets.take()


@given(st.dictionaries(KEYS, ANY))
@pytest.mark.rule("EX2")
def test_whatever_a_kernel_replies_is_how_an_execution_ended(reply: dict[str, Any]) -> None:
    ended = outcome(sound("execute_reply", reply), 3)
    assert ended.execution_count is None or isinstance(ended.execution_count, int)


@pytest.mark.parametrize(("depth", "deep"), [(1, False), (250, False), (301, True), (5000, True)])
def test_values_are_deep_where_documents_cannot_hold_them(depth: int, *, deep: bool) -> None:
    value: Any = {"x": [1] * 1000}
    for level in range(depth - 2):
        value = {"a": value, "b": 1} if level % 2 else [value]
    assert is_deep(value) is deep


def test_what_is_as_it_has_to_be_is_left_alone() -> None:
    content = {"name": "stdout", "text": "x", "more": 5}
    assert sound("stream", content) is content
    assert sound("error", {"traceback": 5, "ename": "E"}) == {"ename": "E"}
    assert sound("execute_reply", {"payload": [5, {}]}) == {"payload": [{}]}
