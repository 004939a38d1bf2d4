"""Three-way merges of texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt.document.lines import TextMerge


def merged(base, ours, theirs):
    return TextMerge(base, theirs).into(ours)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "text"),
    [
        ("a\nb\nc", "a\nb\nC", "A\nb\nc", "A\nb\nC"),
        ("a\nb", "a\nb", "a", "a"),
        ("a\nb", "a", "a\nb", "a"),
        ("a\nb\nc", "b\nc", "a\nb", "b"),
        ("a\nb\nc", "a\nX\nc", "a\nb\nY\nc", "a\nX\nY\nc"),
        ("a\nb\nc", "a\nX\nc", "a\nY\nb\nc", "a\nY\nX\nc"),
        ("a\n", "a\nours\n", "theirs\na\n", "theirs\na\nours\n"),
        ("é\r\n😀", "é\r\n😀\r\nö", "è\r\n😀", "è\r\n😀\r\nö"),
    ],
)
def test_changes_of_different_lines_are_all_in_the_result(base, ours, theirs, text):
    assert merged(base, ours, theirs) == (text, False)


@pytest.mark.parametrize("base", ["", "first", "first\n"])
def test_lines_that_both_sides_added_at_one_place_are_all_kept_ours_first(base):
    text, overlaps = merged(base, f"{base}\nours", f"{base}\ntheirs")
    assert text.removeprefix(base).split() == ["ours", "theirs"]
    assert not overlaps


def test_what_both_sides_inserted_is_there_once():
    base, both = "a\nb", "a\nsame\nb"
    assert merged(base, both, both) == (both, False)
    assert merged(base, both, "a\nsame\nmore\nb") == ("a\nsame\nmore\nb", False)


@pytest.mark.parametrize("more", ["a\nsame\nB", "A\nsame\nb"])
def test_what_both_sides_inserted_is_there_once_beside_what_one_of_them_changed(more):
    assert merged("a\nb", "a\nsame\nb", more) == (more, False)
    assert merged("a\nb", more, "a\nsame\nb") == (more, False)


def test_what_both_sides_replaced_reads_as_ours_and_the_overlap_is_told():
    assert merged("a\nb\nc", "a\nours\nc", "a\ntheirs\nC") == ("a\nours\nc", True)


def test_a_line_that_they_wrote_into_lines_that_went_here_is_told():
    assert merged("a\nb\nc\nd", "a\nd", "a\nb\nnew\nc\nd") == ("a\nd", True)


def test_lines_that_they_deleted_are_no_loss_where_ours_win():
    assert merged("a\nb\nc", "a\nB\nc", "a") == ("a\nB\nc", False)


def test_far_changes_of_a_long_text_with_many_blank_lines_merge():
    base = "".join(f"line {n}\n\n" for n in range(3000))
    ours, theirs = base.replace("line 10\n", "ours\n"), base.replace("line 2990\n", "theirs\n")
    ours, theirs = f"head\n{ours}foot\n", f"top\n{theirs}end\n"
    text, overlaps = merged(base, ours, theirs)
    assert not overlaps
    for line in ("ours", "theirs", "head", "foot", "top", "end"):
        assert text.splitlines().count(line) == 1


@st.composite
def versions(draw):
    """A text of distinct lines and two edits of it, whose own lines are distinct as well."""
    size = draw(st.integers(0, 6))
    base = [f"base {n}" for n in range(size)]

    def side(name):
        keep = draw(st.lists(st.booleans(), min_size=size, max_size=size))
        added = draw(st.lists(st.integers(0, 2), min_size=size + 1, max_size=size + 1))
        lines = []
        for place, count in enumerate(added):
            lines += [f"{name} {place} {n}" for n in range(count)]
            lines += base[place : place + 1] if place < size and keep[place] else []
        return lines

    return base, side("ours"), side("theirs")


@given(versions())
def test_every_line_of_one_side_that_the_other_did_not_delete_is_there_once_or_told(sides):
    base, ours, theirs = sides
    text, overlaps = merged(*("\n".join(lines) for lines in sides))
    result = text.split("\n") if text else []
    assert len(set(result)) == len(result)
    assert {*ours} - {*base} <= {*result} <= {*base, *ours, *theirs}
    assert {*base} & {*ours} & {*theirs} <= {*result}
    assert overlaps or {*theirs} - {*base} <= {*result}


@given(versions())
def test_one_sided_changes_come_through_exactly(sides):
    base, ours, _ = ("\n".join(lines) for lines in sides)
    assert merged(base, base, ours) == merged(base, ours, base) == (ours, False)


@given(versions())
def test_merging_a_merged_text_again_changes_nothing(sides):
    base, ours, theirs = ("\n".join(lines) for lines in sides)
    text, _ = merged(base, ours, theirs)
    assert merged(base, text, text) == (text, False)
    assert merged(theirs, text, theirs) == (text, False)
    assert merged(base, text, theirs)[0] == text
