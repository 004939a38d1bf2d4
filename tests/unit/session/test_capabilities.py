from typing import get_args

import pytest

from jupyter_runt.commands import (
    Ask,
    CancelTurn,
    Command,
    DecideApproval,
    RevokeApprovals,
    parse_command,
)
from jupyter_runt.session.capabilities import CAPABILITIES, Capability, needed, required
from jupyter_runt.session.decide import READS_DOCUMENT
from jupyter_runt.session.intents import EDITS
from jupyter_runt.tools import EFFECTS, Effect

TURNS = {Ask, CancelTurn, DecideApproval, RevokeApprovals}
COMMANDS = get_args(get_args(Command)[0])


@pytest.mark.rule("AU1")
def test_every_command_is_classified_and_nothing_else_is() -> None:
    assert set(CAPABILITIES) == set(COMMANDS)


@pytest.mark.rule("AU1")
def test_what_changes_the_document_needs_the_right_to_write_it() -> None:
    for kind in EDITS:
        assert CAPABILITIES[kind] is Capability.EDIT


@pytest.mark.rule("AU1")
def test_what_reaches_the_kernel_needs_a_right_to_kernels() -> None:
    for kind in set(COMMANDS) - set(EDITS) - TURNS:
        assert CAPABILITIES[kind].value[1] == "kernels"
    for kind in set(READS_DOCUMENT) - TURNS:
        assert CAPABILITIES[kind] is Capability.EXECUTE


@pytest.mark.rule("AU1")
def test_to_ask_the_ai_needs_the_right_to_write_into_the_notebook() -> None:
    for kind in TURNS:
        assert CAPABILITIES[kind] is Capability.EDIT


@pytest.mark.rule("AG1")
@pytest.mark.parametrize("effect", EFFECTS)
def test_every_effect_of_the_ai_needs_a_right(effect: Effect) -> None:
    assert needed(effect) in (Capability.READ, Capability.EDIT, Capability.EXECUTE)
    assert (needed(effect) is Capability.READ) == (effect == "read")


def test_a_command_names_what_it_needs() -> None:
    assert required(parse_command(b'{"type": "run_all"}')) is Capability.EXECUTE
    assert required(parse_command(b'{"type": "evict_runtime"}')) is Capability.ADMINISTER
