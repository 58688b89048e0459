# SPDX-License-Identifier: MIT
"""Puts the package and the tests on the path, wherever these are started from."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def find_package() -> None:
    """To be called before anything of refscope is imported."""
    for folder in (HERE, HERE.parent):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))


find_package()
