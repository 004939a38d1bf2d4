import json
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from jupyter_runt.commands import (
    Command,
    CreateCell,
    EditCell,
    ExecuteCells,
    Replacement,
    ReplyInput,
    json_schema,
    parse_command,
)
from jupyter_runt.errors import InvalidCommand

COMMANDS = get_args(get_args(Command)[0])


def problems(body: bytes | dict[str, Any]) -> dict[str, str]:
    """Return what is wrong with a body, by field."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(InvalidCommand) as refused:
        parse_command(data)
    assert str(refused.value)
    return {each["field"]: each["message"] for each in refused.value.detail["errors"]}


def test_a_command_is_parsed_with_its_defaults() -> None:
    command = parse_command(b'{"type": "execute_cells", "cell_ids": ["a", "b"]}')
    assert command == ExecuteCells(type="execute_cells", cell_ids=("a", "b"))  # type: ignore[arg-type]
    assert isinstance(command, ExecuteCells)
    assert command.stop_on_error
    assert (command.command_id, command.state_vector) == (None, None)


def test_an_edit_has_replacements_or_a_source() -> None:
    body = {"type": "edit_cell", "cell_id": "a", "replacements": [{"old": "x", "new": ""}]}
    command = parse_command(json.dumps(body).encode())
    assert isinstance(command, EditCell)
    assert command.replacements == (Replacement(old="x", new=""),)


def test_a_new_cell_goes_to_the_top_by_default() -> None:
    command = parse_command(b'{"type": "create_cell", "cell_type": "ai"}')
    assert isinstance(command, CreateCell)
    assert (command.source, command.after) == ("", None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", ""),
        (b"not json", ""),
        ({"type": "run_all", "stop_on_error": "false"}, "stop_on_error"),
        ({"type": "run_all", "stop_on_error": 0}, "stop_on_error"),
        ({"type": "restore_version", "seq": "1"}, "seq"),
        ({"type": "restore_version", "seq": True}, "seq"),
        (b"[]", ""),
        (b"null", ""),
        (b'"run_all"', ""),
        (b"{}", "type"),
        ({"type": "dance"}, "type"),
        ({"type": None}, "type"),
        ({"type": "execute_cells"}, "cell_ids"),
        ({"type": "execute_cells", "cell_ids": "a"}, "cell_ids"),
        ({"type": "execute_cells", "cell_ids": []}, "cell_ids"),
        ({"type": "execute_cells", "cell_ids": ["a", None]}, "cell_ids.1"),
        ({"type": "run_all", "stop_on_error": "perhaps"}, "stop_on_error"),
        ({"type": "run_all", "command_id": ""}, "command_id"),
        ({"type": "run_all", "command_id": "x" * 129}, "command_id"),
        ({"type": "run_all", "actor": "user:eve"}, "actor"),
        ({"type": "move_cell", "cell_id": "a"}, "after"),
        (
            {"type": "edit_cell", "cell_id": "a", "replacements": [{"old": "", "new": ""}]},
            "replacements.0.old",
        ),
        ({"type": "set_context_visibility", "cell_ids": ["a"], "visible": None}, "visible"),
    ],
)
def test_a_wrong_body_names_the_field(body: bytes | dict[str, Any], field: str) -> None:
    assert field in problems(body)


def test_every_wrong_field_is_named() -> None:
    wrong = problems({"type": "reply_input", "value": 1, "more": True})
    assert set(wrong) == {"execution_id", "value", "more"}


def test_an_answer_to_a_prompt_does_not_show_itself() -> None:
    command = ReplyInput(type="reply_input", execution_id="e", value="secret")  # type: ignore[arg-type]
    assert "secret" not in repr(command)
    assert "secret" not in str(problems({"type": "reply_input", "value": ["secret"]}))


def test_commands_do_not_change() -> None:
    command = parse_command(b'{"type": "run_all"}')
    with pytest.raises(ValidationError):
        command.command_id = "x"  # type: ignore[assignment,misc]


def test_the_schema_tells_every_command_by_its_type() -> None:
    schema = json_schema()
    assert len(schema["discriminator"]["mapping"]) == len(COMMANDS)
    assert {kind.__name__ for kind in COMMANDS} <= set(schema["$defs"])
