"""Settings of the property tests: a busy machine is no fault of the code."""

from hypothesis import settings

settings.register_profile("evidence", deadline=None)
settings.load_profile("evidence")
