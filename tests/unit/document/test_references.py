import base64
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt.artifacts import Artifact
from jupyter_runt.document.references import (
    REFERENCE,
    Limits,
    Payload,
    may_be_large,
    move_out,
    moving_out,
    preview,
    references,
)
from jupyter_runt.document.whole import bring_back, complete, nothing, value_in_output

SMALL = Limits(binary=10, text=20)


def display(**more: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "data": more.pop("data"), "metadata": {}, **more}


def png(content: bytes) -> str:
    return base64.b64encode(content).decode()


def back(moved: Any) -> Any:
    """Return an output with all that was moved out of it, as it is read from artifacts."""
    kept = {each.artifact: each.content for each in moved.payloads}
    return bring_back(moved.output, lambda artifact: value_in_output(artifact.mime, kept[artifact]))


def moved_out(outputs: list[Any], limits: Limits) -> tuple[list[Any], list[Any]]:
    """Return the outputs of a cell as a document has them, and what they refer to."""
    *payloads, cell = moving_out([{"cell_type": "code", "outputs": outputs}], limits)
    assert all(isinstance(each, Payload) for each in payloads)
    return cell["outputs"], payloads


def loading(contents: dict[str, bytes]) -> Any:
    return lambda sha256: iter((contents[sha256][:3], contents[sha256][3:]))


plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | plain,
    lambda each: st.lists(each, max_size=4) | st.dictionaries(plain, each, max_size=4),
    max_leaves=10,
)
bundles = st.fixed_dictionaries(
    {},
    optional={
        "text/plain": plain,
        "text/html": plain,
        "image/svg+xml": plain,
        "image/png": st.binary(max_size=60).map(png),
        "application/pdf": st.binary(max_size=60).map(png),
        "application/json": values,
        "application/vnd.vega.v5+json": st.dictionaries(plain, values, max_size=4),
    },
)
outputs = st.one_of(
    bundles.map(lambda data: display(data=data)),
    bundles.map(
        lambda data: {**display(data=data), "output_type": "execute_result", "execution_count": 3}
    ),
    st.builds(
        lambda name, text: {"output_type": "stream", "name": name, "text": text},
        st.sampled_from(["stdout", "stderr"]),
        plain,
    ),
)


@given(outputs)
def test_what_was_moved_out_comes_back_as_it_was(output):
    moved = move_out(output, SMALL)
    assert back(moved) == output
    assert [each.artifact for each in moved.payloads] == references(moved.output)


@given(outputs)
def test_an_output_and_the_same_one_read_again_become_the_same_reference(output):
    moved = move_out(output, SMALL)
    again = json.loads(json.dumps(back(moved), sort_keys=True))
    assert move_out(again, SMALL).output == moved.output
    assert move_out(moved.output, SMALL).output == moved.output


@given(outputs)
def test_a_glance_misses_nothing_that_is_large(output):
    if not may_be_large(output, SMALL):
        assert move_out(output, SMALL).payloads == ()


@given(outputs)
def test_the_hash_is_that_of_the_bytes_and_the_size_is_theirs(output):
    for payload in move_out(output, SMALL).payloads:
        assert hashlib.sha256(payload.content).hexdigest() == payload.artifact.sha256
        assert len(payload.content) == payload.artifact.size


def test_an_image_becomes_a_reference_beside_its_preview():
    moved = move_out(display(data={"image/png": png(b"x" * 11), "text/plain": "<Figure>"}), SMALL)
    (payload,) = moved.payloads
    assert payload.content == b"x" * 11
    assert moved.output["data"] == {
        REFERENCE: {"sha256": payload.artifact.sha256, "mime": "image/png", "size": 11},
        "text/plain": "<Figure>",
    }


def test_what_has_no_text_gets_one_that_does_not_come_back():
    moved = move_out(display(data={"image/png": png(b"x" * 2_345)}), SMALL)
    assert moved.output["data"]["text/plain"] == "image/png, 2.3 kB"
    assert set(back(moved)["data"]) == {"image/png"}


def test_the_largest_content_comes_first_and_the_others_are_named_beside_it():
    moved = move_out(display(data={"text/html": "h" * 30, "text/plain": "t" * 40}), SMALL)
    reference = moved.output["data"][REFERENCE]
    assert reference["mime"] == "text/plain"
    assert [other["mime"] for other in reference["others"]] == ["text/html"]


def test_a_long_stream_becomes_a_reference_that_knows_its_name():
    moved = move_out({"output_type": "stream", "name": "stderr", "text": "e" * 21}, SMALL)
    assert moved.output["output_type"] == "display_data"
    assert moved.output["data"][REFERENCE]["stream"] == "stderr"
    assert moved.output["data"][REFERENCE]["mime"] == "text/plain"


@pytest.mark.parametrize(
    "output",
    [
        display(data={"application/vnd.jupyter.widget-view+json": {"model_id": "x" * 100}}),
        display(data={"application/vnd.runt.ai.v1+json": {"items": ["x" * 100]}}),
        display(data={"image/png": "not base64!" * 10}),
        display(data={"bad\nmime": "x" * 100}),
        display(data={"text/html": 7}),
        display(data=None),
        {"output_type": "stream", "name": "stdout", "text": None},
        {"output_type": "unknown"},
    ],
    ids=str,
)
def test_it_stays(output):
    assert move_out(output, SMALL).output is output


def test_surrogates_that_no_file_can_hold_are_replaced():
    moved = move_out(display(data={"text/html": "\ud800" * 30}), SMALL)
    assert back(moved)["data"]["text/html"] == "\ufffd" * 30


