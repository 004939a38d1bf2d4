import hashlib
import tracemalloc
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt.document import spool as spool_module
from jupyter_runt.document.patches import patched
from jupyter_runt.document.references import (
    PREVIEW,
    REFERENCE,
    Limits,
    moving_out,
    preview,
)
from jupyter_runt.document.spool import MUCH, Spool
from jupyter_runt.document.whole import complete
from jupyter_runt.execution.long_text import LongText, Spooled
from jupyter_runt.execution.output_item import NewOutput
from jupyter_runt.execution.outputs import (
    AppendOutputs,
    ClearOutputs,
    GrowStream,
    OutputReducer,
    ReplaceOutputsFrom,
    RewriteStreamTail,
    StartCell,
)
from jupyter_runt.ids import CellId, ExecutionId
from jupyter_runt.protocols import KernelMessage

CELL, RUN = CellId("cell"), ExecutionId("run")


def said(msg_type: str, **content: Any) -> KernelMessage:
    return KernelMessage("iopub", msg_type, "parent", content, {})


def stream(text: str, name: str = "stdout") -> KernelMessage:
    return said("stream", name=name, text=text)


def display(value: str, display_id: str | None = None, kind: str = "display_data") -> KernelMessage:
    transient = {} if display_id is None else {"display_id": display_id}
    return said(kind, data={"text/plain": value}, metadata={}, transient=transient)


def content_of(spool: Spool) -> str:
    content = spool.content()
    data = content if isinstance(content, bytes) else content.read()
    assert hashlib.sha256(data).hexdigest() == spool.described().sha256
    assert len(data) == spool.described().size
    return data.decode()


class Document:
    """A cell's outputs, edited as the reducer says; `put_away` are the texts that are elsewhere."""

    def __init__(self, limit: int, most: int = 1000) -> None:
        self.reducer = OutputReducer(Limits(text=limit, outputs=most))
        self.outputs: list[dict[str, Any]] = []
        self.largest = 0
        """The longest stream that the document ever had."""
        self.reducer.begin(RUN, CELL)
        self.take()

    def feed(self, *messages: KernelMessage) -> None:
        for message in messages:
            self.reducer.feed(RUN, message)

    def take(self) -> None:
        for _, edits in self.reducer.take():
            for edit in edits:
                match edit:
                    case StartCell() | ClearOutputs():
                        self.outputs.clear()
                    case AppendOutputs(outputs=new):
                        self.outputs += [each for one in new for each in self._written(one)]
                    case GrowStream(text=text):
                        assert not self.outputs[-1].get("away")
                        self.outputs[-1]["text"] += text
                    case RewriteStreamTail(keep_bytes=keep, text=text):
                        assert not self.outputs[-1].get("away")
                        kept = self.outputs[-1]["text"].encode()[:keep].decode()
                        self.outputs[-1]["text"] = kept + text
                    case ReplaceOutputsFrom(index=index, outputs=new):
                        assert index < len(self.outputs)
                        self.outputs[index:] = [e for one in new for e in self._written(one)]
        while self.reducer.full:
            self.reducer.full.pop().flush()
        shown = [len(o["text"]) for o in self.outputs if "text" in o and not o.get("away")]
        self.largest = max([self.largest, *shown])

    def _written(self, output: NewOutput) -> list[dict[str, Any]]:
        if not isinstance(output, Spooled):
            return [dict(output)]
        spool = output.spool
        if output.patches is not None:
            content_of(spool)
            spool = patched(spool.blocks(), output.patches)
        text = content_of(spool)
        reference = output.reference(spool.described())
        shown = reference["data"]["text/plain"]
        whole = complete({"outputs": [reference]}, {}, lambda _: iter((text.encode(),)))["outputs"]
        if "outputs" in reference["data"][REFERENCE]:
            assert shown.startswith(f"⋯ {len(whole):,} more outputs")
            cell = {"cell_type": "code", "outputs": [{}, *whole]}
            payload, lean = moving_out([cell], Limits(outputs=1))
            if output.patches is None:  # what is shown meanwhile is what they first were
                assert lean["outputs"][1] == reference
            assert content_of(payload.content) == text
        else:
            assert shown == preview(text)
        return [{**each, "away": True} for each in whole]

    def finish(self) -> None:
        self.reducer.finished(RUN)
        self.take()

    def joined(self) -> list[Any]:
        """Return the outputs as a view shows them: neighbours of one stream are one."""
        joined: list[Any] = []
        for output in self.outputs:
            if "text" not in output:
                joined.append(output["data"])
            elif joined and isinstance(joined[-1], tuple) and joined[-1][0] == output["name"]:
                joined[-1] = (output["name"], joined[-1][1] + output["text"])
            else:
                joined.append((output["name"], output["text"]))
        return joined


