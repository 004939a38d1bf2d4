"""Every kernel of a real server runs inside our provisioner."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory

from jupyter_runt.provisioning import factory
from jupyter_runt.provisioning.provisioner import RuntProvisioner

pytest_plugins = ["pytest_jupyter.jupyter_server"]

Fetch = Callable[..., Awaitable[Any]]


@pytest.fixture
def wrapping(jp_serverapp: Any) -> Iterator[Any]:
    factory.install(jp_serverapp)
    yield jp_serverapp
    factory.RuntProvisionerFactory.clear_instance()
    KernelProvisionerFactory.clear_instance()


def kernelspec(data_dir: Path, name: str, **metadata: Any) -> None:
    folder = data_dir / "kernels" / name
    folder.mkdir(parents=True)
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": name,
        "language": "python",
        "metadata": metadata,
        "env": {"FROM_SPEC": "${FROM_SERVER}", "KG_AUTH_TOKEN": "stated"},
    }
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")


async def start(app: Any, name: str) -> tuple[str, RuntProvisioner]:
    kernel_id = await app.kernel_manager.start_kernel(kernel_name=name)
    return kernel_id, app.kernel_manager.get_kernel(kernel_id).provisioner


def environment(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")


@pytest.mark.rule("EX7")
@pytest.mark.parametrize("stanza", [None, "local-provisioner", "runt-provisioner"])
async def test_every_kernelspec_is_wrapped_once(
    wrapping: Any, jp_data_dir: Path, stanza: str | None
) -> None:
    metadata = {} if stanza is None else {"kernel_provisioner": {"provisioner_name": stanza}}
    kernelspec(jp_data_dir, "spec", **metadata)
    kernel_id, provisioner = await start(wrapping, "spec")
    assert type(provisioner) is RuntProvisioner
    assert type(provisioner.inner).__name__ == "LocalProvisioner"
    assert provisioner.pid == provisioner.inner.process.pid
    await wrapping.kernel_manager.shutdown_kernel(kernel_id)
    [end] = provisioner.exits
    assert end.requested


@pytest.mark.rule("AG4")
async def test_a_kernel_gets_no_secret_of_the_server(
    wrapping: Any, jp_data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernelspec(jp_data_dir, "spec")
    for name in ("JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN", "JUPYTER_TOKEN", "KG_AUTH_TOKEN"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("FROM_SERVER", "kept")
    kernel_id, provisioner = await start(wrapping, "spec")
    for _ in range(2):  # a restart must not bring them back
        env = environment(provisioner.pid)
        assert not [entry for entry in env if entry.endswith("=secret")]
        assert "FROM_SPEC=kept" in env
        assert "KG_AUTH_TOKEN=stated" in env
        await (await wrapping.kernel_manager.restart_kernel(kernel_id))
    await wrapping.kernel_manager.shutdown_kernel(kernel_id)


@pytest.mark.rule("EX7")
async def test_each_process_of_a_kernel_has_its_own_end(wrapping: Any, jp_data_dir: Path) -> None:
    kernelspec(jp_data_dir, "spec")
    kernel_id, provisioner = await start(wrapping, "spec")
    manager = wrapping.kernel_manager.get_kernel(kernel_id)
    await manager.signal_kernel(9)
    await asyncio.to_thread(provisioner.process.wait, 60)
    assert not await manager.is_alive()
    await (await wrapping.kernel_manager.restart_kernel(kernel_id))
    await wrapping.kernel_manager.shutdown_kernel(kernel_id)
    killed, stopped = provisioner.exits
    assert (killed.generation, killed.signal_name, killed.requested) == (1, "SIGKILL", False)
    assert (stopped.generation, stopped.requested) == (2, True)


@pytest.mark.rule("EX10")
async def test_named_in_a_kernelspec_it_works_without_a_server(
    jp_environ: None, jp_data_dir: Path
) -> None:
    kernelspec(jp_data_dir, "spec", kernel_provisioner={"provisioner_name": "runt-provisioner"})
    manager = AsyncKernelManager(kernel_name="spec")
    await manager.start_kernel()
    assert isinstance(manager.provisioner, RuntProvisioner)
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=30)
    client.stop_channels()
    await manager.shutdown_kernel()
    assert manager.provisioner is not None
    assert not manager.provisioner.has_process
