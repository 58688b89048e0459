# SPDX-License-Identifier: MIT
"""Whether refscope can read the interpreter that targets run under, before a hundred tests ask."""
import os

from . import build, refscope
from .target import Target

OTHER = "REFSCOPE_TARGET_PYTHON=/path/to/python3.11 chooses another interpreter"


def why_not(program: str = "bare", python: str = build.DEFAULT_PYTHON) -> str:
    """One line that says why not, or "". Raises what making the core raises."""
    core = Target(program, python).core
    ran = refscope.call(os.path.relpath(core), "gc")
    if ran.status != refscope.FAILED or "is not supported" not in ran.err:
        return ""
    said = ran.err.strip().splitlines()[-1].partition("refscope: ")[2].rstrip(".")
    return "targets cannot run under %s: %s; %s" % (python, said, OTHER)
