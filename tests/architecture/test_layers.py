"""Imports point down, and modules stay small enough to read in one sitting."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = [
    *ROOT.glob("jupyter_runt/**/*.py"),
    *(path for path in ROOT.glob("labextension/src/**/*.ts") if path.parent.name != "generated"),
]
MAX_LINES = 400


def test_imports_keep_to_the_layers() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", sorted(str(path.relative_to(ROOT)) for path in MODULES))
def test_a_module_is_small_enough_to_read_in_one_sitting(module: str) -> None:
    lines = (ROOT / module).read_text(encoding="utf-8").count("\n")
    assert lines <= MAX_LINES
