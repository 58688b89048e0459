# SPDX-License-Identifier: MIT
"""CPython inside another program: as a shared library, and as an archive without exported symbols."""
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import endtoend, refscope  # noqa: E402
from harness.target import Embedded  # noqa: E402


def embedded(name, archive, base=endtoend.EndToEnd):
    """The tests of a program, with another program around it."""
    case = endtoend.case_of(name, base=base)
    case.target = Embedded(name, archive=archive)
    case.__name__ = case.__qualname__ = "%sIn%s" % (case.__name__, "Archive" if archive else "Shared")
    return case


CyclesInArchive = embedded("cycles", True)
SharedInArchive = embedded("shared", True)
SharedLiveInArchive = embedded("shared", True, endtoend.LiveEndToEnd)
CyclesInShared = embedded("cycles", False)


class Archive(unittest.TestCase):
    def test_the_runtime_is_found_without_its_symbol(self):
        target = Embedded("cycles")
        if target.missing():
            self.skipTest("%s is not here" % target.missing())
        self.assertIn("_PyRuntime, by search in the data", refscope.call(target.core, "layout").out)


if __name__ == "__main__":
    unittest.main()
