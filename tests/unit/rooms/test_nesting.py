"""Values nested so deep that reading them would end the process never reach the CRDT library."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment

from jupyter_runt.document.lib0 import write_bytes, write_integer
from jupyter_runt.rooms.nesting import MAX_DEPTH, check_depth
from jupyter_runt.rooms.protocol import BadFrame

pytestmark = pytest.mark.rule("RM2")

PADDING = "vu" * MAX_DEPTH
"""Enough of the two bytes that nesting costs for an update to be read struct by struct."""


def holding(value):
    """Return the update of one array that holds a value."""
    return b"\1\1\5\0\x08\1\1t\1" + value + b"\0"


def nested(depth, opening=b"\x75\1", inner=b"\x7e"):
    return holding(opening * depth + inner)


@pytest.mark.parametrize("opening", [b"\x75\1", b"\x76\1\1k", b"\x75\2\x7e"])
def test_deep_values_are_refused_and_shallow_ones_are_not(opening):
    check_depth(nested(MAX_DEPTH - 1, opening))
    with pytest.raises(BadFrame, match="deep"):
        check_depth(nested(MAX_DEPTH + 1, opening))


def test_many_siblings_are_not_deep():
    count = 3 * MAX_DEPTH
    check_depth(holding(b"\x75" + write_integer(count) + b"\x75\0" * count))


def test_text_may_have_any_letters():
    doc = Doc()
    text = doc.get("t", type=Text)
    text += PADDING * 10
    check_depth(doc.get_update())


@pytest.mark.parametrize("cut", [2, 5, 20, 300])
def test_a_truncated_update_is_refused(cut):
    update = b"\1\1\5\0\4\1\1t" + write_bytes(2 * PADDING.encode()) + b"\0"
    check_depth(update)
    with pytest.raises(BadFrame):
        check_depth(update[:-cut])


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**52), 2**52)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.lists(JSON, max_size=5), st.dictionaries(st.text(max_size=3), JSON, max_size=4))
def test_every_update_that_the_library_writes_is_understood(values, fields):
    doc = Doc()
    array, mapping = doc.get("a", type=Array), doc.get("m", type=Map)
    fragment, text = doc.get("x", type=XmlFragment), doc.get("t", type=Text)
    array.extend(values)
    mapping.update(fields)
    mapping["inner"] = Map({"text": Text("hello"), "list": Array(values)})
    fragment.children.append(XmlElement("p", {"a": "b"}))
    text += PADDING
    text.format(0, 3, {"bold": True})
    text.insert_embed(2, {"image": "x"})
    del text[4:6]
    mapping["gone"] = Doc({"t": Text("sub")})
    del mapping["inner"]
    check_depth(doc.get_update())
