from uuid import UUID

import pytest

from jupyter_runt.ids import (
    FILE_ACTOR,
    ActorId,
    RuntimeSessionId,
    derived_client_id,
    done_by,
    is_person,
    is_runtime,
    new_id,
    runtime_actor,
    user_actor,
)


def test_a_new_id_is_a_random_uuid() -> None:
    assert UUID(new_id()).version == 4
    assert new_id() != new_id()


def test_actors_tell_people_from_runtimes_and_the_file() -> None:
    person, runtime = user_actor("ada"), runtime_actor(RuntimeSessionId("r"))
    assert (person, runtime) == ("user:ada", "runtime:r")
    assert [is_person(actor) for actor in (person, runtime, FILE_ACTOR)] == [True, False, False]
    assert [is_runtime(actor) for actor in (person, runtime, FILE_ACTOR)] == [False, True, False]


def test_nobody_becomes_a_runtime_by_their_name() -> None:
    assert not is_runtime(user_actor("runtime:r"))
    assert is_person(user_actor("file"))


def test_a_derived_client_id_is_the_same_for_ever_and_fits_in_32_bits() -> None:
    assert derived_client_id("server", "history") == 186877471
    assert 0 <= derived_client_id("a") < 1 << 32


def test_derived_client_ids_of_other_parts_are_others() -> None:
    ids = {derived_client_id(*parts) for parts in (("a", "b"), ("ab",), ("a", "", "b"), ("b", "a"))}
    assert len(ids) == 4


@pytest.mark.parametrize(
    ("actor", "sentence"),
    [
        ("user:ada", "It ended by ada."),
        ("user:local", "It ended."),
        ("user:token-12345678", "It ended by a program."),
        ("agent:12", "It ended by the AI."),
        ("server:chat", "It ended by chat."),
    ],
)
def test_people_are_told_who_did_something_by_name(actor: str, sentence: str) -> None:
    assert done_by("It ended", ActorId(actor)) == sentence
