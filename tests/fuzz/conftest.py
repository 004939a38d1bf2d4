"""Stories on a whole server depend on the machine's timing too: they are told where asked for."""

import os

collect_ignore = [] if "RUNT_FUZZ_SEEDS" in os.environ else ["test_server.py"]
