"""Settings for the whole suite: hypothesis draws the same examples in every run, and is not timed."""

from hypothesis import settings

settings.register_profile("npreg", deadline=None, derandomize=True)
settings.load_profile("npreg")
