"""Every rule of docs/SPEC.md has a test, and every test of behaviour names the rules it proves."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RULED = ("contracts", "fuzz", "integration", "interop", "ui")
"""Folders whose tests must name a rule; unit tests may."""


@cache
def rules() -> frozenset[str]:
    return frozenset(re.findall(r"^- \*\*([A-Z]{2}\d+)\*\*", _spec(), re.MULTILINE))


def _spec() -> str:
    return (ROOT / "docs/SPEC.md").read_text(encoding="utf-8")


def _rules_of(decorators: list[ast.expr]) -> set[str]:
    return {
        argument.value
        for decorator in decorators
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.rule"
        for argument in decorator.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def _module_rules(module: ast.Module) -> set[str]:
    marks: list[ast.expr] = []
    for node in module.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            marks += node.value.elts if isinstance(node.value, ast.List) else [node.value]
    return _rules_of(marks)


def _tests(body: list[ast.stmt], inherited: set[str]) -> Iterator[tuple[str, set[str]]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _tests(node.body, inherited | _rules_of(node.decorator_list))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _is_test(node.name):
            yield node.name, inherited | _rules_of(node.decorator_list)


def _is_test(name: str) -> bool:
    return name.startswith("test_")


@cache
def proofs() -> dict[str, set[str]]:
    """Return the rules of each test, by `folder/file::name`; suites of contracts included."""
    found = {}
    for path in sorted((ROOT / "tests").rglob("*.py")):
        if "node_modules" in path.parts:
            continue
        module = ast.parse(path.read_text(encoding="utf-8"))
        for name, proved in _tests(module.body, _module_rules(module)):
            found[f"{path.relative_to(ROOT / 'tests')}::{name}"] = proved
    return found


def test_the_specification_has_rules() -> None:
    assert rules()


@pytest.mark.parametrize("rule", sorted(rules()))
def test_a_test_proves_the_rule(rule: str) -> None:
    assert [test for test, proved in proofs().items() if rule in proved]


def test_tests_name_no_rule_that_is_not_written_down() -> None:
    unknown = {test: proved - rules() for test, proved in proofs().items() if proved - rules()}
    assert unknown == {}


def test_every_test_of_behaviour_names_a_rule() -> None:
    silent = [test for test, proved in proofs().items() if test.startswith(RULED) and not proved]
    assert silent == []


@pytest.mark.parametrize("named", re.findall(r"`(tests/\S+?::\w+)`", _spec()))
def test_the_tests_that_the_specification_names_are_there(named: str) -> None:
    path, _, name = named.partition("::")
    assert re.search(rf"^(async )?def {name}\b", (ROOT / path).read_text(encoding="utf-8"), re.M)
