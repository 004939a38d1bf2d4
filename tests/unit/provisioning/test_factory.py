from collections.abc import Iterator

import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from traitlets.config import Config, Configurable

from jupyter_runt.provisioning.factory import RuntProvisionerFactory, install
from jupyter_runt.provisioning.provisioner import RuntProvisioner


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    yield
    RuntProvisionerFactory.clear_instance()
    KernelProvisionerFactory.clear_instance()


def test_it_takes_the_place_of_jupyter_s_factory_however_often() -> None:
    KernelProvisionerFactory.instance()
    for _ in range(2):
        installed = install()
        assert KernelProvisionerFactory.instance() is installed


def test_configuration_of_jupyter_s_factory_holds() -> None:
    config = Config()
    config.KernelProvisionerFactory.default_provisioner_name = "other"
    assert install(Configurable(config=config)).default_provisioner_name == "other"


def test_configuration_reaches_the_provisioner() -> None:
    config = Config()
    config.RuntProvisioner.withheld_env = {"MINE"}
    manager = KernelManager(config=config)
    provisioner = install().create_provisioner_instance("id", KernelSpec(), manager)
    assert isinstance(provisioner, RuntProvisioner)
    assert provisioner.withheld_env == {"MINE"}
