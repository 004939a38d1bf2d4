import subprocess
import sys

import pytest

READER = "import json, sys; print(len(json.load(sys.stdin)['spec']))"

ENDING = f"""
from jupyter_runt.agent.agent import end_elsewhere
end_elsewhere([{sys.executable!r}, "-c", {READER!r}], {{"spec": "x" * SIZE}})
"""


@pytest.mark.parametrize("size", [10, 1 << 20])
def test_who_is_to_end_a_kernel_elsewhere_is_told_of_it_however_much_that_is(size: int) -> None:
    command = [sys.executable, "-c", ENDING.replace("SIZE", str(size))]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=True)
    assert int(done.stdout) == size