def test_a_preview_is_the_beginning_and_the_end_at_lines():
    text = "".join(f"line {number}\n" for number in range(10_000))
    lines = preview(text).splitlines()
    assert lines[0] == "line 0"
    assert lines[-1] == "line 9999"
    (gap,) = [index for index, line in enumerate(lines) if line.startswith("⋯")]
    shown = sum(len(line) + 1 for index, line in enumerate(lines) if index != gap)
    assert lines[gap] == f"⋯ {len(text) - shown:,} characters are not shown here ⋯"
    assert all(line.startswith("line ") for index, line in enumerate(lines) if index != gap)


@given(st.text(max_size=30))
def test_a_short_text_is_its_own_preview(text):
    assert preview(text) == text


@pytest.mark.parametrize(
    "reference",
    [
        None,
        7,
        {},
        {"sha256": "short", "mime": "image/png", "size": 1},
        {"sha256": "0" * 64, "mime": "image/png\r\nX-Evil: 1", "size": 1},
        {"sha256": "0" * 64, "mime": "image/png", "size": "1"},
        {"sha256": "0" * 64, "mime": "image/png", "size": 1, "others": 7},
    ],
    ids=str,
)
def test_whatever_somebody_wrote_as_a_reference_breaks_nothing(reference):
    output = display(data={REFERENCE: reference, "text/plain": "preview"})
    assert bring_back(output, lambda _: None) is output


@pytest.mark.parametrize("added", [[], {}, 7, None, "text/plain"])
def test_whatever_a_reference_says_was_added_the_content_comes_back(added):
    moved = move_out(display(data={"image/png": png(b"a large image"), "text/plain": "x"}), SMALL)
    moved.output["data"][REFERENCE]["added"] = added
    assert back(moved)["data"]["image/png"] == png(b"a large image")


def test_a_cell_is_completed_with_what_the_file_says_and_then_with_artifacts():
    spelled = png(b"from the file") + "\n"
    ours = move_out(display(data={"image/png": png(b"from a kernel")}), SMALL)
    theirs = move_out(display(data={"image/png": spelled}), SMALL)
    gone = display(
        data={REFERENCE: {"sha256": "0" * 64, "mime": "image/png", "size": 9}, "text/plain": "?"}
    )
    kept = {each.artifact.sha256: each.content for each in ours.payloads}
    cell = {"cell_type": "code", "outputs": [ours.output, theirs.output, gone]}
    old = {"outputs": [display(data={"image/png": [spelled]})]}
    first, second, third = complete(cell, old, loading(kept))["outputs"]
    assert first["data"] == {"image/png": png(b"from a kernel")}
    assert second["data"] == {"image/png": [spelled]}
    assert third == gone


def test_a_cell_without_references_is_left_alone():
    cell = {"cell_type": "code", "outputs": [display(data={"text/plain": "1"})]}
    assert complete(cell, {}, nothing) is cell


def test_an_artifact_is_what_its_hash_mime_and_size_say():
    moved = move_out(display(data={"text/html": "h" * 30}), SMALL)
    assert moved.payloads[0].artifact == Artifact(
        moved.payloads[0].artifact.sha256, "text/html", 30
    )


def test_many_outputs_are_completed_with_what_the_file_says_and_then_with_the_artifact():
    many = [
        {"output_type": "stream", "name": name, "text": f"{number}\n"}
        for number in range(3)
        for name in ("stdout", "stderr")
    ]
    many.append(display(data={"text/plain": "a\nb", "application/json": ["x"]}))
    lean, payloads = moved_out(many, Limits(outputs=2))
    assert lean[:2] == many[:2]
    assert lean[2]["data"][REFERENCE]["outputs"] == 5
    assert lean[2]["data"]["text/plain"] == (
        "⋯ 5 more outputs, which end with ⋯\n1\n1\n2\n2\na\nb\n"
    )
    assert moved_out(lean, Limits(outputs=2)) == (lean, [])
    cell = {"cell_type": "code", "outputs": lean}
    old = json.loads(json.dumps(many))
    old[2]["text"] = ["1\n"]
    old[-1]["data"]["text/plain"] = ["a\n", "b"]
    assert complete(cell, {"outputs": old}, nothing)["outputs"] == [*many[:2], *old[2:]]
    (payload,) = payloads
    from_artifact = complete(
        cell, {}, loading({payload.artifact.sha256: payload.content.content().read()})
    )
    assert from_artifact["outputs"] == many
    assert complete(cell, {}, nothing)["outputs"] == lean
    for nonsense in (b"{not JSON}\n", b"1\n2\n", b'{"output_type": "stream"}\n'):
        found = loading({payload.artifact.sha256: nonsense})
        assert complete(cell, {}, found, lambda *_: None)["outputs"] == lean


def test_a_huge_error_is_moved_out_as_a_whole_and_comes_back():
    error = {
        "output_type": "error",
        "ename": "ValueError",
        "evalue": "x",
        "traceback": ["Traceback", *(f"  line {number}" for number in range(9_000))],
    }
    lean, payloads = moved_out([error], Limits())
    assert lean[0]["data"][REFERENCE]["outputs"] == 1
    assert lean[0]["data"]["text/plain"].startswith("Traceback\n  line 0\n")
    assert lean[0]["data"]["text/plain"].endswith("  line 8999\nx")
    assert may_be_large(error, Limits())
    assert not may_be_large({**error, "traceback": ["short"]}, Limits())
    contents = {each.artifact.sha256: each.content for each in payloads}
    cell = {"cell_type": "code", "outputs": lean}
    assert complete(cell, {}, loading(contents))["outputs"] == [error]
    assert complete(cell, {"outputs": [error]}, nothing)["outputs"] == [error]
