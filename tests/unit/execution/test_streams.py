import re
import time

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt.execution.streams import OPEN_CHARS, OPEN_LINES, WIDTH, StreamText

UP = "\x1b[A"
ERASE = "\x1b[K"
RED = "\x1b[31m"
BOLD = "\x1b[1m"
PLAIN = "\x1b[0m"


class Shown:
    """A document that makes the edits that a stream asks for."""

    def __init__(self) -> None:
        self.stream = StreamText()
        self.text = b""
        self.rewrites = 0

    def write(self, *chunks: str) -> str:
        for chunk in chunks:
            self.stream.feed(chunk)
            self.take()
        return self.text.decode()

    def take(self) -> None:
        if (change := self.stream.take()) is not None:
            keep, text = change
            self.rewrites += keep < len(self.text)
            self.text = self.text[:keep] + text.encode()


def shown(*chunks: str) -> str:
    return Shown().write(*chunks)


def test_plain_text_only_grows() -> None:
    document = Shown()
    assert document.write("a\n", "b", "c\nd") == "a\nbc\nd"
    assert document.rewrites == 0


def test_a_carriage_return_starts_the_line_again() -> None:
    assert shown("first\n", " 10%", "\r 90%", "\r100%\n", "done") == "first\n100%\ndone"


def test_a_shorter_text_after_a_carriage_return_leaves_the_rest() -> None:
    assert shown("abcdef\r12") == "12cdef"


def test_carriage_return_and_newline_end_a_line() -> None:
    assert shown("a\r", "\nb\r\nc") == "a\nb\nc"


def test_a_backspace_steps_back_without_leaving_the_line() -> None:
    assert shown("ab\b\bX", "\nc\b\b\bd") == "Xb\nd"


def test_erasing_removes_the_rest_of_the_line() -> None:
    assert shown(f"abcdef\rxy{ERASE}") == "xy"
    assert shown("abc\x1b[2K\rd") == "d"


def test_the_cursor_moves_up_to_update_several_bars() -> None:
    bars = Shown()
    assert bars.write("bar 1: 0\nbar 2: 0\n") == "bar 1: 0\nbar 2: 0\n"
    assert bars.write(f"{UP}{UP}bar 1: 5\n") == "bar 1: 5\nbar 2: 0\n"
    assert bars.write("bar 2: 7\n") == "bar 1: 5\nbar 2: 7\n"
    assert bars.write("end\n") == "bar 1: 5\nbar 2: 7\nend\n"


def test_erasing_downwards_removes_the_lines_below() -> None:
    assert shown(f"a\nb\nc{UP}{UP}\r\x1b[J") == ""


def test_colours_stay_as_they_were_sent() -> None:
    text = f"{RED}error{PLAIN} fine {BOLD}{RED}both{PLAIN}\n"
    assert shown(text) == text
    assert shown(*text) == text


def test_an_overwritten_character_takes_its_colour_with_it() -> None:
    assert shown(f"{RED}abc{PLAIN}\rX") == f"X{RED}bc{PLAIN}"


def test_a_coloured_bar_keeps_its_colours_when_it_is_drawn_again() -> None:
    frame = "\r{n}%|" + RED + "{bar}" + PLAIN + "|"
    text = shown(frame.format(n=50, bar="#-"), frame.format(n=99, bar="##"))
    assert re.sub(r"\x1b\[[0-9;]*m", "", text) == "99%|##|"
    assert f"{RED}##{PLAIN}" in text


def test_a_colour_goes_on_in_the_next_line() -> None:
    assert shown(f"{RED}a\nb{PLAIN}\n") == f"{RED}a\nb{PLAIN}\n"


def test_sequences_that_only_a_terminal_needs_are_dropped() -> None:
    assert shown("\x1b[?25la\x1b[?25h\x1b7b") == "ab"


@pytest.mark.parametrize("at", range(1, 6))
def test_a_sequence_may_be_cut_between_two_chunks(at: int) -> None:
    text = f"ab{UP}\rX"
    assert shown(text[:at], text[at:]) == shown(text)


def test_text_beyond_the_window_is_closed() -> None:
    document = Shown()
    document.write("".join(f"{n}\n" for n in range(3 * OPEN_LINES)))
    document.write(UP * 1000 + "\rX")
    lines = document.text.decode().split("\n")
    assert lines[:OPEN_LINES] == [str(n) for n in range(OPEN_LINES)]
    assert sum("X" in line for line in lines) == 1


