"""A machine that is reached over SSH: a real `sshd`, and the kernelspec of a kernel behind it."""

import getpass
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.ports import free_port

ADDRESS: Final = "127.0.0.2"
"""Loopback, and yet none of the addresses that gateway_provisioners takes for its own machine's."""

SERVER: Final = """
import jupyter_client.localinterfaces as local
if not local.public_ips():  # gateway_provisioners wants one, which a machine may not have
    local.PUBLIC_IPS.append("127.0.0.1")
from jupyter_server.serverapp import main
main()
"""
"""Runs a Jupyter server."""


LAUNCH: Final = """
import pathlib, runpy, signal, sys
# Else ipykernel waits for half a minute for a child of the launcher's, which nobody reaps.
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
folder = pathlib.Path(__file__).parent
sys.path.insert(0, str(folder))
runpy.run_path(str(folder / "launch_ipykernel.py"), run_name="__main__")
"""
"""Runs the launcher of gateway_provisioners."""


class FarMachine:
    """The machine, with a home below `folder` for those who come from the server."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.launcher = folder / "launcher"
        self.logs = folder / "logs"
        self._folder = folder
        for each in (self.home / ".ssh", self.launcher, self.logs):
            each.mkdir(parents=True)
        self.port = free_port()

    @contextmanager
    def running(self) -> Iterator["FarMachine"]:
        """Let it be reached."""
        host_key, user_key = self._folder / "host_key", self.home / ".ssh/id_ed25519"
        for key in (host_key, user_key):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
            subprocess.run(command, check=True)
        public = host_key.with_suffix(".pub").read_text("utf-8")
        known = self.home / ".ssh/known_hosts"
        known.write_text(f"[{ADDRESS}]:{self.port} {public}", "utf-8")
        config = self._folder / "sshd_config"
        config.write_text(
            f"ListenAddress {ADDRESS}\nPort {self.port}\nHostKey {host_key}\n"
            f"AuthorizedKeysFile {user_key}.pub\nPidFile none\nStrictModes no\nUsePAM no\n"
            "PasswordAuthentication no\nPermitRootLogin prohibit-password\n",
            "utf-8",
        )
        Path("/run/sshd").mkdir(exist_ok=True)  # where it locks itself in, as root
        program = shutil.which("sshd", path=f"{os.defpath}:/usr/sbin")
        assert program is not None, "openssh-server is not installed"
        with (self._folder / "sshd.log").open("wb") as log:
            process = subprocess.Popen([program, "-D", "-e", "-f", str(config)], stderr=log)
        try:
            self._wait(process)
            yield self
        finally:
            process.terminate()
            process.wait(30)

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        pause, end = threading.Event(), time.monotonic() + 30
        while True:
            try:
                socket.create_connection((ADDRESS, self.port), 1).close()
            except OSError:
                assert process.poll() is None, (self._folder / "sshd.log").read_text("utf-8")
                assert time.monotonic() < end
                pause.wait(0.02)
            else:
                return

    def environment(self) -> Mapping[str, str]:
        """Return what a server needs to reach it."""
        return {
            "HOME": str(self.home),
            "GP_REMOTE_HOSTS": ADDRESS,
            "GP_REMOTE_USER": getpass.getuser(),
            "GP_RESPONSE_IP": "127.0.0.1",
            "GP_SOCKET_TIMEOUT": "5",
            "GP_SSH_PORT": str(self.port),
            "GP_UNAUTHORIZED_USERS": "nobody",
            "GP_KERNEL_LOG_DIR": str(self.logs),
        }

    def install(self, kernels: Path, name: str) -> None:
        """Write a kernelspec as `jupyter ssh-spec install` does."""
        package = importlib.util.find_spec("gateway_provisioners")
        assert package is not None
        assert package.origin is not None
        launchers = Path(package.origin).parent / "kernel-launchers"
        for part in ("python/scripts/launch_ipykernel.py", "shared/scripts/server_listener.py"):
            shutil.copy(launchers / part, self.launcher)
        (self.launcher / "launch.py").write_text(LAUNCH, "utf-8")
        launcher = [sys.executable, str(self.launcher / "launch.py")]
        handed_on = ("kernel-id", "port-range", "response-address", "public-key")
        arguments: list[str] = []
        for each in handed_on:
            arguments += [f"--{each}", "{" + each.replace("-", "_") + "}"]
        spec = {
            "argv": [*launcher, *arguments],
            "display_name": "Far away",
            "language": "python",
            "env": {"FROM_SPEC": "far", "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
            "metadata": {"kernel_provisioner": {"provisioner_name": "distributed-provisioner"}},
        }
        (kernels / name).mkdir(parents=True)
        (kernels / name / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")

    def processes(self) -> list[str]:
        """Return the commands of the kernels, and what belongs to them, that run."""
        commands: list[str] = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                commands.append((process / "cmdline").read_bytes().decode(errors="replace"))
            except OSError:
                continue  # it ended
        return [command for command in commands if str(self.launcher) in command]
