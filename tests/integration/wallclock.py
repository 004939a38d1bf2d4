"""A server extension whose clock on the wall is set by a test, as an administrator or NTP does."""

import sys
import time
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_runtime_dir


def set_clock(server_folder: Path, hours: float) -> None:
    """Have a server's clock on the wall differ from ours."""
    file = _file(server_folder / "runtime")
    new = file.with_suffix(".new")
    new.write_text(str(3600 * hours), encoding="utf-8")
    new.replace(file)  # the server looks at any moment, and must not find half of it


def _file(runtime_dir: str | Path) -> Path:
    return Path(runtime_dir) / "wallclock"


def _off() -> float:
    try:
        return float(_file(jupyter_runtime_dir()).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return 0.0


class _Datetime(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        return datetime.now(tz) + timedelta(seconds=_off())


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(_app: Any) -> None:
    tell = time.time
    time.time = lambda: tell() + _off()
    for name, module in list(sys.modules.items()):
        if name.startswith("jupyter_runt") and vars(module).get("datetime") is datetime:
            module.datetime = _Datetime  # type: ignore[attr-defined]
