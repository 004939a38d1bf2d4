from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt.document.references import Limits
from jupyter_runt.execution.outputs import (
    AppendOutputs,
    ClearOutputs,
    GrowStream,
    OutputEdit,
    OutputReducer,
    ReplaceOutputsFrom,
    RewriteStreamTail,
    StartCell,
)
from jupyter_runt.ids import CellId, ExecutionId
from jupyter_runt.protocols import KernelMessage

A, B = CellId("a"), CellId("b")
RUN_A, RUN_B = ExecutionId("run-a"), ExecutionId("run-b")


def stream(text: str, name: str = "stdout") -> KernelMessage:
    return said("stream", name=name, text=text)


def display(value: str, display_id: str | None = None, kind: str = "display_data") -> KernelMessage:
    transient = {} if display_id is None else {"display_id": display_id}
    return said(kind, data={"text/plain": value}, metadata={}, transient=transient)


def clear(*, wait: bool = False) -> KernelMessage:
    return said("clear_output", wait=wait)


def said(msg_type: str, **content: Any) -> KernelMessage:
    return KernelMessage("iopub", msg_type, "parent", content, {})


class Document:
    """The outputs of cells, edited as the reducer says and in no other way."""

    def __init__(self) -> None:
        self.reducer = OutputReducer(Limits())
        self.outputs: dict[CellId, list[dict[str, Any]]] = {A: [], B: []}
        self.reducer.begin(RUN_A, A)
        self.reducer.begin(RUN_B, B)
        self.take()

    def feed(self, *messages: KernelMessage, execution: ExecutionId | None = RUN_A) -> None:
        for message in messages:
            self.reducer.feed(execution, message)

    def take(self) -> list[OutputEdit]:
        taken = [edit for _, edits in self.reducer.take() for edit in edits]
        for edit in taken:
            self.apply(edit)
        return taken

    def apply(self, edit: OutputEdit) -> None:
        outputs = self.outputs[edit.cell_id]
        match edit:
            case StartCell() | ClearOutputs():
                outputs.clear()
            case AppendOutputs(outputs=new):
                outputs.extend(map(dict, new))
            case GrowStream(text=text):
                assert outputs[-1]["output_type"] == "stream"
                outputs[-1]["text"] += text
            case RewriteStreamTail(keep_bytes=keep, text=text):
                kept = outputs[-1]["text"].encode()[:keep].decode()
                outputs[-1]["text"] = kept + text
            case ReplaceOutputsFrom(index=index, outputs=new):
                assert index < len(outputs)
                outputs[index:] = map(dict, new)

    def shown(self, cell_id: CellId = A) -> list[str]:
        return [o.get("text") or o["data"]["text/plain"] for o in self.outputs[cell_id]]


@pytest.fixture
def document() -> Document:
    return Document()


def test_chunks_of_a_stream_are_one_output(document: Document) -> None:
    document.feed(stream("a"), stream("b\n"))
    document.take()
    document.feed(stream("c"))
    assert document.take() == [GrowStream(A, "c")]
    assert document.shown() == ["ab\nc"]


def test_streams_that_alternate_keep_their_order(document: Document) -> None:
    for message in (stream("1"), stream("2", "stderr"), stream("3"), stream("4")):
        document.feed(message)
        document.take()
    assert document.shown() == ["1", "2", "34"]


def test_a_stream_grows_and_others_follow_in_one_step(document: Document) -> None:
    document.feed(stream("1"))
    document.take()
    document.feed(stream("2"), stream("3", "stderr"), stream("4", "stderr"))
    kinds = [type(edit) for edit in document.take()]
    assert kinds == [GrowStream, AppendOutputs]
    assert document.shown() == ["12", "34"]


def test_a_progress_bar_rewrites_its_line(document: Document) -> None:
    document.feed(stream("start\n 10%"))
    document.take()
    document.feed(stream("\r 20%"), stream("\r 30%"))
    assert document.take() == [RewriteStreamTail(A, len("start\n "), "30%")]


def test_outputs_are_valid_nbformat(document: Document) -> None:
    document.feed(
        stream("text"),
        display("shown", "d1"),
        said("execute_result", data={"text/plain": "2"}, metadata={}, execution_count=3),
        said("error", ename="E", evalue="v", traceback=["line"]),
    )
    document.take()
    cell = nbformat.v4.new_code_cell(outputs=document.outputs[A])
    nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))
    assert document.outputs[A][1] == {
        "output_type": "display_data",
        "data": {"text/plain": "shown"},
        "metadata": {},
    }
    assert document.outputs[A][2]["execution_count"] == 3


def test_clearing_removes_what_is_shown(document: Document) -> None:
    document.feed(stream("a"))
    document.take()
    document.feed(clear())
    assert document.take() == [ClearOutputs(A)]
    assert document.shown() == []


def test_clearing_what_nobody_saw_shows_nothing(document: Document) -> None:
    document.feed(stream("a"), clear(), stream("b"))
    document.take()
    assert document.shown() == ["b"]


