# SPDX-License-Identifier: MIT
"""Some of the planted programs under other interpreters.

REFSCOPE_TEST_PYTHONS names them, separated by colons; without it there is nothing to run.
"""
import os
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import build  # noqa: E402
from harness.endtoend import case_of  # noqa: E402

NAMES = ("bare", "shared", "cycles", "frozen", "leaks", "over_release", "threads", "orders", "stdlib")
PYTHONS = [p for p in os.environ.get("REFSCOPE_TEST_PYTHONS", "").split(":") if p]


class VersionsTest(unittest.TestCase):
    def test_interpreters_are_named(self):
        if not PYTHONS:
            self.skipTest("REFSCOPE_TEST_PYTHONS names no interpreter")
        for path in PYTHONS:
            self.assertGreaterEqual(build.interpreter(path).hexversion, 0x03080000)


def _add_cases():
    for path in PYTHONS:
        tag = "".join(c if c.isalnum() else "_" for c in build.interpreter(path).version)
        for name in NAMES:
            case = case_of(name, path)
            case.__name__ = case.__qualname__ = "Python%s%s" % (tag, case.__name__)
            globals()[case.__name__] = case


_add_cases()

if __name__ == "__main__":
    unittest.main()