def test_a_line_without_end_costs_no_more_the_longer_it_gets() -> None:
    document = Shown()
    began = time.process_time()
    for _ in range(2000):
        document.write("x" * 1000)
    assert time.process_time() - began < 5
    assert len(document.text) == 2_000_000
    document.write("\rY")
    assert document.text.count(b"Y") == 1
    assert document.text.index(b"Y") >= 2_000_000 - 2 * OPEN_CHARS


PIECES = st.sampled_from(
    ["a", "bc", "\n", "\r", "\b", UP, "\x1b[B", ERASE, "\x1b[2K", RED, PLAIN, "é", "🎉", "\x1b[3D"]
)


@given(st.lists(st.lists(PIECES, max_size=8).map("".join), max_size=12))
def test_taking_often_or_once_gives_the_same_text(chunks: list[str]) -> None:
    once = Shown()
    for chunk in chunks:
        once.stream.feed(chunk)
    once.take()
    assert Shown().write(*chunks) == once.text.decode()


@given(st.lists(PIECES, max_size=40).map("".join), st.integers(0, 60))
def test_where_a_chunk_is_cut_makes_no_difference(text: str, at: int) -> None:
    assert strip(shown(text[:at], text[at:])) == strip(shown(text))


@given(st.text(alphabet=st.characters(exclude_characters="\r\b\x1b", exclude_categories=["Cs"])))
def test_text_without_control_characters_stays_as_it_is(text: str) -> None:
    assert shown(text) == text


def strip(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_no_cursor_goes_so_far_that_a_short_text_becomes_a_huge_one() -> None:
    stream = StreamText()
    stream.feed("\x1b[9999C\x1b[9999Cx\x1b[9999@\r\x1b[9999@\n" * 200)
    stream.feed("\x1b[9999Cx" * 1_000)
    change = stream.take()
    assert change is not None
    assert len(change[1]) < 400_000
    assert max(map(len, change[1].split("\n")[:200])) <= WIDTH + 1


def test_a_screen_that_is_cleared_and_drawn_again_is_there_once() -> None:
    clear = "\x1b[H\x1b[2J\x1b[3J"
    document = Shown()
    assert document.write("before\n", clear, "frame 1\nof two lines\n", clear) == ""
    assert document.write("frame 2\n", clear + "frame 3\n") == "frame 3\n"


def test_what_scrolled_off_the_screen_is_not_cleared_with_it() -> None:
    lines = "".join(f"{n}\n" for n in range(OPEN_LINES + 4))
    for chunks in ([lines, "\x1b[2J\x1b[Hx"], [*lines, *"\x1b[2J\x1b[Hx\x1b[2J\x1b[Hx"]):
        assert shown(*chunks) == "0\n1\n2\n3\n4\nx"


def test_numbers_of_any_length_are_read() -> None:
    huge = "9" * 5_000
    assert strip(shown(f"a\x1b[{huge}Db\x1b[{huge}m\x1b[0{huge};1Hc")).rstrip("\n")[-1] == "c"


def on_a_terminal(text: str) -> str:
    """Return what a terminal shows of a text, of which nothing has scrolled out of sight."""
    screen = pyte.Screen(200, 100)
    screen.set_mode(pyte.modes.LNM)  # as notebooks do, a line feed begins a line
    pyte.Stream(screen).feed(text)
    return "\n".join(line.rstrip() for line in screen.display).rstrip("\n")


@given(
    st.lists(
        st.sampled_from(["a", "bcd", "é ü", "\n", "\r", "\b", "\r\n", "\x1b[31m", "\x1b[0m"])
        | st.builds(
            "\x1b[{}{}".format, st.sampled_from(["", "1", "2", "5"]), st.sampled_from("ACDGFPX@")
        )
        | st.builds("\x1b[{}K".format, st.sampled_from(["", "0", "1", "2"]))
        | st.builds(
            "\x1b[{}{}".format,
            st.sampled_from(["", "2", ";3", "4;2", "0;0"]),
            st.sampled_from("Hf"),
        )
        | st.builds("\x1b[{}J".format, st.sampled_from(["", "0", "1", "2"]))
        | st.sampled_from(["\x1b[?25l", "\x1b[?25h"]),
        max_size=20,
    )
)
def test_a_stream_looks_as_it_does_on_a_terminal(parts: list[str]) -> None:
    text = re.sub("\x1b\\[[0-9;]*m", "", shown(*parts))
    seen = "\n".join(line.rstrip() for line in text.split("\n")).rstrip("\n")
    assert seen == on_a_terminal("".join(parts))
