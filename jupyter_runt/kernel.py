"""For code in notebooks: `from jupyter_runt.kernel import tool` offers a function to the AI.

The server runs this file inside kernels, which may be of other environments than its own: it
imports nothing but the standard library, and needs no more than Python 3.9.
"""

import contextlib
import enum
import hashlib
import inspect
import io
import json
import sys
import traceback
import types
import typing
from collections.abc import Callable
from typing import Any, Literal, Optional, TypeVar, Union

__all__ = ["tool"]

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "__runt_tool__"
_SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean"}
_LISTS = (list, tuple, set, frozenset)
_UNIONS = (Union, getattr(types, "UnionType", Union))
_MAX_RESULT = 100_000
_MAX_LISTED = 100
_SHORT = 120
_LONG = 4_000


def tool(function: F) -> F:
    """Offer a function to the AI: it may ask to call it, and a person is asked before it does.

    The first paragraph of its docstring tells the model what it does. Its parameters are of
    strings, numbers, booleans, lists, dictionaries, `Literal`, `Enum` or `Optional` of those.

    Raises:
        TypeError: a model cannot call such a function; the message says why.
    """
    if not inspect.isfunction(function) or inspect.iscoroutinefunction(function):
        raise TypeError("Only plain functions can be tools.")
    _parameters(function)
    setattr(function, _MARK, True)
    return function


# what the server asks


def answer(request: str) -> str:
    """Return the answer, in JSON, to a request of the server, in JSON."""
    asked = json.loads(request)
    answers: dict[str, Callable[[Any], Any]] = {
        "tools": lambda _: [_described(name, each) for name, each in _tools().items()],
        "call": lambda asked: _called(asked["name"], asked["arguments"]),
        "variables": lambda asked: _variables(asked.get("names") or []),
    }
    return json.dumps(answers[asked["do"]](asked), ensure_ascii=True, default=str)


def _space() -> dict[str, Any]:
    return vars(sys.modules["__main__"])


def _tools() -> dict[str, Any]:
    """Return the functions that are offered, by the names that they have now."""
    return {
        name: value
        for name, value in list(_space().items())
        if inspect.isfunction(value) and getattr(value, _MARK, False)
    }


def _described(name: str, function: Any) -> dict[str, Any]:
    summary = (inspect.getdoc(function) or "").split("\n\n")[0]
    code = function.__code__
    digest = hashlib.sha256(code.co_code + repr((code.co_consts, code.co_names)).encode())
    return {
        "name": name,
        "description": " ".join(summary.split()),
        "parameters": _parameters(function),
        "fingerprint": digest.hexdigest(),
    }


def _called(name: str, given: dict[str, Any]) -> dict[str, Any]:
    function = _tools().get(name)
    if function is None:
        return {"error": f"There is no tool {name} in the kernel any more."}
    printed = io.StringIO()
    try:
        arguments = _fitted(function, given)
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            value = function(**arguments)
    except Exception:  # noqa: BLE001  (whatever a function raises is what the model has to know)
        return {"error": traceback.format_exc(limit=-3), "printed": printed.getvalue()}
    return {"text": _text(value)[:_MAX_RESULT], "printed": printed.getvalue()[:_MAX_RESULT]}


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return _shown(value, _LONG)


# signatures


def _parameters(function: Any) -> dict[str, Any]:
    """Return the JSON Schema of a function's parameters; raises TypeError."""
    hints = _hints(function)
    properties = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"{name}: a model names each argument.")
        schema = _schema(name, hints.get(name, str))
        if parameter.default is not parameter.empty and not isinstance(schema["type"], list):
            schema = _nullable(schema)
        properties[name] = schema
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _hints(function: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function)
    except Exception as error:
        raise TypeError(f"The annotations cannot be read: {error}") from error


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    nullable = dict(schema, type=[schema["type"], "null"])
    if "enum" in schema:
        nullable["enum"] = [*schema["enum"], None]
    return nullable


def _optional(kind: Any) -> Optional[Any]:  # noqa: UP045
    """Return what a type is beside None, if None is one of two."""
    if typing.get_origin(kind) in _UNIONS:
        others = [each for each in typing.get_args(kind) if each is not type(None)]
        if len(others) == 1 and len(typing.get_args(kind)) == 2:
            return others[0]
    return None


