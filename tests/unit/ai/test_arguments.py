import json
from contextlib import suppress
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from jupyter_runt.ai.arguments import (
    MAX_ARGUMENTS,
    Arguments,
    BadArguments,
    Strings,
    parameters,
    parse,
)


class Example(Arguments):
    name: str = Field(min_length=1, description="A name.")
    kind: Literal["a", "b"] = "a"
    count: int = Field(default=3, ge=1)
    sure: bool = False
    names: Strings = Field(default=[])


def test_the_schema_is_of_the_strict_subset() -> None:
    assert parameters(Example) == {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "A name."},
            "kind": {"type": ["string", "null"], "enum": ["a", "b", None]},
            "count": {"type": ["integer", "null"], "minimum": 1},
            "sure": {"type": ["boolean", "null"]},
            "names": {"type": ["array", "null"], "items": {"type": "string"}},
        },
        "required": ["name", "kind", "count", "sure", "names"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('{"name": "n"}', {}),
        ('{"name": "n", "kind": null, "count": null, "names": null}', {}),
        ('{"name": "n", "count": "7", "sure": "true"}', {"count": 7, "sure": True}),
        ('{"name": "n", "names": "one"}', {"names": ["one"]}),
        ('{"name": "n", "names": "[\\"one\\", \\"two\\"]"}', {"names": ["one", "two"]}),
        ('{"name": "n", "names": "[one"}', None),
        ('"{\\"name\\": \\"n\\"}"', {}),
        ("", None),
        ("{", None),
        ("null", None),
        ("[1]", None),
        ('{"name": ""}', None),
        ('{"name": "n", "count": 0}', None),
        ('{"name": "n", "kind": "c"}', None),
        ('{"name": "n", "approved": true}', None),
        ("[" * 100_000, None),
        ('{"name": "' + "n" * MAX_ARGUMENTS + '"}', None),
    ],
)
def test_arguments_are_what_was_meant_or_nothing(text: str, meant: dict[str, Any] | None) -> None:
    if meant is None:
        with pytest.raises(BadArguments):
            parse(Example, text)
    else:
        assert parse(Example, text) == Example(name="n", **meant)


@given(st.text() | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(json.dumps))
def test_whatever_a_model_writes_there_is_an_answer_to_it(text: str) -> None:
    with suppress(BadArguments):
        parse(Example, text)
