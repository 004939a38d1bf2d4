"""Print the JSON Schemas that the front end's types are made from, by module."""

import json
import sys
from typing import Any

from jupyter_runt import commands, errors
from jupyter_runt.events import codec
from jupyter_runt.events.registry import EVENTS


def error_codes() -> list[str]:
    """Return the stable code of every error that reaches a client."""
    kinds = (kind for kind in vars(errors).values() if isinstance(kind, type))
    return sorted(kind.code for kind in kinds if issubclass(kind, errors.RuntError))


def events() -> dict[str, Any]:
    """Return a schema of one object that has every payload under its event's name."""
    payloads = {name: {"$ref": f"#/$defs/{kind.__name__}"} for name, kind in EVENTS.items()}
    return {**codec.json_schema(), **_object("EventPayloads", payloads)}


def schemas() -> dict[str, dict[str, Any]]:
    """Return a JSON Schema for each module in `src/generated`."""
    return {
        "commands": {**commands.json_schema(), "title": "Command"},
        "events": events(),
        "errors": {"title": "ErrorCode", "enum": error_codes()},
    }


def _object(title: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": title,
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


if __name__ == "__main__":
    json.dump(schemas(), sys.stdout)
