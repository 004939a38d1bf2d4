"""Persistent mappings."""

from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt.document.persistent import PersistentMap

KEYS = st.sampled_from([f"key {n}" for n in range(200)])
EDITS = st.lists(st.tuples(KEYS, st.none() | st.integers()), max_size=80)


def edited(mapping, edits):
    expected = dict(mapping)
    for key, value in edits:
        if value is None:
            mapping = mapping.without(key)
            expected.pop(key, None)
        else:
            mapping = mapping.with_item(key, (value,))
            expected[key] = (value,)
    return mapping, expected


@given(EDITS, EDITS)
def test_it_is_the_mapping_that_a_dict_would_be_and_older_versions_stay(first, second):
    before, expected_before = edited(PersistentMap(), first)
    after, expected = edited(before, second)
    assert dict(before) == expected_before
    assert dict(after) == expected
    assert len(after) == len(expected)


@given(EDITS, EDITS)
def test_the_difference_of_two_versions_is_exact(first, second):
    before, _ = edited(PersistentMap(), first)
    after, _ = edited(before, second)
    different = {key for key in {*before, *after} if before.get(key) is not after.get(key)}
    assert after.differing(before) == sorted(different)
