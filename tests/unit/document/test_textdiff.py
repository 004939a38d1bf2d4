"""Replacing a text with small edits."""

from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc, Text

from jupyter_runt.document.textdiff import replace_text, splices

LINES = st.lists(st.sampled_from(["a\n", "b\n", "é = '😀'\n", "\n", "x" * 40 + "\n", "end"]))
TEXTS = st.text() | LINES.map("".join) | st.text(alphabet="a😀é\n")


@given(TEXTS, TEXTS)
def test_the_text_reads_as_asked_whatever_its_characters(old, new):
    doc = Doc()
    text = doc.get("text", type=Text)
    text += old
    replace_text(text, new)
    assert str(text) == new


@given(TEXTS)
def test_an_equal_text_is_not_touched(text):
    assert splices(text, text) == []


def test_two_distant_edits_leave_what_is_between_them_alone():
    lines = [f"line {n}\n" for n in range(100)]
    old = "".join(lines)
    new = old.replace("line 3\n", "LINE 3\n").replace("line 90\n", "line 9😀0\n")
    edits = splices(old, new)
    assert [(edit.removed, edit.inserted) for edit in edits] == [(4, "LINE"), (0, "😀")]


def test_a_huge_rewrite_is_one_edit():
    old, new = "a\n" * 3000, "b\n" * 3000
    assert splices(old, new) == [(0, 5999, "b\n" * 2999 + "b")]


def test_concurrent_typing_survives_a_replacement_elsewhere():
    ours, theirs = Doc(), Doc()
    text = ours.get("text", type=Text)
    text += "one\ntwo\nthree\n"
    theirs.apply_update(ours.get_update())
    other = theirs.get("text", type=Text)
    other.insert(3, "!")
    replace_text(text, "one\ntwo\nTHREE\n")
    ours.apply_update(theirs.get_update())
    assert str(text) == "one!\ntwo\nTHREE\n"
