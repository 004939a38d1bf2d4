"""The first update of a history, against documents that the CRDT library itself filled."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text

from jupyter_runt.document.cells import SharedList, SharedMap, SharedText
from jupyter_runt.document.first_update import FirstUpdate
from jupyter_runt.document.values import from_shared, to_shared

TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(["", "𝄞 clef", "é\n"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
).map(to_shared)
CONTENTS = st.recursive(
    VALUES | TEXTS.map(SharedText),
    lambda inner: (
        st.lists(inner, max_size=4).map(SharedList)
        | st.dictionaries(TEXTS, inner, max_size=4).map(SharedMap)
    ),
    max_leaves=12,
)


def typed(content: Any) -> Any:
    """Return content as the CRDT library takes it."""
    match content:
        case SharedText():
            return Text(str(content))
        case SharedMap():
            return Map({key: typed(value) for key, value in content.items()})
        case SharedList():
            return Array([typed(value) for value in content])
    return content


def kinds(value: Any) -> Any:
    """Return which shared types are where."""
    match value:
        case Text():
            return "text"
        case Map():
            return {key: kinds(value[key]) for key in value}
        case Array():
            return [kinds(item) for item in value]
    return type(value).__name__


def filled(update: bytes) -> tuple[Map[Any], Array[Any]]:
    doc: Doc[Any] = Doc()
    doc.apply_update(update)
    return doc.get("meta", type=Map), doc.get("cells", type=Array)


@given(
    st.dictionaries(TEXTS, CONTENTS, max_size=4).map(SharedMap),
    st.lists(CONTENTS, max_size=4).map(SharedList),
    st.integers(1, 2**53 - 1),
)
def test_a_document_holds_what_was_collected_as_if_it_had_been_filled(meta, cells, client):
    update = FirstUpdate(client)
    update.map("meta", meta)
    update.list("cells", cells)
    map_, array = filled(update.encoded())

    other: Doc[Any] = Doc()
    other_map, other_array = other.get("meta", type=Map), other.get("cells", type=Array)
    with other.transaction():
        for key, value in meta.items():
            other_map[key] = typed(value)
        for value in cells:
            other_array.append(typed(value))

    assert from_shared(map_) == from_shared(other_map)
    assert from_shared(array) == from_shared(other_array)
    assert (kinds(map_), kinds(array)) == (kinds(other_map), kinds(other_array))


@given(TEXTS.map(SharedText), TEXTS)
def test_a_text_goes_on_where_it_was_left(text, more):
    update = FirstUpdate(7)
    update.list("cells", SharedList([text, SharedText("after")]))
    one: Doc[Any] = Doc(client_id=7)
    one.apply_update(update.encoded())
    one.get("cells", type=Array)[0].insert(len(text.encode()), more)
    other: Doc[Any] = Doc()
    other.apply_update(one.get_update())
    assert [str(item) for item in other.get("cells", type=Array)] == [text + more, "after"]


def test_nothing_is_the_empty_update():
    update = FirstUpdate(7)
    update.map("meta", SharedMap())
    assert json.loads(str(filled(update.encoded())[0])) == {}
    assert update.encoded() == b"\0\0"


def test_what_json_does_not_have_is_refused():
    update = FirstUpdate(7)
    with pytest.raises(TypeError, match="bytes"):
        update.map("meta", SharedMap(key=b""))
