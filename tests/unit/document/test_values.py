"""JSON values in Yjs documents."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc, Map

from jupyter_runt.document.values import from_shared, to_shared

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def through_yjs(value):
    doc = Doc()
    shared = doc.get("root", type=Map)
    shared["value"] = to_shared(value)
    return from_shared(shared)["value"]


@given(JSON)
def test_json_comes_back_as_it_went_in(value):
    assert through_yjs(value) == value


def test_integral_floats_come_back_as_integers():
    assert repr(through_yjs([1.0, 2, {"a": 3.0}])) == "[1, 2, {'a': 3}]"


@pytest.mark.parametrize(
    ("value", "shared"),
    [
        (2**53 + 1, float(2**53)),
        (-(2**70), -(2.0**70)),
        (10**400, None),
        (math.nan, None),
        (math.inf, None),
        ("a\ud800b", "a\ufffdb"),
        ({"\udfff": ["\ud800\ud800"]}, {"\ufffd": ["\ufffd\ufffd"]}),
    ],
)
def test_what_no_browser_can_hold_becomes_what_its_json_parser_would_make_of_it(value, shared):
    assert to_shared(value) == shared
    assert through_yjs(value) == shared