MESSAGES = st.one_of(
    st.builds(
        stream,
        st.sampled_from(["a", "bcdefgh\n", "\rc", "é", "\x1b[1A\x1b[2Kup", "12345678901\n2"]),
        st.sampled_from(["stdout", "stdout", "stderr"]),
    ),
    st.builds(display, st.sampled_from(["1", "2"]), st.sampled_from([None, "d", "\ud83d"])),
    st.builds(
        display,
        st.sampled_from(["3", "4"]),
        st.sampled_from(["d", "\ud83d"]),
        st.just("update_display_data"),
    ),
    st.builds(said, st.just("clear_output"), wait=st.booleans()),
)


@given(st.lists(st.tuples(MESSAGES, st.booleans()), max_size=40))
def test_long_streams_are_whole_wherever_they_end(steps: list[tuple[KernelMessage, bool]]) -> None:
    short, unbounded = Document(20), Document(1 << 20)
    for message, take in steps:
        for each in (short, unbounded):
            each.feed(message)
            if take:
                each.take()
    for each in (short, unbounded):
        each.finish()
    assert short.joined() == unbounded.joined()
    assert all(
        output.get("away") or len(output["text"].encode()) <= 20
        for output in short.outputs
        if "text" in output
    )


@given(
    st.lists(st.tuples(MESSAGES, st.booleans()), max_size=40),
    st.integers(1, 4),
    st.sampled_from([0, MUCH]),
)
def test_outputs_beyond_what_is_shown_are_all_there_in_order(
    steps: list[tuple[KernelMessage, bool]], most: int, much: int
) -> None:
    few, unbounded = Document(20, most), Document(1 << 20)
    with patch("jupyter_runt.execution.outputs.MUCH", much):
        for message, take in steps:
            for each in (few, unbounded):
                each.feed(message)
                if take:
                    each.take()
    for each in (few, unbounded):
        each.finish()
    assert few.joined() == unbounded.joined()


@pytest.mark.rule("EX6", "EX8")
def test_displays_beyond_what_is_shown_take_no_memory_however_many_are_updated() -> None:
    document, count = Document(1 << 16, most=2), 3_000
    with patch("jupyter_runt.execution.outputs.MUCH", 1 << 14):
        tracemalloc.start()
        for kind in ("display_data", *["update_display_data"] * 3):
            for number in range(count):
                document.feed(display(f"{number} {'x' * 500}", f"display-{number}", kind))
                if number % 100 == 99:
                    document.take()
        in_memory, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert in_memory < 150 * count
    document.feed(*(display(str(n), f"display-{n}", "update_display_data") for n in range(count)))
    document.finish()
    assert [o["data"]["text/plain"] for o in document.outputs] == [str(n) for n in range(count)]


