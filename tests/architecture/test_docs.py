"""The documents name what the code has."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from jupyter_runt import errors
from jupyter_runt._version import __version__
from jupyter_runt.commands import Command
from jupyter_runt.events.registry import EVENTS
from jupyter_runt.handlers.routes import ROUTES

ROOT = Path(__file__).parents[2]
API = (ROOT / "docs/api.md").read_text(encoding="utf-8")
COMMANDS = [
    get_args(kind.model_fields["type"].annotation)[0] for kind in get_args(get_args(Command)[0])
]
CODES = [
    kind.code
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.RuntError)
]
PLACEHOLDER = re.compile(r"\(.*?\)")


@pytest.mark.parametrize("name", [*COMMANDS, *EVENTS, *CODES])
def test_the_api_document_names_it(name: str) -> None:
    assert f"`{name}`" in API


@pytest.mark.parametrize("route", [pattern for pattern, _ in ROUTES])
def test_the_api_document_names_the_route(route: str) -> None:
    documented = re.sub(r"\{\w+\}", "{}", API)
    assert PLACEHOLDER.sub("{}", route) in documented


def test_the_front_end_has_the_version_of_the_package() -> None:
    package = json.loads((ROOT / "labextension/package.json").read_text(encoding="utf-8"))
    assert package["version"] == __version__


@pytest.mark.parametrize(
    "page", ["README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
)
def test_links_between_documents_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", text)
    missing = [target for target in targets if not (ROOT / page).parent.joinpath(target).exists()]
    assert missing == []
