"""The provisioner around every kernel's own: keeps secrets back, remembers how kernels end."""

import asyncio
import os
import shutil
import signal
from dataclasses import dataclass
from typing import Any, Final, cast

from jupyter_client.connect import KernelConnectionInfo, LocalPortCache
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Set, Unicode

from jupyter_runt.errors import RuntimeLost
from jupyter_runt.provisioning.agents import (
    AdoptedProcess,
    AgentFiles,
    Survivor,
    launching,
    without_plan,
)
from jupyter_runt.provisioning.attendant import (
    Attendant,
    attended,
    description,
    find_again,
    unblocked,
)

SECRETS: Final = frozenset(
    {
        "CONFIGPROXY_AUTH_TOKEN",
        "JPY_API_TOKEN",
        "JUPYTERHUB_API_TOKEN",
        "JUPYTERHUB_COOKIE_SECRET",
        "JUPYTER_GATEWAY_AUTH_TOKEN",
        "JUPYTER_GATEWAY_HTTP_PWD",
        "JUPYTER_TOKEN",
        "KG_AUTH_TOKEN",
        "KG_HTTP_PASS",
        "OPENAI_API_KEY",
    }
)
"""Environment variables with which the server itself is reached."""

DOUBTS: Final = 2
"""How often a provisioner that says that its kernel is gone is asked again: some say so when they
could not ask in time."""

DOUBT_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class KernelExit:
    """How one process of a kernel ended."""

    generation: int
    """1 for the first process, one more after each restart."""

    code: int
    """Exit code; the negated number of the signal that killed it, as `subprocess` has it."""

    requested: bool
    """Somebody had asked it to end."""

    oom: bool = False
    """The operating system killed it, or something of its own, since memory ran out."""

    told: bool = True
    """The code is what the process ended with; some provisioners only know that it did."""

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
        if not self.told:
            return "The kernel ended by itself. Where it ran, nobody says how."
        if self.signal_name is None:
            return f"The kernel ended by itself with exit code {self.code}."
        if self.oom:
            return "The kernel was killed (SIGKILL): memory ran out."
        if self.signal_name == "SIGKILL":
            return "The kernel was killed (SIGKILL), as happens when memory runs out."
        return f"The kernel was killed ({self.signal_name})."


