# SPDX-License-Identifier: MIT
"""refscope inside gdb: `source refscope-gdb.py` adds the py-... commands (`help py-heap`).

The package is looked for beside this file. Nothing of the target is touched until a command asks.
"""

import os
import sys

import gdb


def _load() -> str:
    """Register everything; returns what is in the way, or ""."""
    if sys.version_info < (3, 9):
        return "this gdb carries Python %d.%d; 3.9 or later is needed" % sys.version_info[:2]
    folder = os.path.dirname(os.path.realpath(__file__))
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        from refscope.gdb import register
    except ImportError as error:
        return "cannot load the package: %s" % error
    register()
    return ""


_problem = _load()
if _problem:
    gdb.write("refscope: %s.\n" % _problem, gdb.STDERR)
