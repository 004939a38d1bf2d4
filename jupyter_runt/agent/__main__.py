"""`python -I agent/__main__.py DESCRIPTOR COMMAND…`, which `provisioning/agents.py` starts.

Isolated: the folder and the environment are the kernel's, and what lies there is not for us.
"""

# A builtin: from before anything is loaded, an interrupt of the kernel passes us by.
import _signal  # type: ignore[import-not-found]

_signal.signal(_signal.SIGINT, _signal.SIG_IGN)

import json  # noqa: E402
import sys  # noqa: E402

if __name__ == "__main__":
    with open(int(sys.argv[1]), encoding="utf-8") as told:
        settings = json.load(told)
    sys.path[:] = settings["sys_path"]
    from jupyter_runt.agent.main import run

    run(settings, sys.argv[2:])
