import ast
import enum
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from jupyter_runt import kernel
from jupyter_runt.ai.kernel_tools import expression
from jupyter_runt.kernel import tool


class Color(enum.Enum):
    RED = 1
    BLUE = 2


@tool
def paint(
    color: Color,
    times: int = 1,
    names: list[str] = [],  # noqa: B006
    how: Literal["fast", "slow"] | None = None,
    options: dict[str, int] | None = None,
) -> str:
    """Paint things.

    Not told.
    """
    sys.stdout.write("painting\n")
    return f"{color.name} {times} {names} {how} {options}"


@tool
def fail() -> None:
    """Fail."""
    raise RuntimeError("no paint")


def hidden() -> None:
    """Not offered."""


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    space: dict[str, Any] = {
        "paint": paint,
        "fail": fail,
        "hidden": hidden,
        "x": 1,
        "text": "a" * 500,
        "_private": 2,
        "Path": Path,
        "json": json,
        "rude": Rude(),
    }
    monkeypatch.setattr(kernel, "_space", lambda: space)

    def ask(do: str, **fields: Any) -> Any:
        return json.loads(kernel.answer(json.dumps({"do": do, **fields})))

    return ask


class Rude:
    @property
    def shape(self) -> Any:
        raise RuntimeError

    def __repr__(self) -> str:
        raise RuntimeError


def test_marked_functions_are_described_by_their_signatures(ask: Callable[..., Any]) -> None:
    described = {each["name"]: each for each in ask("tools")}
    assert list(described) == ["paint", "fail"]
    told = described["paint"]
    assert told["description"] == "Paint things."
    assert told["parameters"] == {
        "type": "object",
        "properties": {
            "color": {"type": "string", "enum": ["RED", "BLUE"]},
            "times": {"type": ["integer", "null"]},
            "names": {"type": ["array", "null"], "items": {"type": "string"}},
            "how": {"type": ["string", "null"], "enum": ["fast", "slow", None]},
            "options": {"type": ["string", "null"], "description": "A JSON object."},
        },
        "required": ["color", "times", "names", "how", "options"],
        "additionalProperties": False,
    }
    assert told["fingerprint"] != described["fail"]["fingerprint"]


def test_a_function_is_called_with_what_a_model_wrote(ask: Callable[..., Any]) -> None:
    given = {"color": "BLUE", "times": "3", "names": None, "how": "slow", "options": '{"a": 1}'}
    answer = ask("call", name="paint", arguments=given)
    assert answer == {"text": "BLUE 3 [] slow {'a': 1}", "printed": "painting\n"}


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("fail", {}, "RuntimeError: no paint"),
        ("paint", {}, "A value is missing."),
        ("paint", {"color": "GREEN"}, "KeyError"),
        ("paint", {"color": "RED", "times": "x"}, "ValueError"),
        ("paint", {"color": "RED", "why": 1}, "There is no parameter why."),
        ("hidden", {}, "There is no tool hidden"),
        ("x", {}, "There is no tool x"),
    ],
)
def test_what_goes_wrong_is_told(
    ask: Callable[..., Any], name: str, arguments: dict[str, Any], told: str
) -> None:
    assert told in ask("call", name=name, arguments=arguments)["error"]


async def coroutine() -> None: ...


def takes_any(*values: int) -> None: ...


def takes_path(path: Path) -> None: ...


def takes_nonsense(value: "Nonsense") -> None: ...  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize("function", [coroutine, takes_any, takes_path, takes_nonsense, len, Color])
def test_a_function_that_no_model_can_call_is_refused_at_once(function: Any) -> None:
    with pytest.raises(TypeError):
        tool(function)


def test_variables_are_told_with_their_kinds(ask: Callable[..., Any]) -> None:
    lines = ask("variables").splitlines()
    assert lines[0] == "x: int = 1"
    assert lines[1].startswith("text: str len=500 = 'aaa")
    assert lines[1].endswith("[502 characters]")
    assert lines[2].startswith("rude: ")
    assert "[it cannot be shown: RuntimeError]" in lines[2]
    assert len(lines) == 3
    told = ask("variables", names=["text", "nope"])
    assert "a" * 500 in told
    assert "nope: there is no such variable" in told


def test_a_table_is_told_with_columns_and_types(ask: Callable[..., Any]) -> None:
    pandas = pytest.importorskip("pandas")
    kernel._space()["table"] = pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    (line,) = [each for each in ask("variables").splitlines() if each.startswith("table")]
    assert line == "table: pandas.DataFrame shape=(2, 2) columns=['a', 'b']"
    told = ask("variables", names=["table"])
    assert "int64" in told
    assert told.count("x") >= 1


def test_a_kernel_without_this_package_answers_too() -> None:
    source = Path(kernel.__file__).read_text(encoding="utf-8")
    answer = eval(expression(source, {"do": "variables", "names": ['it\'s \\ "quoted"']}))
    assert json.loads(answer).endswith("there is no such variable")


def test_it_is_python_of_old_kernels_and_needs_nothing_of_the_package() -> None:
    source = Path(kernel.__file__).read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 9))
    imported = {
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }
    imported |= {str(n.module) for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert not any("jupyter" in name for name in imported)
