"""What Jupyter's session and kernel REST APIs need from the owner of the notebooks' runtimes."""

from typing import Protocol


class RuntimePort(Protocol):
    """The owner of every notebook's one runtime.

    Each call happens inside the request that led to it (`jupyter_server.CallContext` names the
    person), except `died`. Errors are `RuntError`.
    """

    async def notebook_at(self, path: str) -> str | None:
        """Return the canonical path of the notebook at an API path, in whatever spelling.

        Two spellings of one file (leading `/`, `./`, symlinks) have one canonical path. None if
        there is no such file or it is not a notebook: Jupyter then does as it always does.
        """
        ...

    def kernel_of(self, path: str) -> str | None:
        """Return the id of the kernel of the notebook at a canonical path, None if none runs."""
        ...

    def notebook_of(self, kernel_id: str) -> str | None:
        """Return the canonical path of the notebook whose kernel this is, None if it is nobody's.

        True from before `gateway.start` until after `gateway.stop`.
        """
        ...

    async def ensure(self, path: str, kernel_name: str | None, kernel_id: str | None) -> str:
        """Return the id of the notebook's kernel, and start one through the gateway if needed.

        Never called twice at a time for one notebook.

        Args:
            path: as `notebook_at` returned it.
            kernel_name: what to start; a kernel that runs is kept, whatever its name.
            kernel_id: the id that the client would like a new kernel to have.

        Raises:
            LeaseHeld: another server owns the notebook.
            RuntimeLost: the kernel could not be started (`__cause__` tells Jupyter why).
        """
        ...

    async def switch(self, kernel_id: str, kernel_name: str) -> str:
        """Stop the notebook's kernel, start one of another name, and return its new id."""
        ...

    async def interrupt(self, kernel_id: str) -> None:
        """Interrupt the kernel through the gateway: somebody used Jupyter's own button."""
        ...

    async def restart(self, kernel_id: str) -> None:
        """Restart the kernel through the gateway: somebody used Jupyter's own button."""
        ...

    async def stop(self, kernel_id: str) -> None:
        """Stop the kernel through the gateway: somebody shut it down, or the culler did."""
        ...

    async def release(self, kernel_id: str) -> None:
        """Stop the kernel as soon as its queue is empty: its last session was deleted.

        A later `ensure` takes this back.
        """
        ...

    def busy(self, kernel_id: str) -> bool:
        """Tell whether the kernel has cells to run: it is not culled then."""
        ...

    def died(self, kernel_id: str, cause: str, *, restarting: bool, expired: bool = False) -> None:
        """The kernel's process ended by itself; `cause` is a sentence for people.

        Where `restarting`, Jupyter starts a new one under the same id: the connection object stays,
        and `connection.ready()` tells when it answers.
        """
        ...
