"""`python -I agent/__main__.py DESCRIPTOR COMMAND…`, which `provisioning/agents.py` starts.

Isolated: the folder and the environment are the kernel's, and what lies there is not for us.
"""

import json
import sys

if __name__ == "__main__":
    with open(int(sys.argv[1]), encoding="utf-8") as told:
        settings = json.load(told)
    sys.path[:] = settings["sys_path"]
    from jupyter_runt.agent.main import run

    run(settings, sys.argv[2:])
