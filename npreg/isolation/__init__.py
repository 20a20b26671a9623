"""Somebody's file in a process of its own (``choose``, ``Isolated``), or in this one (``run_answers``).

What runs inside the other process is in ``inside``, loaded by path, without the package.
"""

from npreg.isolation.executor import Isolated, Ran, Watch
from npreg.isolation.inside.answers import FILENAME, is_gradient, keys_for
from npreg.isolation.inside.answers import run as run_answers
from npreg.isolation.inside.constants import unguarded
from npreg.isolation.inside.main import LARGE
from npreg.isolation.inside.variants import search as search_changes
from npreg.isolation.sandbox import FORBIDDEN, Limits, NoIsolation, Sandbox, choose, protections, workplace

__all__ = ["FILENAME", "FORBIDDEN", "LARGE", "Isolated", "Limits", "NoIsolation", "Ran", "Sandbox", "Watch", "choose"]
__all__ += ["is_gradient", "keys_for", "protections", "run_answers", "search_changes", "unguarded", "workplace"]
