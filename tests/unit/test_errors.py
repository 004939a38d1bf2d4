import json
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from jupyter_runt import errors
from jupyter_runt.errors import LeaseHeld, NotebookNotFound, RuntError


def kinds(of: type[RuntError] = RuntError) -> Iterator[type[RuntError]]:
    for kind in of.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield kind
            yield from kinds(kind)


def test_every_error_has_a_code_of_its_own_and_a_status_that_fits() -> None:
    codes = [kind.code for kind in kinds()]
    assert len(set(codes)) == len(codes)
    for kind in kinds():
        assert kind.code == kind.code.lower()
        assert HTTPStatus(kind.status) >= 400


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("invalid_command", 400),
        ("not_authorized", 403),
        ("notebook_not_found", 404),
        ("cell_not_found", 404),
        ("stale_revision", 409),
        ("runtime_lost", 409),
        ("compacted", 410),
        ("lease_held", 423),
        ("store_unavailable", 503),
    ],
)
def test_codes_and_statuses_are_those_that_programs_rely_on(code: str, status: int) -> None:
    assert [kind.status for kind in kinds() if kind.code == code] == [status]


def test_an_error_is_json_with_what_a_program_needs() -> None:
    error = LeaseHeld("Another server has it.", url="http://there")
    assert error.to_json() == {
        "code": "lease_held",
        "message": "Another server has it.",
        "detail": {"url": "http://there"},
    }
    assert json.dumps(error.to_json())
    assert str(error) == "Another server has it."
    assert NotebookNotFound("gone").detail == {}
