# SPDX-License-Identifier: MIT
"""Whether refscope can read the interpreter that targets run under, before a hundred tests ask."""
import os

from . import build, refscope
from .target import Target

REFUSALS = ("is not supported", "is not true of this target")
OTHER = "REFSCOPE_TARGET_PYTHON=/path/to/python3.11 chooses another interpreter"


def why_not(program: str = "bare", python: str = build.DEFAULT_PYTHON) -> str:
    """One line that says why not, or "". Raises what making the core raises."""
    core = Target(program, python).core
    ran = refscope.call(os.path.relpath(core), "heap")
    _, _, said = ran.err.strip().rpartition("CPython ")
    if ran.status != refscope.FAILED or not any(words in said for words in REFUSALS):
        return ""
    said = "CPython " + said.rstrip(".")
    return "targets cannot run under %s: %s; %s" % (python, said, OTHER)
