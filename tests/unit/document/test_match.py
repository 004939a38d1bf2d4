"""Which cells of two versions are the same."""

from jupyter_runt.document.match import COMPARED_LIMIT, match_cells, match_equal


def cell(cell_id, source, kind="code", **metadata):
    return {"id": cell_id, "cell_type": kind, "source": source, "metadata": metadata}


def matched(base, theirs, *, anonymous=True):
    matching = match_cells(base, theirs, anonymous=anonymous)
    return matching.same, matching.similar


def test_an_id_counts_more_than_a_text():
    base = [cell("a", "1"), cell("b", "2")]
    theirs = [cell("b", "1"), cell("a", "2")]
    assert matched(base, theirs) == ({0: "b", 1: "a"}, {})


def test_cells_that_got_other_ids_are_known_by_type_and_text():
    base = [cell("a", "x"), cell("b", "x", "markdown"), cell("c", "y")]
    theirs = [cell("0", "x"), cell("1", "x", "markdown"), cell("2", "y + 1")]
    assert matched(base, theirs, anonymous=False) == ({0: "a", 1: "b"}, {})


def test_an_sql_cell_is_no_code_cell_of_the_same_text():
    base = [cell("a", "select 1")]
    assert matched(base, [cell("0", "select 1", runt={"type": "sql"})]) == ({}, {})


def test_equal_texts_match_in_order_and_then_where_they_were_moved():
    base = [cell("a", ""), cell("b", "x"), cell("c", ""), cell("d", "y")]
    theirs = [cell("0", "y"), cell("1", ""), cell("2", "x"), cell("3", "")]
    assert matched(base, theirs) == ({0: "d", 1: "a", 2: "b", 3: "c"}, {})


def test_a_cell_without_an_id_that_was_edited_is_known_by_what_it_still_says():
    base = [
        cell("a", "import numpy as np\nimport pandas as pd"),
        cell("b", "frame = pd.read_csv('data.csv')\nframe.head()"),
    ]
    theirs = [
        cell("0", "%matplotlib inline"),
        cell("1", "import numpy as np\nimport polars as pl"),
        cell("2", "frame = pd.read_csv('other.csv')\nframe.head()"),
    ]
    assert matched(base, theirs) == ({}, {1: "a", 2: "b"})
    assert matched(base, theirs, anonymous=False) == ({}, {})


def test_similar_cells_do_not_match_across_one_another_nor_across_types():
    base = [cell("a", "alpha beta gamma delta"), cell("b", "one two three four five six")]
    crossed = [cell("0", "one two three four five seven"), cell("1", "alpha beta gamma epsilon")]
    assert matched(base, crossed) == ({}, {0: "b"})
    assert matched(base, [cell("0", "alpha beta gamma epsilon", "markdown")]) == ({}, {})


def test_where_too_many_cells_would_have_to_be_compared_none_is_similar():
    base = [cell(f"b{n}", f"value number {n}") for n in range(COMPARED_LIMIT // 10)]
    theirs = [cell(f"t{n}", f"value number {n} changed") for n in range(11)]
    assert matched(base, theirs) == ({}, {})


def test_equal_items_pair_once():
    assert dict(match_equal("aab", "baa")) == {0: 1, 1: 2, 2: 0}
    assert list(match_equal("a", "")) == list(match_equal("", "a")) == []