def test_two_streams_that_alternate_for_ever_are_few_outputs_while_they_do() -> None:
    document = Document(1 << 16, most=5)
    for number in range(300):
        document.feed(stream(f"out {number}\n"), stream(f"err {number}\n", "stderr"))
        if number % 10 == 9:
            document.take()
            assert len(document.outputs) == 6
    last = document.outputs[-1]["text"]
    assert last.startswith("⋯ 595 more outputs")
    assert last.endswith("out 299\nerr 299\n")
    document.finish()
    assert len(document.outputs) == 600
    assert [o["text"] for o in document.outputs[-2:]] == ["out 299\n", "err 299\n"]
    document.feed(stream("of a thread"))
    document.take()
    assert document.outputs[-1]["text"] == "of a thread"


def test_a_flood_shows_its_beginning_and_its_end_and_is_whole_when_it_ends() -> None:
    document = Document(1 << 16)
    lines = [f"line {number}\n" for number in range(50_000)]
    for start in range(0, len(lines), 700):
        document.feed(stream("".join(lines[start : start + 700])))
        document.take()
        shown = document.outputs[0]["text"]
        assert shown.startswith("line 0\n")
        assert shown.endswith(lines[min(start + 700, len(lines)) - 1])
    assert document.largest < 1 << 17
    assert document.outputs[0]["text"] == preview("".join(lines))
    document.finish()
    (output,) = document.outputs
    assert output["away"]
    assert output["text"] == "".join(lines)
    document.feed(stream("from a thread"))
    document.take()
    assert [each["text"] for each in document.outputs[1:]] == ["from a thread"]


def test_what_follows_a_long_stream_puts_it_away_at_once() -> None:
    document = Document(10)
    document.feed(stream("x" * 30))
    document.take()
    document.feed(stream("oh", "stderr"), stream("y"))
    document.take()
    assert [(o["text"], o.get("away", False)) for o in document.outputs] == [
        ("x" * 30, True),
        ("oh", False),
        ("y", False),
    ]


def test_a_long_stream_is_written_anew_from_its_spool_when_a_display_above_it_changes() -> None:
    document = Document(10)
    document.feed(display("1", "d"), stream("x" * 30), display("2"))
    document.take()
    document.feed(display("3", "d", "update_display_data"))
    document.take()
    assert document.outputs[0]["data"] == {"text/plain": "3"}
    assert document.outputs[1]["text"] == "x" * 30


def test_a_spool_goes_into_a_file_and_comes_out_of_it() -> None:
    spool = Spool()
    for part in (b"one ", b"two ", b"three"):
        spool.write(part)
        spool.flush()
        assert spool.pending == 0
    assert content_of(spool) == "one two three"
    spool.became(spool.described())
    assert spool.artifact is not None


def test_what_no_disk_takes_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def __init__(self, buffering: int) -> None:
            self.data = b""

        def write(self, data: bytes) -> int:
            if len(self.data) == 5:
                raise OSError("no space left")
            taken = data[: 5 - len(self.data)]
            self.data += taken
            return len(taken)

        def seek(self, _position: int) -> None:
            pass

        def read(self) -> bytes:
            return self.data

        def close(self) -> None:
            pass

    monkeypatch.setattr(spool_module.tempfile, "TemporaryFile", Full)
    spool = Spool()
    spool.write(b"one ")
    spool.flush()
    spool.write(b"two ")
    spool.flush()
    assert spool.pending == 3
    assert content_of(spool) == "one two "


@given(st.text(min_size=1, max_size=200), st.integers(1, 10))
def test_a_long_text_shows_what_a_preview_of_all_of_it_does(text: str, step: int) -> None:
    text = "".join(char for char in text if not "\ud800" <= char <= "\udfff") * 100
    long, size, settled = LongText(), 0, 0
    for start in range(0, len(text), step * 500):
        part = text[start : start + step * 500]
        long.replace(size, part, settled)
        settled, size = size, size + len(part.encode())
    assert long.size == len(text.encode())
    assert long.shown() == preview(text)
    assert len(long.shown()) <= 2 * PREVIEW + 100
    long.end()
    assert long.shown() == preview(text)
    assert content_of(long.spool) == text
