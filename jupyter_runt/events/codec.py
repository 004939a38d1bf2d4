"""Events as rows of a store, and the JSON Schema that the front end's types come from.

A Yjs update is kept as bytes beside the JSON: base64 would cost a third more.
"""

import json
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from jupyter_runt.events.base import Event, Payload
from jupyter_runt.events.document import Change, DocumentUpdated
from jupyter_runt.events.registry import EVENTS, parse_payload
from jupyter_runt.ids import ActorId, NotebookId, Seq

_CHANGES: Final = TypeAdapter(tuple[Change, ...])


class Row(NamedTuple):
    """What a store keeps of an event's payload."""

    name: str
    payload: str
    """JSON."""
    update: bytes | None


def encode_payload(payload: Payload) -> Row:
    """Return the row of a payload."""
    if isinstance(payload, DocumentUpdated):
        excluded = {"update"} if payload.journal_seq is not None else {"update", "journal_seq"}
        return Row(payload.event_name, payload.model_dump_json(exclude=excluded), payload.update)
    return Row(payload.event_name, payload.model_dump_json(), None)


def decode_payload(row: Row) -> Payload:
    """Return the payload of a row of any released version.

    Raises:
        KeyError: no release ever wrote an event of that name.
        ValueError: the row is not what any release wrote.
    """
    data: dict[str, Any] = json.loads(row.payload)
    if row.update is not None and row.name == DocumentUpdated.event_name:
        changes = _CHANGES.validate_python(data["changes"])
        return document_updated(row.update, changes, data.get("journal_seq"))
    return parse_payload(row.name, data)


def decode_event(
    notebook_id: NotebookId,
    seq: int,
    actor: str,
    caused_by: str | None,
    recorded_at: str,
    row: Row,
) -> Event:
    """Return the event whose columns these are; raises as `decode_payload`."""
    return Event(
        seq=Seq(seq),
        notebook_id=notebook_id,
        actor=ActorId(actor),
        caused_by=caused_by,
        recorded_at=recorded_at,
        payload=decode_payload(row),
    )


def document_updated(
    update: bytes, changes: tuple[Change, ...], journal_seq: int | None = None
) -> DocumentUpdated:
    """Return the payload for raw bytes, which the model's base64 field would refuse."""
    return DocumentUpdated.model_construct(update=update, changes=changes, journal_seq=journal_seq)


def json_schema() -> dict[str, Any]:
    """Return one JSON Schema with a definition for each event payload."""
    _, schema = models_json_schema([(payload, "serialization") for payload in EVENTS.values()])
    return schema
