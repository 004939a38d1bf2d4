"""What holds for every test."""

import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

# How long an example takes says more of the machine than of the code.
settings.register_profile("timeless", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# What one run finds, every run finds: new examples are looked for when asked to.
settings.register_profile(
    "quick", settings.get_profile("timeless"), max_examples=25, derandomize=True
)
settings.register_profile("thorough", settings.get_profile("timeless"), max_examples=1000)
settings.load_profile("quick")

# Tests start hundreds of processes: none compiles again what another one has compiled, and what
# only makes starts slow is left out.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
LEAN = str(Path(__file__).with_name("lean"))
if LEAN not in sys.path:
    sys.path.insert(0, LEAN)
    others = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = f"{LEAN}{os.pathsep}{others}" if others else LEAN
