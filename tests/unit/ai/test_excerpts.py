from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt.ai.excerpts import diff, head_and_tail, page


@given(st.text(max_size=200), st.integers(2, 100))
def test_a_long_text_keeps_its_ends(text: str, limit: int) -> None:
    shown = head_and_tail(text, limit, "read on")
    if len(text) <= limit:
        assert shown == text
    else:
        assert shown.startswith(text[: limit * 2 // 3])
        assert shown.endswith(text[-(limit - limit * 2 // 3) :])
        assert f"{len(text) - limit} of {len(text)} characters left out; read on" in shown


@given(st.text(alphabet="ab\n", max_size=300), st.integers(1, 50))
def test_pages_make_the_whole_text(text: str, limit: int) -> None:
    read, offset = "", 0
    while True:
        part = page(text, offset, limit, "go on at {offset}")
        body = part.rpartition("\n[characters")[0] if "[characters" in part else part
        read += body
        if "go on at" not in part:
            break
        offset += len(body)
    assert read == text


def test_an_edit_is_told_by_its_lines() -> None:
    assert diff("a\nb\nc", "a\nx\nc\nd") == "-b\n+x\n+d"
    assert diff("a", "a") == ""
    assert diff("--- a", "++ b") == "---- a\n+++ b"
    assert diff("a\nb", "a\nc", whole=True) == "@@ -1,2 +1,2 @@\n a\n-b\n+c"