def _schema(name: str, kind: Any) -> dict[str, Any]:
    if (beside_none := _optional(kind)) is not None:
        return _nullable(_schema(name, beside_none))
    if kind in _SCALARS:
        return {"type": _SCALARS[kind]}
    origin = typing.get_origin(kind) or kind
    if origin in _LISTS:
        items = [each for each in typing.get_args(kind) if each is not ...]
        return {"type": "array", "items": _schema(name, items[0] if items else str)}
    if origin is dict:
        return {"type": "string", "description": "A JSON object."}
    if origin is Literal:
        values = list(typing.get_args(kind))
        return {"type": _SCALARS.get(type(values[0]), "string"), "enum": values}
    if inspect.isclass(kind) and issubclass(kind, enum.Enum):
        return {"type": "string", "enum": [each.name for each in kind]}
    raise TypeError(
        f"{name}: a model cannot give a {getattr(kind, '__name__', kind)}; use str, int, float,"
        " bool, list, dict, Literal, Enum or Optional."
    )


def _fitted(function: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Return arguments as the function wants them; raises TypeError or ValueError."""
    hints, fitted = _hints(function), {}
    for name, parameter in inspect.signature(function).parameters.items():
        value = given.get(name)
        if value is None and parameter.default is not parameter.empty:
            continue  # null is "as by default" where there is one
        fitted[name] = _fit(value, hints.get(name, str))
    unknown = set(given) - set(inspect.signature(function).parameters)
    if unknown:
        raise TypeError(f"There is no parameter {', '.join(sorted(unknown))}.")
    return fitted


def _fit(value: Any, kind: Any) -> Any:
    beside_none = _optional(kind)
    if beside_none is not None:
        return None if value is None else _fit(value, beside_none)
    if value is None:
        raise TypeError("A value is missing.")
    origin = typing.get_origin(kind) or kind
    if origin in _LISTS:
        items = [each for each in typing.get_args(kind) if each is not ...]
        return origin(_fit(each, items[0] if items else str) for each in _parsed(value, list))
    if origin is dict:
        return _parsed(value, dict)
    if origin is Literal:
        return value
    if inspect.isclass(kind) and issubclass(kind, enum.Enum):
        return kind[value]
    if kind is bool and isinstance(value, str):
        return value.lower() in ("true", "1", "yes")
    return kind(value)


def _parsed(value: Any, kind: Any) -> Any:
    found = json.loads(value) if isinstance(value, str) else value
    if not isinstance(found, kind):
        raise TypeError(f"A {kind.__name__} was expected.")
    return found


# variables


def _variables(names: list[str]) -> str:
    space = _space()
    if names:
        return "\n\n".join(_detail(name, space) for name in names)
    ours = {"In", "Out", "exit", "quit", "get_ipython", "open"}
    found = [
        (name, value)
        for name, value in list(space.items())
        if not name.startswith("_")
        and name not in ours
        and not inspect.ismodule(value)
        and not inspect.isroutine(value)
        and not inspect.isclass(value)
    ]
    lines = [f"{name}: {_summary(value)}" for name, value in found[:_MAX_LISTED]]
    if len(found) > _MAX_LISTED:
        lines.append(f"[{len(found) - _MAX_LISTED} more]")
    return "\n".join(lines)


def _detail(name: str, space: dict[str, Any]) -> str:
    if name not in space:
        return f"{name}: there is no such variable"
    value = space[name]
    parts = [f"{name}: {_summary(value)}"]
    dtypes = _attribute(value, "dtypes")
    if hasattr(dtypes, "to_string"):
        parts.append(_guarded(dtypes.to_string))
    head = _attribute(value, "head")
    parts.append(_shown(head() if callable(head) else value, _LONG))
    return "\n".join(parts)


def _summary(value: Any) -> str:
    kind = type(value)
    told = kind.__name__ if kind.__module__ == "builtins" else _qualified(kind)
    for attribute in ("shape", "dtype"):
        found = _attribute(value, attribute)
        if found is not None:
            told += f" {attribute}={_guarded(found.__str__)}"
    columns = _attribute(value, "columns")
    if columns is not None:
        return f"{told} columns={_guarded(lambda: repr(list(columns))[:_LONG])}"
    if isinstance(value, (str, bytes, list, tuple, set, dict)):
        told += f" len={len(value)}"
    shown = _shown(value, _SHORT).replace("\n", " ")
    return f"{told} = {shown}"


def _qualified(kind: Any) -> str:
    package = str(kind.__module__).partition(".")[0]
    return f"{package}.{kind.__qualname__}"


def _attribute(value: Any, name: str) -> Any:
    try:
        return getattr(value, name, None)
    except Exception:  # noqa: BLE001  (a property may do anything)
        return None


def _shown(value: Any, limit: int) -> str:
    text = _guarded(lambda: repr(value))
    return text if len(text) <= limit else f"{text[:limit]}… [{len(text)} characters]"


def _guarded(tell: Callable[[], str]) -> str:
    try:
        return str(tell())
    except Exception as error:  # noqa: BLE001  (a `repr` may do anything)
        return f"[it cannot be shown: {type(error).__name__}]"
