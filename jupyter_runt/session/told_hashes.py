"""The hashes that the contents API tells of files, made without holding anything up."""

from asyncio import iscoroutinefunction, to_thread
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_runt.errors import RuntError
from jupyter_runt.session.files import LocalFiles


@contextmanager
def hashing_aside(manager: Any, files: LocalFiles) -> Iterator[None]:
    """Have a contents manager of plain files hash them in a thread, a part at a time.

    JupyterLab asks for the hash of every file that it opens. Jupyter's own managers read all of it
    into memory for that, and hash it on the event loop. Where somebody else put another `get` in
    the place of the manager's own, what is read may be no plain file: nothing is changed.
    """
    get = manager.get
    is_its_own = getattr(get, "__func__", None) is type(manager).get
    if not is_its_own or not iscoroutinefunction(get):
        yield
        return

    async def get_and_hash(path: str, content: bool = True, *others: Any, **options: Any) -> Any:
        if content or others or not options.get("require_hash"):
            return await get(path, content, *others, **options)
        model = await get(path, content, **{**options, "require_hash": False})
        if model["type"] == "directory":
            return model
        try:
            digest = await to_thread(files.told_hash, path)
        except RuntError:  # it is gone by now: that is for the manager to say
            return await get(path, content, **options)
        return {**model, "hash": digest, "hash_algorithm": manager.hash_algorithm}

    manager.get = get_and_hash
    try:
        yield
    finally:
        if manager.get is get_and_hash:  # and nobody else's, around ours
            del manager.get
