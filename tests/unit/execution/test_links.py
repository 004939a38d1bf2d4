"""What a kernel says of itself, and what is asked of it for that."""

from collections.abc import Sequence
from typing import Any

import pytest

from jupyter_runt.execution.links import SUBSHELLS, Channel, Link
from jupyter_runt.protocols import KernelMessage


class Noted(Link):
    """A link to nobody, which notes what is sent."""

    def __init__(self) -> None:
        super().__init__(
            {"key": b"k", "signature_scheme": "hmac-sha256"},
            lambda messages, answered: self.heard.extend(messages),
            lambda _messages: None,
        )
        self.heard: list[KernelMessage] = []
        self.sent: list[tuple[Channel, str]] = []
        self.learned = 0

    def send(self, channel: Channel, msg_type: str, *_args: Any, **_kwargs: Any) -> str:
        self.sent.append((channel, msg_type))
        return f"{msg_type} {len(self.sent)}"

    def close(self) -> None:
        pass

    def _post(self, channel: Channel, parts: list[bytes]) -> None:
        pass

    def _learned(self) -> None:
        self.learned += 1

    def take(self, *messages: KernelMessage) -> None:
        self._take(messages)


def reply(channel: Channel, msg_type: str, parent_id: str, **content: Any) -> KernelMessage:
    return KernelMessage(channel, msg_type, parent_id, content, {})


def introduced(features: Sequence[str], implementation: str = "ipython") -> Noted:
    link = Noted()
    link.nudge()
    info = {"supported_features": list(features), "implementation": implementation}
    link.take(reply("shell", "kernel_info_reply", "kernel_info_request 1", **info))
    return link


def test_a_kernel_with_subshells_is_asked_for_one() -> None:
    link = introduced([SUBSHELLS])
    assert link.sent[1:] == [
        ("control", "create_subshell_request"),
        ("shell", "execute_request"),
    ]
    assert link.subshell is None
    link.take(
        reply("control", "create_subshell_reply", "create_subshell_request 9", subshell_id="other"),
        reply("control", "create_subshell_reply", "create_subshell_request 2", subshell_id="ours"),
    )
    assert link.subshell == "ours"
    assert link.learned == 2
    assert link.heard == []


@pytest.mark.parametrize("features", [[], ["debugger"], [SUBSHELLS]])
def test_a_kernel_that_only_inherits_what_it_says_of_subshells_is_asked_for_nothing(
    features: list[str],
) -> None:
    link = introduced(features, implementation="bash")
    assert link.sent == [("shell", "kernel_info_request")]
    assert link.info["implementation"] == "bash"


def test_a_kernel_that_was_asked_several_times_is_met_once() -> None:
    link = introduced([SUBSHELLS])
    link.take(
        reply("shell", "kernel_info_reply", "kernel_info_request 1", supported_features=[SUBSHELLS])
    )
    assert link.sent.count(("control", "create_subshell_request")) == 1
