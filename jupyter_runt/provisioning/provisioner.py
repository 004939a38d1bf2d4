"""The provisioner around every kernel's own: keeps secrets back, remembers how kernels end."""

import os
import signal
from dataclasses import dataclass
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Set, Unicode


@dataclass(frozen=True, slots=True)
class KernelExit:
    """How one process of a kernel ended."""

    generation: int
    """1 for the first process, one more after each restart."""

    code: int
    """Exit code; the negated number of the signal that killed it, as `subprocess` has it."""

    requested: bool
    """Somebody had asked it to end."""

    @property
    def signal_name(self) -> str | None:
        """The signal that killed it, if one did."""
        if self.code >= 0:
            return None
        try:
            return signal.Signals(-self.code).name
        except ValueError:
            return f"signal {-self.code}"

    def __str__(self) -> str:
        """Return a sentence for people."""
        if self.signal_name is None:
            return f"The kernel ended by itself with exit code {self.code}."
        if self.signal_name == "SIGKILL":
            return "The kernel was killed (SIGKILL), as happens when memory runs out."
        return f"The kernel was killed ({self.signal_name})."


class RuntProvisioner(KernelProvisionerBase):
    """Wraps the provisioner that the kernelspec names and does as it does, but for two things.

    The secrets of the server and of the hub are taken from the kernel's environment: everybody who
    may run a cell could read them. And the exit code of each process is kept, which
    `KernelManager.is_alive` would drop.
    """

    withheld_env = Set(
        Unicode(),
        default_value={
            "CONFIGPROXY_AUTH_TOKEN",
            "JPY_API_TOKEN",
            "JUPYTERHUB_API_TOKEN",
            "JUPYTERHUB_COOKIE_SECRET",
            "JUPYTER_GATEWAY_AUTH_TOKEN",
            "JUPYTER_GATEWAY_HTTP_PWD",
            "JUPYTER_TOKEN",
            "KG_AUTH_TOKEN",
            "KG_HTTP_PASS",
        },
        help="Environment variables of the server that no kernel inherits.",
    ).tag(config=True)

    def __init__(self, *, inner: KernelProvisionerBase | None = None, **kwargs: Any) -> None:
        """Wrap `inner`, a local provisioner by default."""
        super().__init__(**kwargs)
        self.inner = inner or LocalProvisioner(
            kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self.parent
        )
        # The base class has one dict for all instances, and some provisioners update it in place.
        self.inner.connection_info = {**self.inner.connection_info}
        self.exits: list[KernelExit] = []
        self._generation = 0
        self._runs = False
        self._end_requested = False

    def __getattr__(self, name: str) -> Any:
        """Return what only the wrapped provisioner has, such as `pid` and `process`."""
        if name == "inner":
            raise AttributeError(name)
        return getattr(self.inner, name)

    @property
    def connection_info(self) -> KernelConnectionInfo:
        """How clients reach the kernel."""
        return self.inner.connection_info

    @connection_info.setter
    def connection_info(self, info: KernelConnectionInfo) -> None:
        self.inner.connection_info = info

    @property
    def has_process(self) -> bool:
        """See the base class."""
        return self.inner.has_process

    async def poll(self) -> int | None:
        """See the base class."""
        code = await self.inner.poll()
        self._note_exit(code)
        return code

    async def wait(self) -> int | None:
        """See the base class."""
        code = await self.inner.wait()
        self._note_exit(code)
        return code

    async def send_signal(self, signum: int) -> None:
        """See the base class."""
        await self.inner.send_signal(signum)

    async def kill(self, restart: bool = False) -> None:
        """See the base class."""
        await self._request_end()
        await self.inner.kill(restart=restart)

    async def terminate(self, restart: bool = False) -> None:
        """See the base class."""
        await self._request_end()
        await self.inner.terminate(restart=restart)

    async def shutdown_requested(self, restart: bool = False) -> None:
        """See the base class."""
        await self._request_end()
        await self.inner.shutdown_requested(restart=restart)

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """See the base class."""
        env = kwargs.pop("env", None)
        kwargs = await self.inner.pre_launch(
            env=self._without_secrets(os.environ if env is None else env), **kwargs
        )
        if "env" in kwargs:
            kwargs["env"] = self._without_secrets(kwargs["env"])
        return kwargs

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """See the base class."""
        info = await self.inner.launch_kernel(cmd, **kwargs)
        self._generation += 1
        self._runs = True
        self._end_requested = False
        return info

    async def post_launch(self, **kwargs: Any) -> None:
        """See the base class."""
        await self.inner.post_launch(**kwargs)

    async def cleanup(self, restart: bool = False) -> None:
        """See the base class."""
        await self.inner.cleanup(restart=restart)

    async def get_provisioner_info(self) -> dict[str, Any]:
        """See the base class."""
        return await self.inner.get_provisioner_info()

    async def load_provisioner_info(self, provisioner_info: dict[str, Any]) -> None:
        """See the base class."""
        await self.inner.load_provisioner_info(provisioner_info)

    def get_shutdown_wait_time(self, recommended: float = 5.0) -> float:
        """See the base class."""
        return self.inner.get_shutdown_wait_time(recommended)

    def get_stable_start_time(self, recommended: float = 10.0) -> float:
        """See the base class."""
        return self.inner.get_stable_start_time(recommended)

    def resolve_path(self, path: str) -> str | None:
        """See the base class."""
        return self.inner.resolve_path(path)

    def _without_secrets(self, env: Any) -> dict[str, str]:
        stated = self.kernel_spec.env if self.kernel_spec else {}
        return {
            name: value
            for name, value in env.items()
            if name not in self.withheld_env or name in stated
        }

    async def _request_end(self) -> None:
        await self.poll()  # it may have ended before anybody asked
        self._end_requested = True

    def _note_exit(self, code: int | None) -> None:
        if self._runs and code is not None:
            self._runs = False
            self.exits.append(KernelExit(self._generation, code, self._end_requested))
