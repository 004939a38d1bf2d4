"""What holds for every test."""

from hypothesis import HealthCheck, settings

# How long an example takes says more of the machine than of the code.
settings.register_profile("timeless", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# What one run finds, every run finds: new examples are looked for when asked to.
settings.register_profile(
    "quick", settings.get_profile("timeless"), max_examples=25, derandomize=True
)
settings.register_profile("thorough", settings.get_profile("timeless"), max_examples=1000)
settings.load_profile("quick")