class RuntProvisioner(KernelProvisionerBase):
    """Wraps the provisioner that the kernelspec names and does as it does, but for this.

    The secrets of the server and of the hub are taken from the kernel's environment: everybody who
    may run a cell could read them. And the exit code of each process is kept, which
    `KernelManager.is_alive` would drop.

    Where an environment carries the plan of an agent, and the kernel is a process of this machine,
    what the wrapped provisioner starts, signals and waits for is an agent, which runs the kernel
    in its own process group and ends as it does. Beside the kernel of any other provisioner that
    finds its kernels again, it is an agent that only listens.
    """

    withheld_env = Set(
        Unicode(),
        default_value=SECRETS,
        help="""Environment variables of the server that no kernel inherits, beside those in which
        `RuntAI.providers` finds keys.""",
    ).tag(config=True)

    def __init__(self, *, inner: KernelProvisionerBase | None = None, **kwargs: Any) -> None:
        """Wrap `inner`, a local provisioner by default."""
        super().__init__(**kwargs)
        self.inner = inner or LocalProvisioner(
            kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self.parent
        )
        # The base class has one dict for all instances, and some provisioners update it in place.
        self.inner.connection_info = {**self.inner.connection_info}
        unblocked(self.inner)
        self.exits: list[KernelExit] = []
        self._generation = 0
        self._runs = False
        self._end_requested = False
        self._plan: str | None = None
        self._adopted: Any = None
        self._attendant: Attendant | None = None
        self.agent: AgentFiles | None = None
        """What there is of the kernel's agent, if it has one."""

    @property
    def _manager(self) -> Any:
        return self.parent

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
        if self._runs and not self._end_requested and attended(self.inner):
            for _ in range(DOUBTS):
                if code is None:
                    break
                await asyncio.sleep(DOUBT_SECONDS)
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
        self._plan, env = without_plan(os.environ if env is None else env)
        kwargs = await self.inner.pre_launch(env=self._without_secrets(env), **kwargs)
        if "env" in kwargs:
            kwargs["env"] = self._without_secrets(kwargs["env"])
        return kwargs

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """See the base class."""
        if self._plan is None or type(self.inner) is not LocalProvisioner:
            info = await self.inner.launch_kernel(cmd, **kwargs)
        else:
            path = (kwargs.get("env") or os.environ).get("PATH")
            if shutil.which(cmd[0], path=path) is None:
                raise FileNotFoundError(f"There is no program {cmd[0]}.")
            file, spec = self._manager.connection_file, self.kernel_spec.to_dict()
            with launching(self._plan, cmd, file, spec=spec) as launch:
                info = await self.inner.launch_kernel(
                    launch.command, pass_fds=launch.pass_fds, **kwargs
                )
            self.agent = launch.files
        self._generation += 1
        self._runs = True
        self._end_requested = False
        return info

    async def adopt(self, survivor: Survivor) -> None:
        """Take over an agent, and its kernel, from a server that is gone.

        Raises:
            RuntimeLost: the kernelspec wants another provisioner now, or the kernel is gone.
        """
        inner = self.inner
        if survivor.provisioner is not None and attended(inner):
            await self._find_again(survivor, survivor.provisioner)
            return
        if survivor.provisioner is not None or type(inner) is not LocalProvisioner:
            raise RuntimeLost("the kernelspec names another provisioner now")
        self._adopted = inner.process = cast("Any", AdoptedProcess(survivor))
        inner.pid = inner.pgid = survivor.pid
        inner.ports_cached = True  # a restart keeps them
        inner.connection_info = self._manager.get_connection_info()
        LocalPortCache.instance().currently_used_ports.update(self._manager.ports)
        self.agent = survivor.files
        self._generation, self._runs = 1, True

    async def _find_again(self, survivor: Survivor, known: dict[str, Any]) -> None:
        await find_again(self.inner, known, self._manager.get_connection_info())
        self._attendant, self.agent = Attendant.adopted(survivor), survivor.files
        self._generation, self._runs = 1, True
        if not self.has_process or await self.poll() is not None:
            raise RuntimeLost("it is gone by now")

    def ended(self, code: int, *, oom: bool) -> None:
        """Note how the kernel ended, which its agent tells before it ends itself."""
        if self._adopted is not None:
            self._adopted.told = code
        self._note_exit(code, oom=oom)

    async def post_launch(self, **kwargs: Any) -> None:
        """See the base class."""
        await self.inner.post_launch(**kwargs)
        if self._plan is None or not attended(self.inner):
            return
        # Only now is it known, and in the connection file, where the kernel is.
        try:
            if (described := await description(self.inner)) is None:
                return
            file, env = self._manager.connection_file, self._without_secrets(os.environ)
            self._attendant = Attendant.start(self._plan, file, described, env)
        except BaseException:
            await self.inner.kill()
            raise
        self.agent = self._attendant.files

    async def cleanup(self, restart: bool = False) -> None:
        """See the base class."""
        await self.inner.cleanup(restart=restart)
        if self._attendant is not None:
            self._attendant.end()
            self._attendant = None
        if self.agent is not None and not self.agent.lives:
            self.agent.remove()  # it was killed

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
        withheld = self.withheld_env | self._key_variables()
        return {
            name: value for name, value in env.items() if name not in withheld or name in stated
        }

    def _key_variables(self) -> set[str]:
        """Return the variables that hold the keys of the AI's providers."""
        listed = self.config.RuntAI.get("providers")
        known = [each for each in listed if isinstance(each, dict)] if listed else []
        return {each["key_env"] for each in known if each.get("key_env")}

    async def _request_end(self) -> None:
        await self.poll()  # it may have ended before anybody asked
        self._end_requested = True

    def _note_exit(self, code: int | None, *, oom: bool = False) -> None:
        if self._runs and code is not None:
            self._runs = False
            told = code != 0 or not attended(self.inner)
            # A manager interrupts before it says so, which ends a kernel in its first moments.
            requested = self._end_requested or getattr(self._manager, "shutting_down", False)
            end = KernelExit(self._generation, code, requested, oom, told)
            self.exits.append(end)
