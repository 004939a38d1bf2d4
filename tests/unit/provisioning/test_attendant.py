from typing import Any

import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from jupyter_runt.provisioning.attendant import attended, description
from jupyter_runt.provisioning.provisioner import KernelExit, RuntProvisioner


class Elsewhere(LocalProvisioner):
    """Says of its kernel what it is given."""

    said: Any = None

    async def get_provisioner_info(self) -> dict[str, Any]:
        return {"connection_info": {"key": b"secret"}, "pod": self.said}


@pytest.mark.asyncio
async def test_what_finds_a_kernel_again_has_its_spec_and_not_its_key() -> None:
    provisioner = Elsewhere(kernel_spec=KernelSpec(display_name="Far", argv=["run"]))
    provisioner.said = "pod-7"
    described = await description(provisioner)
    assert described is not None
    assert described["info"] == {"pod": "pod-7"}
    assert described["spec"]["argv"] == ["run"]


@pytest.mark.asyncio
async def test_a_kernel_whose_place_cannot_be_written_down_is_not_described() -> None:
    provisioner = Elsewhere(kernel_spec=KernelSpec())
    provisioner.said = b"\x00"
    assert await description(provisioner) is None


def test_local_kernels_end_with_their_server_and_are_not_found_again() -> None:
    assert not attended(Elsewhere(kernel_spec=KernelSpec()))
    assert attended(RuntProvisioner(kernel_spec=KernelSpec()))


def test_an_end_of_which_nobody_knows_more_is_told_as_such() -> None:
    assert "nobody says how" in str(KernelExit(1, 0, requested=False, told=False))
