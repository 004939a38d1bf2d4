from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt.document.takeback import taken_back


def text(*lines: str) -> str:
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("before", "after", "now", "left"),
    [
        ("a b c", "a x c", "a x c", "a b c"),
        ("a b c", "a x c", "a x mine c", "a b mine c"),
        ("a b c", "a x y c", "a x mine y c", "a b mine c"),
        ("a b c", "a x c", "a mine c", "a mine c"),
        ("a b c", "a c", "a mine c", "a b mine c"),
        ("a b c", "a c", "c", "b c"),
        ("a b c", "x y", "x y mine", "a b c mine"),
        ("", "x y", "x mine y", "mine"),
        ("", "x y", "x", ""),
        ("a b", "", "mine", "a b mine"),
        ("a b c d", "a x c y", "mine a x c y", "mine a b c d"),
    ],
)
def test_lines_of_others_stay(before: str, after: str, now: str, left: str) -> None:
    lines = [each.split() for each in (before, after, now)]
    assert taken_back(*(text(*each) for each in lines)) == text(*left.split())


LINES = st.lists(st.sampled_from("abc"), max_size=6).map(lambda lines: text(*lines))


@given(LINES, LINES)
def test_what_nobody_touched_since_goes_back_whole(before: str, after: str) -> None:
    assert taken_back(before, after, after) == before


@st.composite
def stories(draw: Any) -> tuple[list[str], list[str], list[str]]:
    """Draw a text, what was made of it, and what others made of that: they insert and delete."""
    before = [f"old{n}" for n in range(draw(st.integers(0, 6)))]
    after = [line for line in before if draw(st.booleans())]
    for number in range(draw(st.integers(0, 4))):
        after.insert(draw(st.integers(0, len(after))), f"new{number}")
    now = [line for line in after if draw(st.integers(0, 3))]
    for number in range(draw(st.integers(0, 4))):
        now.insert(draw(st.integers(0, len(now))), f"mine{number}")
    return before, after, now


@given(stories())
def test_everything_of_others_stays_and_nothing_of_the_step(
    story: tuple[list[str], list[str], list[str]],
) -> None:
    before, after, now = story
    left = taken_back(text(*before), text(*after), text(*now)).split("\n")
    mine = [line for line in now if line.startswith("mine")]
    assert [line for line in left if line.startswith("mine")] == mine
    assert not any(line.startswith("new") for line in left)
    old = [line for line in left if line.startswith("old")]
    assert old == sorted(old)
    assert {line for line in now if line.startswith("old")} <= set(old)