def test_a_clear_that_waits_happens_with_the_next_output(document: Document) -> None:
    document.feed(stream("a"))
    document.take()
    document.feed(clear(wait=True))
    assert document.take() == []
    document.feed(stream("b"))
    assert [type(edit) for edit in document.take()] == [ClearOutputs, AppendOutputs]
    assert document.shown() == ["b"]


def test_a_display_is_updated_wherever_it_is(document: Document) -> None:
    document.feed(display("old", "d"), stream("between"), display("other"), display("old", "d"))
    document.feed(display("old", "d"), execution=RUN_B)
    document.take()
    document.feed(display("new", "d", "update_display_data"), execution=RUN_B)
    document.take()
    assert document.shown() == ["new", "between", "other", "new"]
    assert document.shown(B) == ["new"]


def test_an_update_from_another_client_counts(document: Document) -> None:
    document.feed(display("old", "d"))
    document.take()
    document.feed(display("new", "d", "update_display_data"), execution=None)
    document.take()
    assert document.shown() == ["new"]


def test_an_update_of_an_unknown_display_changes_nothing(document: Document) -> None:
    assert not document.reducer.feed(RUN_A, display("new", "d", "update_display_data"))


def test_a_cleared_display_is_not_updated(document: Document) -> None:
    document.feed(display("old", "d"), clear(), stream("x"))
    document.feed(display("new", "d", "update_display_data"))
    document.take()
    assert document.shown() == ["x"]


def test_an_update_replaces_no_output_before_it(document: Document) -> None:
    document.feed(stream("long"), display("old", "d"), stream("after"))
    document.take()
    document.feed(stream(" and more"), display("new", "d", "update_display_data"))
    edits = document.take()
    assert [(type(e), getattr(e, "index", None)) for e in edits] == [(ReplaceOutputsFrom, 1)]
    assert document.shown() == ["long", "new", "after and more"]


def test_a_cell_that_runs_is_emptied_once_and_before_its_outputs(document: Document) -> None:
    document.feed(stream("old"))
    document.take()
    document.reducer.begin(RUN_A, A)
    document.reducer.cleared([A])
    document.feed(stream("new"))
    assert [type(edit) for edit in document.take()] == [StartCell, AppendOutputs]
    assert [output["text"] for output in document.outputs[A]] == ["new"]
    document.feed(clear(), stream("newer"))
    assert [type(edit) for edit in document.take()] == [ClearOutputs, AppendOutputs]


def test_messages_of_others_are_ignored(document: Document) -> None:
    assert not document.reducer.feed(None, stream("x"))
    assert not document.reducer.feed(ExecutionId("unknown"), stream("x"))
    assert not document.reducer.feed(RUN_A, said("comm_msg", comm_id="c"))
    assert document.take() == []


def test_an_execution_may_speak_after_its_end_until_the_cell_runs_again(
    document: Document,
) -> None:
    document.feed(stream("late"))
    document.take()
    document.reducer.begin(ExecutionId("again"), A)
    document.outputs[A].clear()
    document.feed(stream("too late"))
    document.take()
    assert document.shown() == []


def test_outputs_that_somebody_removed_start_anew(document: Document) -> None:
    document.feed(stream("a"))
    document.take()
    document.outputs[A].clear()
    document.reducer.cleared([A])
    document.feed(stream("b"))
    assert [type(edit) for edit in document.take()] == [AppendOutputs]
    assert document.shown() == ["b"]


def test_edits_name_the_execution_that_caused_them(document: Document) -> None:
    document.feed(display("old", "d"))
    document.take()
    document.feed(display("new", "d", "update_display_data"), execution=RUN_B)
    assert [execution for execution, _ in document.reducer.take()] == [RUN_B]


MESSAGES = st.one_of(
    st.builds(
        stream, st.sampled_from(["a", "b\n", "\rc", "é"]), st.sampled_from(["stdout", "stderr"])
    ),
    st.builds(display, st.sampled_from(["1", "2"]), st.sampled_from([None, "d", "e"])),
    st.builds(
        display,
        st.sampled_from(["3", "4"]),
        st.sampled_from(["d", "e"]),
        st.just("update_display_data"),
    ),
    st.builds(clear, wait=st.booleans()),
)


@given(st.lists(st.tuples(st.sampled_from([RUN_A, RUN_B]), MESSAGES, st.booleans()), max_size=30))
def test_taking_often_or_once_gives_the_same_outputs(
    steps: list[tuple[ExecutionId, KernelMessage, bool]],
) -> None:
    often, once = Document(), Document()
    for execution, message, take in steps:
        often.feed(message, execution=execution)
        once.feed(message, execution=execution)
        if take:
            often.take()
    often.take()
    edits = once.take()
    assert often.outputs == once.outputs
    assert sum(isinstance(edit, AppendOutputs) for edit in edits) <= 2
