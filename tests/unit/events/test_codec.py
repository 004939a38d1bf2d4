import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from jupyter_runt.events.base import Event, Payload
from jupyter_runt.events.codec import (
    Row,
    decode_event,
    decode_payload,
    document_updated,
    encode_payload,
    json_schema,
)
from jupyter_runt.events.document import CellCreated, DocumentUpdated, VersionKept
from jupyter_runt.events.registry import EVENTS
from jupyter_runt.ids import ActorId, CellId, NotebookId, Seq

pytestmark = pytest.mark.rule("EL2")

TEXTS = st.text(max_size=20)


def payloads() -> st.SearchStrategy[Payload]:
    """Return any payload, of any event."""
    return st.sampled_from(sorted(EVENTS)).flatmap(lambda name: _model(EVENTS[name]))


def _model(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    if model is DocumentUpdated:
        changes = st.lists(
            st.builds(CellCreated, cell_id=TEXTS, cell_type=TEXTS, index=st.integers())
        )
        return st.builds(document_updated, st.binary(), changes.map(tuple))
    if model is VersionKept:
        notebooks = st.dictionaries(TEXTS, st.lists(st.integers() | TEXTS))
        return st.builds(model, content=TEXTS | notebooks)
    return st.builds(model)


@given(payloads())
def test_a_payload_is_the_same_after_a_row(payload: Payload) -> None:
    row = encode_payload(payload)
    assert row.name == payload.event_name
    assert decode_payload(row) == payload


def test_an_update_is_kept_as_bytes_beside_the_json() -> None:
    created = CellCreated(cell_id=CellId("c"), cell_type="code", index=0)
    row = encode_payload(document_updated(b"\x00\xff", (created,)))
    assert row.update == b"\x00\xff"
    assert "update" not in json.loads(row.payload)


@pytest.mark.parametrize(
    "row",
    [
        Row("v1.ExecutionStarted", "{}", None),
        Row("v1.ExecutionStarted", '{"execution_id": "e", "more": 1}', None),
        Row("v1.ExecutionStarted", "not json", None),
        Row("v1.DocumentUpdated", '{"changes": [{"type": "unheard_of"}]}', b""),
    ],
)
def test_a_row_that_no_release_wrote_is_refused(row: Row) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode_payload(row)


def test_an_event_that_no_release_had_is_refused() -> None:
    with pytest.raises(KeyError):
        decode_payload(Row("v1.Nonsense", "{}", None))


def test_an_event_is_its_columns() -> None:
    row = encode_payload(EVENTS["v1.ExecutionStarted"].model_validate({"execution_id": "e"}))
    event = decode_event(NotebookId("n"), 3, "user:ada", "command:k", "2024-01-01", row)
    assert event == Event(
        seq=Seq(3),
        notebook_id=NotebookId("n"),
        actor=ActorId("user:ada"),
        caused_by="command:k",
        recorded_at="2024-01-01",
        payload=decode_payload(row),
    )
    assert event.to_json() == {
        "seq": 3,
        "name": "v1.ExecutionStarted",
        "notebook_id": "n",
        "actor": "user:ada",
        "caused_by": "command:k",
        "recorded_at": "2024-01-01",
        "payload": {"execution_id": "e"},
    }


def test_an_update_goes_out_as_base64() -> None:
    event = Event(
        seq=Seq(1),
        notebook_id=NotebookId("n"),
        actor=ActorId("file"),
        caused_by=None,
        recorded_at="",
        payload=document_updated(b"\x00\xff", ()),
    )
    assert event.to_json()["payload"] == {
        "update": "AP8=",
        "changes": [],
        "journal_seq": None,
    }


def test_events_do_not_change() -> None:
    payload = EVENTS["v1.ExecutionStarted"].model_validate({"execution_id": "e"})
    with pytest.raises(ValidationError):
        payload.execution_id = "other"  # type: ignore[attr-defined]


def test_the_schema_has_every_event() -> None:
    definitions = json_schema()["$defs"]
    assert {payload.__name__ for payload in EVENTS.values()} <= set(definitions)
