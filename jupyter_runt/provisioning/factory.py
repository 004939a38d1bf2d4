"""Wraps the provisioner of every kernelspec, whether it names one or not."""

from typing import Any

from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets.config import Configurable

from jupyter_runt.provisioning.provisioner import RuntProvisioner


class RuntProvisionerFactory(KernelProvisionerFactory):
    """Makes the provisioner that Jupyter would make, inside a `RuntProvisioner`."""

    def create_provisioner_instance(
        self, kernel_id: str, kernel_spec: Any, parent: Any
    ) -> KernelProvisionerBase:
        """See the base class."""
        inner = super().create_provisioner_instance(kernel_id, kernel_spec, parent)
        if isinstance(inner, RuntProvisioner):
            return inner
        return RuntProvisioner(
            kernel_id=kernel_id, kernel_spec=kernel_spec, parent=parent, inner=inner
        )


def install(parent: Configurable | None = None) -> RuntProvisionerFactory:
    """Make ours the factory of this process, for kernels that are started from now on.

    Configuration of `KernelProvisionerFactory` holds for it.
    """
    RuntProvisionerFactory.clear_instance()
    KernelProvisionerFactory.clear_instance()
    return RuntProvisionerFactory.instance(parent=parent)
