from types import MappingProxyType
from typing import Any

import pytest

from jupyter_runt.events import registry
from jupyter_runt.events.base import Payload
from jupyter_runt.events.registry import EVENTS, parse_payload

pytestmark = pytest.mark.rule("EL2")


def subclasses(kind: type[Payload]) -> set[type[Payload]]:
    direct = {each for each in kind.__subclasses__() if each.__module__.startswith("jupyter_runt")}
    return direct.union(*(subclasses(each) for each in direct))


def test_every_event_is_registered_under_its_versioned_name() -> None:
    assert set(EVENTS.values()) == subclasses(Payload)
    for name, payload in EVENTS.items():
        version, _, plain = name.partition(".")
        assert version[0] == "v"
        assert version[1:].isdecimal()
        assert plain == payload.__name__


def test_an_older_version_is_read_through_its_upcasters(monkeypatch: pytest.MonkeyPatch) -> None:
    def renamed(data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return "v0.Begun", {"id": data["number"]}

    def begun(data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return "v1.ExecutionStarted", {"execution_id": data["id"]}

    upcasters = MappingProxyType({"v0.Started": renamed, "v0.Begun": begun})
    monkeypatch.setattr(registry, "UPCASTERS", upcasters)
    payload = parse_payload("v0.Started", {"number": "e"})
    assert payload.model_dump() == {"execution_id": "e"}
    assert payload.event_name == "v1.ExecutionStarted"


def test_what_no_release_wrote_is_refused() -> None:
    with pytest.raises(KeyError):
        parse_payload("v9.ExecutionStarted", {})
