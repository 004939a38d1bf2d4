import signal
from typing import Any

import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from jupyter_runt.provisioning.provisioner import KernelExit, RuntProvisioner


@pytest.mark.parametrize(
    ("code", "words"),
    [(3, "exit code 3"), (-9, "SIGKILL"), (-11, "SIGSEGV"), (-250, "signal 250")],
)
def test_an_exit_is_told_in_words(code: int, words: str) -> None:
    assert words in str(KernelExit(1, code, requested=False))


def test_connection_info_is_the_wrapped_one_s_and_nobody_else_s() -> None:
    first, second = (RuntProvisioner(kernel_spec=KernelSpec()) for _ in range(2))
    first.connection_info = {"ip": "127.0.0.1"}
    assert first.inner.connection_info == {"ip": "127.0.0.1"}
    second.inner.connection_info["ip"] = "::1"
    assert LocalProvisioner.connection_info == {}
    assert first.connection_info == {"ip": "127.0.0.1"}


def test_what_only_the_wrapped_one_has_is_reached_through() -> None:
    provisioner = RuntProvisioner(kernel_spec=KernelSpec())
    assert provisioner.ports_cached is False
    with pytest.raises(AttributeError):
        _ = provisioner.no_such_thing


class Newborn(LocalProvisioner):
    """Of a kernel that any interrupt ends."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        return {}

    async def poll(self) -> int | None:
        return -signal.SIGINT


@pytest.mark.asyncio
@pytest.mark.parametrize("asked", [True, False])
async def test_a_kernel_that_a_manager_s_interrupt_ends_while_it_shuts_down_was_asked_to(
    *, asked: bool
) -> None:
    manager = KernelManager()
    inner = Newborn(kernel_spec=KernelSpec())
    provisioner = RuntProvisioner(inner=inner, kernel_spec=KernelSpec(), parent=manager)
    await provisioner.launch_kernel([])
    manager.shutting_down = asked
    await provisioner.shutdown_requested()
    [end] = provisioner.exits
    assert end.requested is asked
