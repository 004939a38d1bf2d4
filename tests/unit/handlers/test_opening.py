"""What requests are told while the documents cannot be opened."""

import asyncio
import logging

import pytest

from jupyter_runt.errors import StoreUnavailable
from jupyter_runt.handlers.opening import Opening

pytestmark = [pytest.mark.asyncio, pytest.mark.rule("EL5")]


async def fails(error: Exception) -> None:
    """Serve until something is wrong."""
    async with asyncio.TaskGroup():
        raise error


async def told(opening: Opening) -> str:
    with pytest.raises(StoreUnavailable) as refused:
        await opening.sessions()
    return refused.value.message


async def test_what_went_wrong_is_said_in_its_own_words(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    opening = Opening()
    opening.begin(fails(StoreUnavailable("s4://x is no place for artifacts.")))
    assert await told(opening) == "jupyter-runt is not running: s4://x is no place for artifacts."
    assert "s4://x" in caplog.text
    assert "Traceback" not in caplog.text


async def test_a_fault_of_ours_is_in_the_log_with_where_it_was(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR)
    opening = Opening()
    opening.begin(fails(KeyError("odd")))
    assert "odd" in await told(opening)
    assert "Traceback" in caplog.text
