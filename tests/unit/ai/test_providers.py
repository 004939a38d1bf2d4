from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from traitlets import TraitError
from traitlets.config import Config

from jupyter_runt.ai.catalog import ModelInfo, by_name, listed, of_ollama
from jupyter_runt.ai.keys import Keys
from jupyter_runt.ai.limits import Limits
from jupyter_runt.ai.providers import (
    Provider,
    configured,
    from_environment,
    ollama_url,
    price_of,
    providers,
)
from jupyter_runt.config import RuntAI
from jupyter_runt.ids import ActorId

ADA, BOB = ActorId("user:ada"), ActorId("user:bob")


def test_the_environment_is_read_as_openai_s_package_reads_it() -> None:
    (openai,) = from_environment({})
    assert (openai.name, openai.kind, openai.needs_key) == ("openai", "responses", True)
    (own,) = from_environment({"OPENAI_BASE_URL": "http://localhost:8000/v1/"})
    assert (own.kind, own.base_url) == ("chat_completions", "http://localhost:8000/v1")
    assert not own.needs_key
    _, ollama = from_environment({"OLLAMA_HOST": "box"})
    assert (ollama.name, ollama.base_url) == ("ollama", "http://box:11434/v1")
    assert not ollama.needs_key


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1:1234", "http://127.0.0.1:1234"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        (":9000", "http://127.0.0.1:9000"),
        ("https://models.example/ollama/", "https://models.example:443/ollama"),
        ("http://box", "http://box:80"),
        ("[::1]:99", "http://[::1]:99"),
    ],
)
def test_ollama_s_host_is_read_as_ollama_reads_it(host: str, url: str) -> None:
    assert ollama_url(host) == url


def test_what_is_listed_comes_beside_the_environment_s_and_in_its_place() -> None:
    own = {"name": "openai", "base_url": "http://proxy/v1", "key_env": "PROXY_KEY"}
    known = providers([own, {"name": "lab", "base_url": "http://lab/v1"}], {"OLLAMA_HOST": "box"})
    assert list(known) == ["openai", "ollama", "lab"]
    assert known["openai"].base_url == "http://proxy/v1"


@pytest.mark.parametrize("wrong", [{}, {"name": "a/b"}, {"name": "a", "kind": "x"}, {"nam": "a"}])
def test_a_provider_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        configured([wrong])
    with pytest.raises(TraitError, match=r"RuntAI\.providers"):
        RuntAI(config=Config(RuntAI={"providers": [wrong]}))


def test_the_configuration_is_made_into_plain_values() -> None:
    config = Config(RuntAI={"providers": [{"name": "lab"}], "max_rounds": 3, "max_cost": 0.5})
    plain = RuntAI(config=config).plain({})
    assert list(plain.providers) == ["openai", "lab"]
    assert (plain.limits.rounds, plain.limits.cost) == (3, 0.5)


def test_a_notebook_may_lower_limits_and_never_raise_them() -> None:
    limits = Limits(rounds=10, tokens=100, seconds=60, cost=None)
    lowered = limits.narrowed({"rounds": 3, "tokens": 1000, "cost": 1, "seconds": True, "x": 1})
    assert lowered == Limits(rounds=3, tokens=100, seconds=60, cost=1)
    assert str(limits.narrowed({"rounds": 1.5, "tokens": 1e300}).rounds) == "1"
    for nonsense in (None, 3, [], {"rounds": "x"}, {"rounds": -1}):
        assert limits.narrowed(nonsense) == limits


def test_dated_models_cost_what_their_names_do() -> None:
    lab = Provider.model_validate({"name": "lab", "prices": {"m": {"input": 1, "output": 2}}})
    assert price_of(lab, "m-2026-01-02") == price_of(lab, "m") == lab.prices["m"]
    assert price_of(lab, "n") is None


# what models can do


def test_a_list_of_models_is_taken_as_it_comes() -> None:
    assert listed({"id": "gpt-4o-2024-08-06"}) == ModelInfo(
        "gpt-4o-2024-08-06", ("tools", "vision"), 128_000
    )
    assert listed({"id": "o3"}) == ModelInfo("o3", ("tools", "vision", "reasoning"), 200_000)
    for silent in ("text-embedding-3-large", "whisper-1", "dall-e-3", "gpt-4o-realtime", ""):
        assert listed({"id": silent}) is None
    assert listed({}) is None
    served = {"id": "org/some-instruct", "max_model_len": 8192}
    assert listed(served) == ModelInfo("org/some-instruct", ("tools",), 8192)
    routed = {"id": "x/y", "context_length": 9, "architecture": {"input_modalities": ["image"]}}
    assert listed(routed) == ModelInfo("x/y", ("tools", "vision"), 9)
    assert by_name("nobody-knows-it").context_tokens is None


def test_ollama_tells_what_its_models_can_do() -> None:
    shown = {
        "capabilities": ["completion", "vision", "tools", "thinking"],
        "model_info": {"llama.context_length": 131072},
        "parameters": 'stop "x"\nnum_ctx    16384',
    }
    assert of_ollama("m", shown) == ModelInfo("m", ("tools", "vision", "reasoning"), 16384)
    assert of_ollama("m", {"model_info": {"a.context_length": 2048}}) == ModelInfo("m", (), 2048)
    assert of_ollama("m", {}) == ModelInfo("m", (), 4096)
    assert of_ollama("m", {"capabilities": ["embedding"]}) is None


# keys


@pytest.mark.rule("AG4")
def test_a_person_s_own_key_comes_before_the_server_s(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "runt/keys", {"THE_KEY": "server's"})
    assert keys.find("p", ADA, "THE_KEY", None) == "server's"
    assert keys.find("p", ADA, None, None) is None
    keys.put("p", ADA, "ada's")
    assert keys.find("p", ADA, "THE_KEY", None) == "ada's"
    assert keys.find("p", BOB, "THE_KEY", None) == "server's"
    assert keys.find("q", ADA, None, None) is None
    assert (keys.has_own("p", ADA), keys.has_own("p", BOB)) == (True, False)
    keys.delete("p", ADA)
    keys.delete("p", ADA)
    assert keys.find("p", ADA, "THE_KEY", None) == "server's"


@pytest.mark.rule("AG4", "AU4")
def test_keys_can_be_read_by_their_owner_alone(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys", {})
    keys.put("p", ADA, "secret")
    (file,) = (tmp_path / "keys").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert "ada" not in file.name
    for name in ("../x", "a/b", ""):
        with pytest.raises(ValueError, match="name"):
            keys.put(name, ADA, "secret")


@pytest.mark.rule("AG4")
def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("  secret\n", encoding="utf-8")
    file.chmod(0o644)
    keys = Keys(tmp_path / "keys", {})
    with pytest.raises(PermissionError, match="0600"):
        keys.find("p", ADA, None, str(file))
    file.chmod(0o600)
    assert keys.find("p", ADA, None, str(file)) == "secret"
