"""The arguments of tools: strict in what models are told, tolerant of what they write."""

import json
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator

MAX_ARGUMENTS: Final = 400_000
"""Characters of a call's arguments: more than a cell that anybody reads."""


class BadArguments(Exception):
    """What a model wrote is no call; the message tells it what to write."""


def _listed(value: Any) -> Any:
    """Return the list that small models write as a string, or the one thing as a list of it."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return [value] if value else []


Strings = Annotated[list[str], BeforeValidator(_listed)]
"""A list of strings."""


class Arguments(BaseModel):
    """The arguments of one tool. A field without a default must be given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _null_is_left_out(cls, data: Any) -> Any:
        """Take null for "as by default": where every property is required, there is no other."""
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if value is not None}


ArgumentsT = TypeVar("ArgumentsT", bound=Arguments)


def parameters(arguments: type[Arguments]) -> dict[str, Any]:
    """Return the JSON Schema of a tool's arguments, in the subset that providers call strict.

    All properties are required, those with a default may be null, and there are no others.
    """
    schema = arguments.model_json_schema()
    properties = {
        name: _nullable(_bare(field)) if "default" in field else _bare(field)
        for name, field in schema.get("properties", {}).items()
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _bare(field: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without what says nothing to a model, or what strict providers refuse."""
    bare = {key: value for key, value in field.items() if key not in ("title", "default")}
    if "anyOf" in bare:
        kinds = [each for each in bare.pop("anyOf") if each.get("type") != "null"]
        bare = {**kinds[0], **bare}
    return {key: value for key, value in bare.items() if key not in _UNSUPPORTED}


_UNSUPPORTED: Final = frozenset({"minLength", "maxLength", "minItems", "maxItems"})


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    nullable = {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        nullable["enum"] = [*schema["enum"], None]
    return nullable


def json_object(text: str) -> dict[str, Any]:
    """Return the JSON object of a call's arguments; none at all is an empty one.

    Raises:
        BadArguments: it is something else.
    """
    if len(text) > MAX_ARGUMENTS:
        raise BadArguments(f"The arguments are longer than {MAX_ARGUMENTS} characters.")
    try:
        found: Any = json.loads(text) if text.strip() else {}
        if isinstance(found, str):
            found = json.loads(found)  # some models quote the object once more
    except (ValueError, RecursionError) as error:
        raise BadArguments(f"The arguments are not JSON: {error}. Send one JSON object.") from error
    if not isinstance(found, dict):
        raise BadArguments("The arguments are not a JSON object.")
    return found


def parse(kind: type[ArgumentsT], text: str) -> ArgumentsT:
    """Return the arguments in a call's text.

    Raises:
        BadArguments: they are not such arguments; the message names each field that is wrong.
    """
    found = json_object(text)
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, each['loc'])) or 'arguments'}: {each['msg']}"
            for each in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        names = ", ".join(kind.model_fields) or "none"
        raise BadArguments(f"{'; '.join(problems)}. The arguments are: {names}.") from error
