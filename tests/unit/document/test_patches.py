import json
from collections.abc import Iterator

from jupyter_runt.document.patches import Patches, patched
from jupyter_runt.document.references import line_of


def test_only_lines_that_are_displays_are_found_where_there_are_many() -> None:
    patches = Patches()
    for line in range(5_000):
        patches.display(f"display-{line}", line)
        if line == 4_000:
            patches.flush()
    assert all(patches.may_have(f"display-{line}") for line in range(5_000))
    assert sum(patches.may_have(f"another-{line}") for line in range(5_000)) < 50


def test_what_no_disk_takes_is_shown_anew_all_the_same() -> None:
    patches = Patches()
    patches.display("a", 0)
    patches.update("a", {"data": 1}, 1)
    patches.flush()
    assert patches.pending == 0
    assert patches._db is not None
    patches._db.execute("PRAGMA query_only = ON")
    patches.display("a", 1)
    patches.display("b", 2)
    patches.update("b", {"data": 3}, 3)
    patches.flush()
    assert patches.pending > 0
    assert list(patches.lines()) == [(0, line_of({"data": 1})), (2, line_of({"data": 3}))]
    patches.update("a", {"data": 4}, 3)
    outputs = (line_of({"data": 0, "kind": "d"}) for _ in range(3))
    assert [json.loads(each) for each in _lines(patched(outputs, patches).blocks())] == [
        {"data": 4, "kind": "d"},
        {"data": 4, "kind": "d"},
        {"data": 3, "kind": "d"},
    ]


def _lines(blocks: Iterator[bytes]) -> list[bytes]:
    return b"".join(blocks).splitlines()
